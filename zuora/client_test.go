package zuora

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestDocumentedSample(t *testing.T) {
	job := mustRead(t, newClient(t, newServer(t).URL))
	want := &DataLabelingJob{
		Status: Completed, ObjectType: "Account",
		Labeled: new(int64(9)), Failed: new(int64(1)), Timeout: new(int64(1)), Total: new(int64(11)),
	}
	if diff := cmp.Diff(want, job, cmpopts.IgnoreFields(DataLabelingJob{}, "ReceivedAt")); diff != "" {
		t.Error(diff)
	}
	if age := time.Since(job.ReceivedAt); age < 0 || age > time.Minute {
		t.Errorf("got an answer received %s ago, want now", age)
	}
}

func TestRequestsAreAsZuoraDocuments(t *testing.T) {
	var requests []*http.Request
	var form string
	c := newFakeClient(t, func(r *http.Request) (*http.Response, error) {
		requests = append(requests, r)
		body, _ := io.ReadAll(r.Body)
		form = string(body)
		return goodToken(r)
	}, func(r *http.Request) (*http.Response, error) {
		requests = append(requests, r)
		return goodJob(r)
	}, func(c *Config) {
		c.ClientID, c.ClientSecret = "id", func() (string, error) { return "a+b/c=d&e", nil }
		c.EntityID, c.Scopes, c.EndpointParams = "entity", []string{"x", "y"}, map[string]string{"audience": "z"}
	})
	for range 2 {
		mustRead(t, c)
	}
	if len(requests) != 3 {
		t.Fatalf("got %d requests, want one for a token and two for the job", len(requests))
	}
	token, job := requests[0], requests[1]
	first, second := job.Header.Get(headerTrackID), requests[2].Header.Get(headerTrackID)
	if first == second || len(first) > 64 || strings.ContainsAny(first, `:;"'`) {
		t.Errorf(`got the track ids %q and %q, want two of at most 64 characters without : ; " '`, first, second)
	}
	if want := "audience=z&client_id=id&client_secret=a%2Bb%2Fc%3Dd%26e&grant_type=client_credentials&scope=x+y"; form != want {
		t.Errorf("got the form %s, want %s", form, want)
	}
	common := http.Header{"Accept": {"application/json"}, "User-Agent": {"zuora_exporter/test"}, "Zuora-Entity-Ids": {"entity"}}
	for want, tc := range map[string]struct {
		got   *http.Request
		extra http.Header
	}{
		"POST /oauth/token": {token, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		"GET /v1/multi-organizations/data-labeling-job/" + sampleID: {job, http.Header{
			"Authorization": {"Bearer a-token-0123456789"}, "Zuora-Version": {"2025-08-12"}, headerTrackID: {first},
		}},
	} {
		if got := tc.got.Method + " " + tc.got.URL.RequestURI(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		maps.Copy(tc.extra, common)
		notSent := cmpopts.IgnoreMapEntries(func(_ string, values []string) bool { return values == nil })
		if diff := cmp.Diff(tc.extra, tc.got.Header, notSent); diff != "" {
			t.Errorf("%s: %s", want, diff)
		}
	}
}

func TestBaseURLWithAPath(t *testing.T) {
	for base, want := range map[string]string{
		"https://rest.example.com/":         "/v1/multi-organizations/data-labeling-job/",
		"https://gateway.example.com/zuora": "/zuora/v1/multi-organizations/data-labeling-job/",
		"https://gateway.example.com/a%2Fb": "/a%2Fb/v1/multi-organizations/data-labeling-job/",
	} {
		var got string
		c := newFakeClient(t, goodToken, func(r *http.Request) (*http.Response, error) {
			got = r.URL.RequestURI()
			return goodJob(r)
		}, func(c *Config) { c.BaseURL, _ = url.Parse(base) })
		if _, err := read(t, c); err != nil || got != want+sampleID {
			t.Errorf("%s: got %s and %v, want %s", base, got, err, want+sampleID)
		}
	}
}

// Each fault has its reason, nothing is repeated but after a 401, and the job
// beside it stays good.
func TestFaults(t *testing.T) {
	const other = "00000000000000000000000000000001"
	for _, version := range []string{"2025-08-12", "341.0"} {
		for _, fault := range zuoratest.Faults() {
			t.Run(version+"/"+fault.Name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				s.SetJob(zuoratest.Job{ID: other, ObjectType: "Product", Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
				c := newClient(t, s.URL, func(c *Config) {
					c.APIVersion = version
					if fault.Reason == "timeout" {
						c.RequestTimeout = time.Second
					}
				})
				if _, err := c.DataLabelingJob(t.Context(), other); err != nil {
					t.Fatal(err)
				}
				c.CloseIdleConnections() // net/http repeats what is lost on a kept one
				s.SetFault(sampleID, fault.Fault)
				_, err := read(t, c)
				if fault.Reason != "" {
					expectReason(t, err, Reason(fault.Reason))
				} else if err != nil {
					t.Errorf("got %v, want an odd but good answer", err)
				}
				want := 1
				if err != nil && err.unauthorized {
					want = 2
				}
				if n := s.Counters().JobRequests - 1; n != want {
					t.Errorf("got %d requests, want %d", n, want)
				}
				_, paused := c.PausedUntil()[OperationDataLabelingJob]
				if paused != (fault.Reason == "rate_limited") {
					t.Errorf("got a pause: %t, want one only after a limit", paused)
				}
				if _, err := c.DataLabelingJob(t.Context(), other); err != nil && !paused {
					t.Errorf("got %v for the job beside it, want an answer", err)
				}
			})
		}
	}
}

func TestTokenFaults(t *testing.T) {
	for _, fault := range zuoratest.TokenFaults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.SetTokenFault(fault.Fault)
			c := newClient(t, s.URL, func(c *Config) {
				if fault.Reason == "timeout" {
					c.RequestTimeout = time.Second
				}
			})
			for range 3 {
				_, err := read(t, c)
				if fault.Reason == "" && err != nil {
					t.Errorf("got %v, want an odd but good answer", err)
				} else if fault.Reason != "" {
					expectReason(t, err, Reason(fault.Reason))
					if err != nil && err.Operation != OperationToken {
						t.Errorf("got the operation %s, want token", err.Operation)
					}
				}
			}
			_, paused := c.PausedUntil()[OperationToken]
			if n := s.Counters(); n.TokenRequests != 1 || paused != (fault.Reason == "rate_limited") {
				t.Errorf("got %d token requests, a pause: %t, want one, and a pause only after a limit", n.TokenRequests, paused)
			}
		})
	}
}

