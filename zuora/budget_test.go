package zuora

import (
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Thirty tenants whose secret is refused, and more that come later, ask one host
// for at most 60 tokens in any 60 s, and the new ones are not kept waiting.
func TestTokenBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var sent []time.Time
		refuse := func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, time.Now())
			return respond(401, `{"error":"invalid_client"}`)
		}
		budget := new(TokenBudget)
		var clients []*Client
		add := func(n int, token transport) {
			for range n {
				c := newTestClient(token, goodJob)
				c.cfg.TokenBudget = budget
				clients = append(clients, c)
			}
		}
		scrape := func() {
			var group sync.WaitGroup
			for _, c := range clients {
				group.Go(func() { _ = read(c) })
			}
			group.Wait()
		}
		add(30, refuse)
		for range 20 { // a scrape every second
			scrape()
			time.Sleep(time.Second)
		}
		if len(sent) > 60 {
			t.Errorf("got %d token requests in 20 s, want at most 60", len(sent))
		}
		begun := time.Now()
		good := newTestClient(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			sent = append(sent, time.Now())
			return respond(200, `{"access_token":"t"}`)
		}, goodJob)
		good.cfg.TokenBudget = budget
		if err := read(good); err != nil || time.Since(begun) > 0 {
			t.Errorf("a new tenant waited %s and got %v, want a token at once", time.Since(begun), err)
		}
		clients = append(clients, good)
		for range 300 {
			scrape()
			time.Sleep(time.Second)
		}
		for i := range sent {
			if i >= 60 && sent[i].Sub(sent[i-60]) < time.Minute {
				t.Fatalf("requests %d to %d were sent in %s, want at most 60 in a minute", i-60, i, sent[i].Sub(sent[i-60]))
			}
		}
		if len(sent) < 100 {
			t.Errorf("got %d requests in 320 s, want repetitions to go on", len(sent))
		}
		for _, c := range clients {
			c.Close()
		}
	})
}

// More first requests than the budget allows wait for their turn.
func TestFirstTokenRequestsWaitForTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, begun := new(TokenBudget), time.Now()
		var group sync.WaitGroup
		var mu sync.Mutex
		var waited []time.Duration
		for range 100 {
			group.Go(func() {
				c := newTestClient(func(*http.Request) (*http.Response, error) { return respond(200, `{"access_token":"t"}`) }, goodJob)
				defer c.Close()
				c.cfg.TokenBudget = budget
				if err := read(c); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				waited = append(waited, time.Since(begun))
			})
		}
		group.Wait()
		if waited[59] != 0 || waited[60] != time.Minute || waited[99] != time.Minute {
			t.Errorf("the 60th waited %s, the 61st %s, the last %s; want 0, 1m and 1m", waited[59], waited[60], waited[99])
		}
	})
}

// A host is the same in any spelling, and what was not sent does not count.
func TestTokenBudgetCountsWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(TokenBudget)
		for range 80 {
			c := newTestClient(goodJob, goodJob)
			c.cfg.TokenBudget = budget
			c.cfg.ClientSecret = func() (string, error) { return "", errors.New("the environment variable is not set") }
			_ = read(c)
			c.Close()
		}
		sent := 0
		for _, host := range []string{"rest.example.com", "REST.example.com", "rest.example.com:443"} {
			for range 30 {
				if budget.take(&url.URL{Host: host}, time.Now()) == 0 {
					sent++
				}
			}
		}
		if sent != 60 {
			t.Errorf("%d requests may be sent, want 60", sent)
		}
	})
}
