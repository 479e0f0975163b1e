package zuora

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const jobBody = `{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Completed"}`

// transport is an http.RoundTripper in a function.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string) (*http.Response, error) {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func goodJob(*http.Request) (*http.Response, error) { return respond(200, jobBody) }

func newTestClient(token, job transport, changes ...func(*Config)) *Client {
	base, _ := url.Parse("https://rest.example.com/")
	cfg := Config{
		BaseURL: base, TokenURL: base.JoinPath("oauth/token"),
		ClientID: "id", ClientSecret: func() (string, error) { return "hunter2", nil },
		RequestTimeout: 5 * time.Second,
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" {
				return token(r)
			}
			return job(r)
		}),
	}
	for _, change := range changes {
		change(&cfg)
	}
	return NewClient(cfg)
}

// countingTokens hands out token-1, token-2 and so on, each for life.
func countingTokens(n *atomic.Int64, life time.Duration) transport {
	return func(*http.Request) (*http.Response, error) {
		return respond(200, fmt.Sprintf(`{"access_token":"token-%d","expires_in":%d}`, n.Add(1), int(life.Seconds())))
	}
}

func read(c *Client) error {
	_, err := c.DataLabelingJob(context.Background(), sampleID)
	return err
}

func reasonOf(t *testing.T, err error) Reason {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is no *Error", err)
	}
	return e.Reason
}

func TestTokenIsRequestedAsZuoraDocuments(t *testing.T) {
	var got *http.Request
	var form string
	c := newTestClient(func(r *http.Request) (*http.Response, error) {
		got = r
		body, _ := io.ReadAll(r.Body)
		form = string(body)
		return respond(200, `{"access_token":"t"}`)
	}, goodJob, func(c *Config) {
		c.ClientSecret = func() (string, error) { return "a+b/c=d&e", nil }
		c.EntityID, c.Scopes, c.EndpointParams = "entity", []string{"x", "y"}, url.Values{"audience": {"z"}}
	})
	if err := read(c); err != nil {
		t.Fatal(err)
	}
	if want := "audience=z&client_id=id&client_secret=a%2Bb%2Fc%3Dd%26e&grant_type=client_credentials&scope=x+y"; form != want {
		t.Errorf("form %s, want %s", form, want)
	}
	if got.Method != "POST" || got.URL.Path != "/oauth/token" || got.Header.Get("Zuora-Entity-Ids") != "entity" || got.Header.Get("Authorization") != "" {
		t.Errorf("%s %s %v", got.Method, got.URL, got.Header)
	}
}

func TestTokenIsSharedAndRenewedAhead(t *testing.T) {
	for name, tc := range map[string]struct{ life, renewed time.Duration }{
		"an hour: 300 s before the end":      {time.Hour, 55 * time.Minute},
		"ten minutes: a tenth before it":     {10 * time.Minute, 9 * time.Minute},
		"shorter than the margin: a tenth":   {100 * time.Second, 90 * time.Second},
		"without expires_in: after 3,600 s ": {0, 55 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tokens atomic.Int64
				token := countingTokens(&tokens, tc.life)
				if tc.life == 0 {
					token = func(*http.Request) (*http.Response, error) {
						tokens.Add(1)
						return respond(200, `{"access_token":"t"}`)
					}
				}
				c := newTestClient(token, goodJob)
				var group sync.WaitGroup
				for range 50 {
					group.Go(func() {
						if err := read(c); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
				time.Sleep(tc.renewed - time.Millisecond)
				if err := read(c); err != nil || tokens.Load() != 1 {
					t.Errorf("error %v and %d tokens before the renewal", err, tokens.Load())
				}
				time.Sleep(time.Millisecond)
				err := read(c)
				synctest.Wait()
				if err != nil || tokens.Load() != 2 {
					t.Errorf("error %v and %d tokens after the renewal", err, tokens.Load())
				}
			})
		})
	}
}

func TestFailedRenewalCostsNothingWhileTheTokenLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c := newTestClient(func(*http.Request) (*http.Response, error) {
			if requests.Add(1) == 1 {
				return respond(200, `{"access_token":"t","expires_in":3600}`)
			}
			return respond(503, "")
		}, goodJob)
		for range 239 { // a scrape every 15 s, until 15 s before the end
			if err := read(c); err != nil {
				t.Fatal(err)
			}
			time.Sleep(15 * time.Second)
		}
		// 1, 2, 4, 8, 16, 32 and 60 s apart, as the scrapes come: 20 scrapes.
		if n := requests.Load(); n < 5 || n > 11 {
			t.Errorf("%d token requests", n)
		}
		time.Sleep(time.Minute)
		if got := reasonOf(t, read(c)); got != ReasonUnavailable {
			t.Errorf("reason %s once the token has ended", got)
		}
	})
}

func TestRefusedTokenBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		c := newTestClient(func(*http.Request) (*http.Response, error) {
			at = append(at, time.Since(begun))
			return respond(401, `{"error":"invalid_client"}`)
		}, goodJob)
		for range 10 * 60 * 10 { // ten minutes of ten scrapes a second
			if got := reasonOf(t, read(c)); got != ReasonAuth {
				t.Fatalf("reason %s", got)
			}
			time.Sleep(100 * time.Millisecond)
		}
		for i, want := range []float64{0, 1, 3, 7, 15, 31, 63, 123, 183} {
			if got := at[i].Seconds(); got != want {
				t.Errorf("request %d after %v s, want %v s", i, got, want)
			}
		}
		if len(at) > 16 {
			t.Errorf("%d requests in ten minutes", len(at))
		}
	})
}

func TestTokenRequestOutlivesItsWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c := newTestClient(func(r *http.Request) (*http.Response, error) {
			requests.Add(1)
			select {
			case <-time.After(3 * time.Second):
				return respond(200, `{"access_token":"t"}`)
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}, goodJob)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		begun := time.Now()
		_, err := c.DataLabelingJob(ctx, sampleID)
		if got := reasonOf(t, err); got != ReasonTimeout || time.Since(begun) != time.Second {
			t.Errorf("%s after %s", got, time.Since(begun))
		}
		time.Sleep(5 * time.Second)
		if err := read(c); err != nil || requests.Load() != 1 {
			t.Errorf("error %v after %d token requests", err, requests.Load())
		}
	})
}

func TestTokenRequestEndsAtTheRequestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, goodJob)
		begun := time.Now()
		if got := reasonOf(t, read(c)); got != ReasonTimeout || time.Since(begun) != 5*time.Second {
			t.Errorf("%s after %s", got, time.Since(begun))
		}
	})
}

func TestUnauthorizedDropsTheTokenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tokens, reads atomic.Int64
		c := newTestClient(countingTokens(&tokens, time.Hour), func(*http.Request) (*http.Response, error) {
			reads.Add(1)
			return respond(401, `{"message":"Authentication error"}`)
		})
		for range 5 { // five scrapes of fifty jobs that answer 401 whatever the token
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() {
					if got := reasonOf(t, read(c)); got != ReasonAuth {
						t.Errorf("reason %s", got)
					}
				})
			}
			group.Wait()
			time.Sleep(15 * time.Second)
		}
		if n := tokens.Load(); n > 3 {
			t.Errorf("%d tokens", n)
		}
		if n := reads.Load(); n > 5*50*2 {
			t.Errorf("%d reads", n)
		}
	})
}

func TestRevokedTokenFailsNoRead(t *testing.T) {
	for name, refusal := range map[string]transport{
		"401": func(*http.Request) (*http.Response, error) { return respond(401, "") },
		"below version 2024-05-20": func(*http.Request) (*http.Response, error) {
			return respond(200, `{"success":false,"reasons":[{"code":90000011,"message":"Authentication error"}]}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var tokens atomic.Int64
				c := newTestClient(countingTokens(&tokens, time.Hour), func(r *http.Request) (*http.Response, error) {
					time.Sleep(10 * time.Millisecond)
					if r.Header.Get("Authorization") == "Bearer token-1" {
						return refusal(r)
					}
					return respond(200, jobBody)
				})
				var group sync.WaitGroup
				for range 50 {
					group.Go(func() {
						if err := read(c); err != nil {
							t.Error(err)
						}
					})
				}
				group.Wait()
				if tokens.Load() != 2 {
					t.Errorf("%d tokens", tokens.Load())
				}
			})
		})
	}
}

func TestSecretIsReadForEveryToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret, accepted := "old", "old"
		c := newTestClient(func(r *http.Request) (*http.Response, error) {
			form, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(form), "client_secret="+accepted+"&") {
				return respond(401, "")
			}
			return respond(200, `{"access_token":"t","expires_in":3600}`)
		}, goodJob)
		c.cfg.ClientSecret = func() (string, error) { return secret, nil }
		if err := read(c); err != nil {
			t.Fatal(err)
		}
		secret, accepted = "new", "new"
		time.Sleep(time.Hour)
		if err := read(c); err != nil {
			t.Error(err)
		}
		c.cfg.ClientSecret = func() (string, error) { return "", errors.New("client_secret_file: no such file") }
		time.Sleep(time.Hour)
		if got := reasonOf(t, read(c)); got != ReasonAuth {
			t.Errorf("reason %s without a secret", got)
		}
	})
}

func TestLimitedTokenRequestsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c := newTestClient(func(*http.Request) (*http.Response, error) {
			if requests.Add(1) == 1 {
				resp, err := respond(429, "")
				resp.Header.Set("Retry-After", "100")
				return resp, err
			}
			return respond(200, `{"access_token":"t"}`)
		}, goodJob)
		for range 100 {
			if got := reasonOf(t, read(c)); got != ReasonRateLimited {
				t.Fatalf("reason %s", got)
			}
			if until := c.PausedUntil(); len(until) != 1 || until[OperationToken].IsZero() {
				t.Fatalf("paused until %v", until)
			}
			time.Sleep(time.Second)
		}
		if err := read(c); err != nil || requests.Load() != 2 {
			t.Errorf("error %v and %d requests", err, requests.Load())
		}
	})
}
