package zuora

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestTokenIsSharedAndRenewedAhead(t *testing.T) {
	for name, tc := range map[string]struct {
		expiresIn string
		renewed   time.Duration
	}{
		"an hour: 300 s before the end":    {`"expires_in":3600`, 55 * time.Minute},
		"as text":                          {`"expires_in":"3600"`, 55 * time.Minute},
		"ten minutes: a tenth before it":   {`"expires_in":600`, 9 * time.Minute},
		"no number: as if it were an hour": {`"expires_in":"soon"`, 55 * time.Minute},
		"missing: as if it were an hour":   {`"scope":"s"`, 55 * time.Minute},
		"at once: a second":                {`"expires_in":0`, 900 * time.Millisecond},
	} {
		bubble(t, name, func(t *testing.T) {
			var tokens atomic.Int64
			c := newFakeClient(t, inTurn(&tokens, respond(201, "\ufeff"+`{"access_token":"t",`+tc.expiresIn+`}`)), goodJob)
			readAll(t, c, 50, "")
			time.Sleep(tc.renewed - time.Millisecond)
			if read(t, c, ""); tokens.Load() != 1 {
				t.Errorf("got %d tokens before the renewal, want 1", tokens.Load())
			}
			time.Sleep(time.Millisecond)
			read(t, c, "")
			synctest.Wait()
			if state := c.Token(); tokens.Load() != 2 || !state.Expiry.After(time.Now()) || state.Failure != nil {
				t.Errorf("got %d tokens and the state %+v after it, want 2 and that of the new one", tokens.Load(), state)
			}
		})
	}
}

func TestFailedRenewalCostsNothingWhileTheTokenLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeClient(t, inTurn(new(atomic.Int64), goodToken, respond(503, "")), goodJob)
		read(t, c, "")
		time.Sleep(time.Hour - time.Second)
		read(t, c, "")
		synctest.Wait()
		if c.Token().Failure == nil {
			t.Error("got no failure, want the renewal's")
		}
		time.Sleep(time.Minute)
		read(t, c, ReasonUnavailable)
	})
}

func TestRefusedTokenBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []float64
		c := newFakeClient(t, func(r *http.Request) (*http.Response, error) {
			at = append(at, time.Since(begun).Seconds())
			return respond(401, `{"error":"invalid_client"}`)(r)
		}, goodJob)
		for range 10 * 60 * 10 { // ten minutes of ten scrapes a second
			read(t, c, ReasonAuth)
			time.Sleep(100 * time.Millisecond)
		}
		if want := []float64{0, 1, 3, 7, 15, 31, 63, 123, 183}; len(at) > 16 || !slices.Equal(at[:len(want)], want) {
			t.Errorf("got requests after %v s, want at most 16, the first after %v s", at, want)
		}
	})
}

// A read and its wait for a token end with its context; the token request goes
// on.
func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tokens atomic.Int64
		c := newFakeClient(t, inTurn(&tokens, after(3*time.Second, goodToken)), after(3*time.Second, goodJob))
		for _, want := range []string{"getting a token: no token before the deadline", "no answer before the deadline"} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			begun := time.Now()
			_, err := c.DataLabelingJob(ctx, sampleID)
			if e, ok := errors.AsType[*Error](err); !ok || e.Reason != ReasonTimeout || e.Error() != want || time.Since(begun) != time.Second {
				t.Errorf("got %v after %s, want %s after 1s", err, time.Since(begun), want)
			}
			time.Sleep(5 * time.Second)
		}
		if err := c.CheckToken(t.Context()); err != nil || tokens.Load() != 1 {
			t.Errorf("got %v and %d token requests, want the token of the first", err, tokens.Load())
		}
	})
}

// A secret file on a hung file system keeps reads waiting, and nothing else. It
// is read once at a time, and again for each token; its errors are told.
func TestClientSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, calls, secretErr := make(chan struct{}), 0, error(nil)
		c := newFakeClient(t, goodToken, goodJob, func(c *Config) {
			c.ClientSecret = func() (string, error) {
				calls++
				<-hung
				return "secret", secretErr
			}
		})
		var reads sync.WaitGroup
		reads.Go(func() { readAll(t, c, 3, "") })
		synctest.Wait()
		if c.Token().Failure != nil || c.Limits().RateLimit != nil || len(c.PausedUntil()) != 0 || calls != 1 {
			t.Errorf("got the state %+v and %d calls, want none and one", c.Token(), calls)
		}
		close(hung)
		reads.Wait()
		time.Sleep(time.Hour)
		secretErr = errors.New("no such file")
		if _, e := read(t, c, ReasonAuth); e.Error() != "getting a token: no such file" {
			t.Errorf("got %v, want the secret's error", e)
		}
	})
}