// Of a body that never ends, what came counts if its reason goes before timeout.
func TestBodyThatNeverEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		body       string
		job, token Reason
	}{
		"200":                  {200, "{", ReasonTimeout, ReasonTimeout},
		"400":                  {400, "{", ReasonTimeout, ReasonAuth},
		"401":                  {401, "{", ReasonAuth, ReasonAuth},
		"403":                  {403, "{", ReasonTimeout, ReasonAuth},
		"404":                  {404, "{", ReasonTimeout, ReasonTimeout},
		"429":                  {429, "{", ReasonRateLimited, ReasonRateLimited},
		"500":                  {500, "{", ReasonTimeout, ReasonTimeout},
		"all there is to say":  {404, `{"success":false}`, ReasonNotFound, ReasonNotFound},
		"101, a connection":    {101, "", ReasonInvalidResponse, ReasonInvalidResponse},
		"a 2xx that would say": {200, `{"success":false}`, ReasonTimeout, ReasonTimeout},
	} {
		bubble(t, name, func(t *testing.T) {
			endless := func(r *http.Request) (*http.Response, error) {
				answer, err := respond(tc.status, tc.body)(r)
				answer.Body = io.NopCloser(io.MultiReader(answer.Body, hang{r.Context()}))
				return answer, err
			}
			err := readFails(t, newFakeClient(t, goodToken, endless), tc.job)
			if tc.job == ReasonTimeout && !strings.Contains(err.Message, "5s") {
				t.Errorf("got %v, want the timeout named", err)
			}
			readFails(t, newFakeClient(t, endless, goodJob), tc.token)
		})
	}
}

// hang is a body of which nothing comes.
type hang struct{ context.Context }

func (h hang) Read([]byte) (int, error) {
	<-h.Done()
	return 0, h.Err()
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := newFakeClient(t, goodToken, after(time.Minute, goodJob)).DataLabelingJob(ctx, sampleID)
		if want := (Error{Operation: OperationDataLabelingJob, Reason: ReasonTimeout, Message: "no answer before the deadline"}); err == nil || err.Error() != want.Error() {
			t.Errorf("got %v, want %s", err, want.Error())
		}
	})
}

func TestNoConnection(t *testing.T) {
	closed := newServer(t)
	closed.Close()
	unknown := zuoratest.NewTLSServer(testutil.NewCertificate(t).Pair)
	t.Cleanup(unknown.Close)
	for name, tc := range map[string]struct{ address, want string }{
		"nobody listens":                    {closed.URL, "connection"},
		"a certificate that is not trusted": {unknown.URL, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			// A secret that is in the error anyway does not hide it.
			err := readFails(t, newClient(t, tc.address, func(c *Config) { c.Secrets = []string{tc.want} }), ReasonUnavailable)
			if !strings.Contains(err.Message, tc.want) || strings.Contains(err.Message, "oauth") {
				t.Errorf("got %q, want %q and no URL", err.Message, tc.want)
			}
		})
	}
}

