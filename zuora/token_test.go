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

// readAll has so many reads at once, and returns their errors.
func readAll(t *testing.T, c *Client, reads int) (failed []*Error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	for range reads {
		group.Go(func() {
			if _, err := read(t, c); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
		})
	}
	group.Wait()
	return failed
}

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
			c := newFakeClient(t, counted(&tokens, respond(201, "\ufeff"+`{"access_token":"t",`+tc.expiresIn+`}`)), goodJob)
			failed := readAll(t, c, 50)
			time.Sleep(tc.renewed - time.Millisecond)
			failed = append(failed, readAll(t, c, 1)...)
			if n := tokens.Load(); n != 1 || len(failed) > 0 {
				t.Errorf("got %d tokens and the errors %v before the renewal, want 1 and none", n, failed)
			}
			time.Sleep(time.Millisecond)
			failed = readAll(t, c, 1)
			synctest.Wait()
			if n := tokens.Load(); n != 2 || len(failed) > 0 {
				t.Errorf("got %d tokens and the errors %v after the renewal, want 2 and none", n, failed)
			}
			if state := c.Token(); !state.Expiry.After(time.Now()) || state.Failure != nil {
				t.Errorf("got the state %+v, want that of the new token", state)
			}
		})
	}
}

func TestFailedRenewalCostsNothingWhileTheTokenLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeClient(t, inTurn(goodToken, respond(503, "")), goodJob)
		mustRead(t, c)
		time.Sleep(time.Hour - time.Second)
		mustRead(t, c)
		synctest.Wait()
		if c.Token().Failure == nil {
			t.Error("got no failure, want the renewal's")
		}
		time.Sleep(time.Minute)
		readFails(t, c, ReasonUnavailable)
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
			readFails(t, c, ReasonAuth)
			time.Sleep(100 * time.Millisecond)
		}
		if want := []float64{0, 1, 3, 7, 15, 31, 63, 123, 183}; len(at) > 16 || !slices.Equal(at[:len(want)], want) {
			t.Errorf("got requests after %v s, want at most 16, the first after %v s", at, want)
		}
	})
}

func TestTokenRequestOutlivesItsWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c := newFakeClient(t, counted(&requests, after(3*time.Second, goodToken)), goodJob)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begun := time.Now()
		err := c.CheckToken(ctx)
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != ReasonTimeout || e.Operation != OperationToken || time.Since(begun) != time.Second {
			t.Errorf("got %v after %s, want a timeout for the token after 1s", err, time.Since(begun))
		}
		time.Sleep(5 * time.Second)
		if err := c.CheckToken(t.Context()); err != nil || requests.Load() != 1 {
			t.Errorf("got %v and %d token requests, want the token of the first", err, requests.Load())
		}
	})
}

// A secret file on a hung file system keeps reads waiting, and nothing else. It
// is read once at a time.
func TestSecretThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung, calls := make(chan struct{}), 0
		c := newFakeClient(t, goodToken, goodJob, func(c *Config) {
			c.ClientSecret = func() (string, error) {
				calls++
				<-hung
				return "secret", nil
			}
		})
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			go func() { _, _ = c.DataLabelingJob(ctx, sampleID) }()
		}
		synctest.Wait()
		if c.Token().Failure != nil || c.Limits().RateLimit != nil || len(c.PausedUntil()) != 0 || calls != 1 {
			t.Errorf("got the state %+v and %d calls, want none and one", c.Token(), calls)
		}
		close(hung)
		mustRead(t, c)
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
			first := make(chan []*Error)
			go func() { first <- readAll(t, c, 50) }()
			time.Sleep(5 * time.Millisecond)
			if failed := append(readAll(t, c, 50), <-first...); len(failed) > 0 || tokens.Load() != 2 {
				t.Errorf("got %d tokens and the errors %v, want 2 and none", tokens.Load(), failed)
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
		"it refuses":               respond(401, `{"error":"invalid_client"}`),
		"it hangs":                 after(time.Hour, goodToken),
		"it gives tokens":          goodToken,
	} {
		bubble(t, name, func(t *testing.T) {
			var tokens atomic.Int64
			c := newFakeClient(t, counted(&tokens, inTurn(goodToken, renewal)), func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, bad) {
					return respond(401, `{"message":"Authentication error"}`)(r)
				}
				return goodJob(r)
			})
			for range 4 * 5 { // five minutes of scrapes
				done := make(chan error)
				go func() {
					_, err := c.DataLabelingJob(t.Context(), bad)
					done <- err
				}()
				synctest.Wait()
				begun := time.Now()
				if failed := readAll(t, c, 3); len(failed) > 0 || time.Since(begun) > 0 {
					t.Errorf("got the errors %v after %s for the good jobs, want answers at once", failed, time.Since(begun))
				}
				e, ok := errors.AsType[*Error](<-done)
				if !ok || e.Operation != OperationDataLabelingJob || e.Reason != ReasonAuth || e.StatusCode != 401 {
					t.Errorf("got %v for the bad job, want its own 401", e)
				}
				time.Sleep(15*time.Second - time.Since(begun))
			}
			if n := tokens.Load(); n != 1+5 {
				t.Errorf("got %d token requests in five minutes, want one, and one a minute", n)
			}
		})
	}
}

// The secret is asked for before each token request, and its errors are told.
func TestSecretThatCannotBeHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var secretErr error
		c := newFakeClient(t, goodToken, goodJob, func(c *Config) {
			c.ClientSecret = func() (string, error) { return "secret", secretErr }
		})
		mustRead(t, c)
		time.Sleep(time.Hour)
		secretErr = errors.New("no such file")
		if e := readFails(t, c, ReasonAuth); e.Operation != OperationToken || e.Message != "no such file" {
			t.Errorf("got %v, want the secret's error", e)
		}
	})
}

// A process sends at most 60 token requests a minute, and 40 in a burst, over
// all tenants; more wait for their turn. What is not sent does not count.
func TestTokenBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewTokenBudget()
		shared := func(c *Config) { c.TokenBudget = budget }
		for range 100 {
			readFails(t, newFakeClient(t, goodToken, goodJob, shared, func(c *Config) {
				c.ClientSecret = func() (string, error) { return "", errors.New("no such file") }
			}), ReasonAuth)
		}
		begun := time.Now()
		var mu sync.Mutex
		var sent []time.Duration
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				c := newFakeClient(t, func(r *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					sent = append(sent, time.Since(begun))
					return goodToken(r)
				}, goodJob, shared)
				if _, err := read(t, c); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if sent[39] != 0 || sent[40] == 0 || sent[59] > time.Minute || sent[60] < time.Minute || sent[99] > 3*time.Minute {
			t.Errorf("got requests after %v, want 40 at once, 60 in a minute and 100 in three", sent)
		}
	})
}