// A revoked token fails no read, and a new one is asked for once.
func TestRevokedToken(t *testing.T) {
	for name, refusal := range map[string]roundTrip{
		"401":                      respond(401, ""),
		"below version 2024-05-20": respond(200, `{"success":false,"reasons":[{"code":90000011,"message":"Authentication error"}]}`),
	} {
		bubble(t, name, func(t *testing.T) {
			var tokens atomic.Int64
			c := newFakeClient(t, func(r *http.Request) (*http.Response, error) {
				return respond(200, fmt.Sprintf(`{"access_token":"token-%d"}`, tokens.Add(1)))(r)
			}, func(r *http.Request) (*http.Response, error) {
				// Some are refused after the new token has come.
				time.Sleep(time.Duration(tokens.Load()) * 10 * time.Millisecond)
				if r.Header.Get("Authorization") == "Bearer token-1" {
					return refusal(r)
				}
				return goodJob(r)
			})
			var first sync.WaitGroup
			first.Go(func() { readAll(t, c, 50, "") })
			time.Sleep(5 * time.Millisecond)
			readAll(t, c, 50, "")
			if first.Wait(); tokens.Load() != 2 {
				t.Errorf("got %d tokens, want 2", tokens.Load())
			}
		})
	}
}

// One job that always gets 401 does not take the token of all others, whatever
// comes of the renewals, which are one a minute.
func TestJobThatIsAlwaysUnauthorized(t *testing.T) {
	const bad = "00000000000000000000000000000001"
	for name, renewal := range map[string]roundTrip{
		"the token endpoint fails": respond(503, ""),
		"it hangs":                 after(time.Hour, goodToken),
		"it gives tokens":          goodToken,
	} {
		bubble(t, name, func(t *testing.T) {
			var tokens atomic.Int64
			c := newFakeClient(t, inTurn(&tokens, goodToken, renewal), func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, bad) {
					return respond(401, `{"message":"Authentication error"}`)(r)
				}
				return goodJob(r)
			})
			for range 4 * 5 { // five minutes of scrapes
				begun := time.Now()
				var group sync.WaitGroup
				group.Go(func() {
					if _, e := readJob(t, c, bad, ReasonAuth); e.Error() != "HTTP 401: Authentication error" {
						t.Errorf("got %v for the bad job, want its own 401", e)
					}
				})
				synctest.Wait()
				if readAll(t, c, 3, ""); time.Since(begun) > 0 {
					t.Errorf("got the good jobs after %s, want them at once", time.Since(begun))
				}
				group.Wait()
				time.Sleep(15*time.Second - time.Since(begun))
			}
			if n := tokens.Load(); n != 1+5 {
				t.Errorf("got %d token requests in five minutes, want one, and one a minute", n)
			}
		})
	}
}

// A process sends at most 60 token requests a minute, and 40 in a burst, over
// all tenants; more wait for their turn. What is not sent does not count.
func TestTokenBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewTokenBudget()
		begun := time.Now()
		var mu sync.Mutex
		var sent []time.Duration
		var group sync.WaitGroup
		tenant := func(secretErr error, want Reason) {
			read(t, newFakeClient(t, func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				sent = append(sent, time.Since(begun))
				return goodToken(r)
			}, goodJob, func(c *Config) {
				c.TokenBudget, c.ClientSecret = budget, func() (string, error) { return "secret", secretErr }
			}), want)
		}
		for range 100 {
			tenant(errors.New("no such file"), ReasonAuth)
		}
		for range 100 {
			group.Go(func() { tenant(nil, "") })
		}
		group.Wait()
		if sent[39] != 0 || sent[40] == 0 || sent[59] > time.Minute || sent[60] < time.Minute || sent[99] > 3*time.Minute {
			t.Errorf("got requests after %v, want 40 at once, 60 in a minute and 100 in three", sent)
		}
	})
}

// A client that is closed waits for no turn, and takes none from others.
func TestTokenBudgetOfAClosedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewTokenBudget()
		budget.AllowN(time.Now(), 40)
		client := func() *Client {
			return newFakeClient(t, goodToken, goodJob, func(c *Config) { c.TokenBudget = budget })
		}
		for range 20 {
			dropped := client()
			go read(t, dropped, ReasonTimeout)
			synctest.Wait()
			dropped.Close()
		}
		begun := time.Now()
		read(t, client(), "")
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("got a token after %s, want the next turn's", took)
		}
	})
}