// Connections that were kept in vain fail no read, and no token request.
func TestForgottenConnections(t *testing.T) {
	var mu sync.Mutex
	opened, age, tokens := map[string]int{}, 0, 0 // connections by the client's address
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if _, known := opened[r.RemoteAddr]; !known {
			opened[r.RemoteAddr] = age
		}
		switch conn, _ := w.(http.Hijacker); {
		case opened[r.RemoteAddr] < age:
			if c, _, err := conn.Hijack(); err == nil {
				_ = c.(*net.TCPConn).SetLinger(0) // Close then sends a reset
				_ = c.Close()
			}
		case r.Method == http.MethodPost:
			tokens++
			fmt.Fprintf(w, `{"access_token":"of-age-%d"}`, age/2)
		case r.Header.Get("Authorization") != fmt.Sprintf("Bearer of-age-%d", age/2):
			w.WriteHeader(http.StatusUnauthorized)
		default:
			io.WriteString(w, `{"jobStatus":"Completed"}`)
		}
	}))
	t.Cleanup(s.Close)
	c := newClient(t, s.URL)
	for range 3 {
		if failed := readAll(t, c, 10); len(failed) > 0 {
			t.Errorf("got the errors %v, want none", failed)
		}
		mu.Lock()
		age++
		mu.Unlock()
	}
	if tokens != 2 {
		t.Errorf("got %d token requests, want 2", tokens)
	}
}

// A client that was closed goes on to read, and keeps no connection.
func TestClose(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s.URL)
	for range 2 {
		mustRead(t, c)
	}
	kept := s.Counters().Connections
	c.Close()
	for range 3 {
		mustRead(t, c)
	}
	if got := s.Counters().Connections; got != kept+3 {
		t.Errorf("got %d connections, want 3 more than the %d before", got, kept)
	}
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var seen []string
		c := newFakeClient(t, after(time.Second, goodToken), after(time.Second, respond(503, "", headerRequestID, "a-token-0123456789")), func(c *Config) {
			c.Observe = func(ctx context.Context, sent Request) func(Request) {
				seen = append(seen, fmt.Sprintf("%v sends %s %t", ctx.Value(key{}), sent.Operation, sent.TrackID != ""))
				return func(r Request) {
					seen = append(seen, fmt.Sprintf("%s %d %s %q %t", r.Operation, r.StatusCode, r.Duration, r.RequestID, r.TrackID == sent.TrackID))
				}
			}
		})
		_, _ = c.DataLabelingJob(context.WithValue(t.Context(), key{}, "the read"), sampleID)
		c.cfg.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, io.EOF })
		_, _ = read(t, c)
		want := []string{
			"the read sends token false", `token 200 1s "" true`,
			"the read sends data_labeling_job true", `data_labeling_job 503 1s "(withheld: it repeats a secret)" true`,
			"<nil> sends data_labeling_job true", `data_labeling_job 0 0s "" true`,
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
	})
}

// A client that replaces another shares its pauses, limits and the pace of
// token requests, in both directions.
func TestPrevious(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tokens atomic.Int64
		answer := goodToken
		token := counted(&tokens, func(r *http.Request) (*http.Response, error) { return answer(r) })
		limited := respond(429, "", "Retry-After", "100", "RateLimit-Limit", "1000", "RateLimit-Remaining", "7")
		old := newFakeClient(t, token, limited)
		renewed := newFakeClient(t, token, goodJob, func(c *Config) { c.Previous = old })
		readFails(t, old, ReasonRateLimited)
		readFails(t, renewed, ReasonRateLimited)
		if limits := renewed.Limits(); len(renewed.PausedUntil()) != 1 || *limits.RateLimitRemaining != 7 || tokens.Load() != 1 {
			t.Errorf("got the pauses %v, the limits %+v and %d token requests, want those of the old client", renewed.PausedUntil(), limits, tokens.Load())
		}

		time.Sleep(100 * time.Second)
		answer = respond(401, `{"error":"invalid_client"}`)
		readFails(t, renewed, ReasonAuth) // then a second's back-off
		third := newFakeClient(t, token, goodJob, func(c *Config) { c.Previous = renewed })
		readFails(t, third, ReasonAuth)
		if third.Token().Failure == nil || tokens.Load() != 2 {
			t.Errorf("got the failure %v and %d token requests, want the old client's and 2", third.Token().Failure, tokens.Load())
		}

		answer = goodToken
		time.Sleep(time.Second)
		mustRead(t, third)
		unauthorized := respond(401, "")
		for range 3 { // three reloads within a minute ask for one token each, and one more after a 401
			third = newFakeClient(t, token, unauthorized, func(c *Config) { c.Previous = third })
			readFails(t, third, ReasonAuth)
		}
		if n := tokens.Load(); n != 3+3+1 {
			t.Errorf("got %d token requests, want 7", n)
		}
	})
}
