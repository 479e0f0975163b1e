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
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestRequestsAreAsZuoraDocuments(t *testing.T) {
	var sent strings.Builder
	trackIDs := map[string]bool{}
	record := func(answer roundTrip) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			if id := r.Header.Get(headerTrackID); id != "" {
				trackIDs[id] = len(id) <= 64 && !strings.ContainsAny(id, `:;"'`)
				r.Header.Set(headerTrackID, "ID")
			}
			fmt.Fprintf(&sent, "%s %s\r\n", r.Method, r.URL.RequestURI())
			_ = r.Header.Write(&sent)
			if r.Body != nil {
				_, _ = io.Copy(&sent, r.Body)
			}
			return answer(r)
		}
	}
	c := newFakeClient(t, record(goodToken), record(goodJob), func(c *Config) {
		c.BaseURL, _ = url.Parse("https://gateway.example.com/a%2Fb/")
		c.ClientID, c.ClientSecret = "id", func() (string, error) { return "a+b/c=d&e", nil }
		c.EntityID, c.Scopes, c.EndpointParams = "entity", []string{"x", "y"}, map[string]string{"audience": "z"}
	})
	read(t, c, "")
	read(t, c, "")
	want := `POST /oauth/token
Accept: application/json
Content-Type: application/x-www-form-urlencoded
User-Agent: zuora_exporter/test
Zuora-Entity-Ids: entity
audience=z&client_id=id&client_secret=a%2Bb%2Fc%3Dd%26e&grant_type=client_credentials&scope=x+y` + strings.Repeat(
		`GET /a%2Fb/v1/multi-organizations/data-labeling-job/ff80808186b966950186b97922e200ab
Accept: application/json
Authorization: Bearer a-token-0123456789
User-Agent: zuora_exporter/test
Zuora-Entity-Ids: entity
Zuora-Track-Id: ID
Zuora-Version: 2025-08-12
`, 2)
	if diff := cmp.Diff(want, strings.ReplaceAll(sent.String(), "\r", "")); diff != "" {
		t.Error(diff)
	}
	if allowed := slices.Collect(maps.Values(trackIDs)); !slices.Equal(allowed, []bool{true, true}) {
		t.Errorf("got the track ids %v, want two as Zuora allows them", trackIDs)
	}
}

// Each fault has its reason, nothing is repeated but after a 401, and the job
// beside it stays good.
func TestFaults(t *testing.T) {
	const faulty = "00000000000000000000000000000001"
	for _, version := range []string{"2025-08-12", "341.0"} {
		for _, fault := range slices.Concat(zuoratest.Faults(), zuoratest.TokenFaults()) {
			t.Run(version+"/"+fault.Name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				c := newClient(t, s.URL, func(c *Config) { c.APIVersion, c.RequestTimeout = version, 2*time.Second })
				operation := OperationToken
				if strings.HasPrefix(fault.Name, "token_") {
					s.SetTokenFault(fault.Fault)
				} else {
					operation = OperationDataLabelingJob
					s.SetFault(faulty, fault.Fault)
					read(t, c, "")
					c.CloseIdleConnections() // net/http repeats what is lost on a kept one
				}
				s.ResetCounters()
				_, err := readJob(t, c, faulty, Reason(fault.Reason))
				want := 1
				if operation == OperationDataLabelingJob && err.unauthorized {
					want = 3 // with a new token
				}
				n := s.Counters().TokenRequests + s.Counters().JobRequests
				_, paused := c.PausedUntil()[operation]
				if n != want || paused != (fault.Reason == "rate_limited") {
					t.Errorf("got %d requests and a pause: %t, want %d, and a pause only after a limit", n, paused, want)
				}
				if fault.Reason != "" && err.Operation != operation {
					t.Errorf("got a failed %s, want a failed %s", err.Operation, operation)
				}
				if operation == OperationDataLabelingJob && !paused {
					read(t, c, "")
				}
			})
		}
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
		"401":                  {401, "{", ReasonAuth, ReasonAuth},
		"403":                  {403, "{", ReasonTimeout, ReasonAuth},
		"429":                  {429, "{", ReasonRateLimited, ReasonRateLimited},
		"all there is to say":  {404, `{"success":false}`, ReasonNotFound, ReasonNotFound},
		"all of a good answer": {200, `{"jobStatus":"Completed","access_token":"t"}`, ReasonTimeout, ReasonTimeout},
		"101, a connection":    {101, "", ReasonInvalidResponse, ReasonInvalidResponse},
		"a 2xx that would say": {200, `{"success":false}`, ReasonTimeout, ReasonTimeout},
	} {
		bubble(t, name, func(t *testing.T) {
			endless := func(r *http.Request) (*http.Response, error) {
				answer, err := respond(tc.status, tc.body)(r)
				answer.Body = io.NopCloser(io.MultiReader(answer.Body, hang{r.Context()}))
				return answer, err
			}
			_, err := read(t, newFakeClient(t, goodToken, endless), tc.job)
			if tc.job == ReasonTimeout && !strings.Contains(err.Message, "5s") {
				t.Errorf("got %v, want the timeout named", err)
			}
			read(t, newFakeClient(t, endless, goodJob), tc.token)
		})
	}
	t.Run("it ends too early", func(t *testing.T) {
		_, err := read(t, newFakeClient(t, goodToken, func(*http.Request) (*http.Response, error) {
			body := io.MultiReader(strings.NewReader(sampleJob), iotest.ErrReader(io.ErrUnexpectedEOF))
			return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
		}), ReasonInvalidResponse)
		if err.Message != "the body is cut short" {
			t.Errorf("got %v, want that it is cut short", err)
		}
	})
}

// hang is a body of which nothing comes.
type hang struct{ context.Context }

func (h hang) Read([]byte) (int, error) {
	<-h.Done()
	return 0, h.Err()
}

func TestNoConnection(t *testing.T) {
	closed := newServer(t)
	closed.Close()
	unknown := zuoratest.NewTLSServer(testutil.NewCertificate(t).Pair)
	t.Cleanup(unknown.Close)
	for want, address := range map[string]string{"connection": closed.URL, "certificate": unknown.URL} {
		// A secret that is in the error anyway does not hide it.
		_, err := read(t, newClient(t, address, func(c *Config) { c.Secrets = []string{want} }), ReasonUnavailable)
		if !strings.Contains(err.Message, want) || strings.Contains(err.Message, "oauth") {
			t.Errorf("got %q, want %q and no URL", err.Message, want)
		}
	}
	// A dial, a proxy or a handshake may give up by itself.
	gaveUp := func(*http.Request) (*http.Response, error) { return nil, os.ErrDeadlineExceeded }
	read(t, newFakeClient(t, goodToken, gaveUp), ReasonTimeout)
}

// Connections that were kept in vain fail no read, and no token request: the
// server resets a read's, and says nothing at all on a token request's.
func TestForgottenConnections(t *testing.T) {
	type opened struct{}
	var age atomic.Int64 // of the world
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forgotten := r.Context().Value(opened{}) != age.Load()
		switch isToken := r.Method == http.MethodPost; {
		case forgotten && isToken:
			_, _ = io.Copy(io.Discard, r.Body) // net/http then notices that the client leaves
			<-r.Context().Done()
		case forgotten:
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = c.(*net.TCPConn).SetLinger(0) // Close then sends a reset
				_ = c.Close()
			}
		case isToken:
			io.WriteString(w, `{"access_token":"t"}`)
		default:
			io.WriteString(w, sampleJob)
		}
	}))
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, opened{}, age.Load())
	}
	s.Start()
	t.Cleanup(s.Close)
	c := newClient(t, s.URL)
	for i := range int64(3) {
		age.Store(i)
		if i == 2 {
			c.current = nil // it has expired
		}
		readAll(t, c, 10, "")
	}
}

// A client that was closed goes on to read, and keeps no connection.
func TestClose(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s.URL)
	read(t, c, "")
	kept := s.Counters().Connections
	c.Close()
	for range 3 {
		read(t, c, "")
	}
	if got := s.Counters().Connections; got != kept+3 {
		t.Errorf("got %d connections, want 3 more than the %d before", got, kept)
	}
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		var seen []string
		var n atomic.Int64
		lost := func(*http.Request) (*http.Response, error) { return nil, io.EOF }
		job := inTurn(&n, after(time.Second, respond(503, "", headerRequestID, "a-token-0123456789")), lost)
		c := newFakeClient(t, after(time.Second, goodToken), job, func(c *Config) {
			c.Observe = func(ctx context.Context, sent Request) func(Request) {
				seen = append(seen, fmt.Sprintf("%v sends %s %t", ctx.Value(key{}), sent.Operation, sent.TrackID != ""))
				return func(r Request) {
					seen = append(seen, fmt.Sprintf("%s %d %s %q %t", r.Operation, r.StatusCode, r.Duration, r.RequestID, r.TrackID == sent.TrackID))
				}
			}
		})
		for range 2 {
			_, _ = c.DataLabelingJob(context.WithValue(t.Context(), key{}, "the read"), sampleID)
		}
		want := []string{
			"the read sends token false", `token 200 1s "" true`,
			"the read sends data_labeling_job true", `data_labeling_job 503 1s "(withheld: it repeats a secret)" true`,
			"the read sends data_labeling_job true", `data_labeling_job 0 0s "" true`,
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
		token := inTurn(&tokens, goodToken, respond(401, `{"error":"invalid_client"}`), goodToken)
		limited := respond(429, "", "Retry-After", "100", "RateLimit-Limit", "1000", "RateLimit-Remaining", "7")
		old := newFakeClient(t, token, limited)
		renewed := newFakeClient(t, token, goodJob, func(c *Config) { c.Previous = old })
		read(t, old, ReasonRateLimited)
		read(t, renewed, ReasonRateLimited)
		if limits := renewed.Limits(); len(renewed.PausedUntil()) != 1 || *limits.RateLimitRemaining != 7 || tokens.Load() != 1 {
			t.Errorf("got the pauses %v, the limits %+v and %d token requests, want those of the old client", renewed.PausedUntil(), limits, tokens.Load())
		}

		time.Sleep(100 * time.Second)
		read(t, renewed, ReasonAuth) // then a second's back-off
		third := newFakeClient(t, token, goodJob, func(c *Config) { c.Previous = renewed })
		read(t, third, ReasonAuth)
		if third.Token().Failure == nil || tokens.Load() != 2 {
			t.Errorf("got the failure %v and %d token requests, want the old client's and 2", third.Token().Failure, tokens.Load())
		}

		time.Sleep(time.Second)
		read(t, third, "")
		for range 3 { // three reloads within a minute ask for one token each, and one more after a 401
			third = newFakeClient(t, token, respond(401, ""), func(c *Config) { c.Previous = third })
			read(t, third, ReasonAuth)
		}
		if n := tokens.Load(); n != 3+3+1 {
			t.Errorf("got %d token requests, want 7", n)
		}
	})
}
