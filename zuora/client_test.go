package zuora_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/zuora"
	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newServer starts a stand-in that has the documented sample job.
func newServer(t *testing.T, opts ...zuoratest.Option) *zuoratest.Server {
	s := zuoratest.NewServer(opts...)
	t.Cleanup(s.Close)
	s.SetSampleJob()
	return s
}

// newClient returns a client of s, after the changes.
func newClient(t *testing.T, s *zuoratest.Server, changes ...func(*zuora.Config)) *zuora.Client {
	base, err := url.Parse(s.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 20, MaxConnsPerHost: 10}
	t.Cleanup(transport.CloseIdleConnections)
	c := zuora.Config{
		BaseURL: base, TokenURL: base.JoinPath("oauth/token"),
		ClientID: zuoratest.ClientID, ClientSecret: func() (string, error) { return zuoratest.ClientSecret, nil },
		APIVersion: "2025-08-12", UserAgent: "zuora_exporter/test",
		RequestTimeout: 5 * time.Second, MaxConcurrentRequests: 10,
		TokenTransport: transport, JobTransport: transport,
	}
	for _, change := range changes {
		change(&c)
	}
	client := zuora.NewClient(c)
	t.Cleanup(client.Close)
	return client
}

func readSample(t *testing.T, c *zuora.Client) (*zuora.DataLabelingJob, *zuora.Error) {
	job, err := c.DataLabelingJob(t.Context(), zuoratest.SampleJobID)
	var e *zuora.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("error %v is no *zuora.Error", err)
	}
	return job, e
}

func TestDocumentedSample(t *testing.T) {
	for name, s := range map[string]*zuoratest.Server{
		"plain": newServer(t),
		"a version from before errors had a status": newServer(t, zuoratest.WithDefaultVersion("341.0")),
		"without any limits":                        newServer(t, zuoratest.WithRateLimits(), zuoratest.WithConcurrencyLimit(0)),
	} {
		t.Run(name, func(t *testing.T) {
			job, err := readSample(t, newClient(t, s))
			if err != nil {
				t.Fatal(err)
			}
			want := &zuora.DataLabelingJob{
				Status: zuora.Completed, ObjectType: "Account",
				Labeled: new(int64(9)), Failed: new(int64(1)), Timeout: new(int64(1)), Total: new(int64(11)),
			}
			if diff := cmp.Diff(want, job, cmpopts.IgnoreFields(zuora.DataLabelingJob{}, "ReceivedAt")); diff != "" {
				t.Error(diff)
			}
			if age := time.Since(job.ReceivedAt); age < 0 || age > time.Minute {
				t.Errorf("received %s ago", age)
			}
		})
	}
}

func TestRequestsAsZuoraSeesThem(t *testing.T) {
	const entity = "11e643f4-a3ee-8bad-b061-0025904c756d"
	s := newServer(t, zuoratest.WithEntity(entity), zuoratest.WithRequestLog(10))
	c := newClient(t, s, func(c *zuora.Config) { c.EntityID = entity })
	if _, err := readSample(t, c); err != nil {
		t.Fatal(err)
	}
	requests := s.Requests()
	if len(requests) != 2 {
		t.Fatalf("%d requests", len(requests))
	}
	for name, want := range map[string]string{"User-Agent": "zuora_exporter/test", "Zuora-Version": "2025-08-12", "Zuora-Entity-Ids": entity, "Accept-Encoding": "gzip", "Content-Length": "", "Transfer-Encoding": ""} {
		if got := requests[1].Header.Get(name); got != want {
			t.Errorf("job request with %s: %q, want %q", name, got, want)
		}
	}
	if got := requests[1].Method + " " + requests[1].Path; got != "GET /v1/multi-organizations/data-labeling-job/"+zuoratest.SampleJobID {
		t.Error(got)
	}
	if got := requests[0].Header.Get("User-Agent"); got != "zuora_exporter/test" {
		t.Errorf("token request by %q", got)
	}
}

func TestRequestTimeoutIsForEachTry(t *testing.T) {
	s := newServer(t)
	s.SetFault(zuoratest.SampleJobID, zuoratest.Hang())
	c := newClient(t, s, func(c *zuora.Config) { c.RequestTimeout = 200 * time.Millisecond })
	begun := time.Now()
	_, err := readSample(t, c)
	if err == nil || err.Reason != zuora.ReasonTimeout || !strings.Contains(err.Error(), "200ms") {
		t.Errorf("%v", err)
	}
	if took := time.Since(begun); took < 200*time.Millisecond || took > 2*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	s.SetFault(zuoratest.SampleJobID, zuoratest.Hang())
	c := newClient(t, s, func(c *zuora.Config) { c.MaxConcurrentRequests = 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	var begun, waited int
	var mu sync.Mutex
	for range 2 {
		group.Go(func() {
			_, err := c.DataLabelingJob(ctx, zuoratest.SampleJobID)
			var e *zuora.Error
			if !errors.As(err, &e) || e.Reason != zuora.ReasonTimeout {
				t.Errorf("%v", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if e.NotBegun {
				waited++
			} else {
				begun++
			}
		})
	}
	group.Wait()
	if begun != 1 || waited != 1 {
		t.Errorf("%d began, %d had no time to", begun, waited)
	}
}

func TestUnreachable(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s)
	s.Close()
	if _, err := readSample(t, c); err == nil || err.Reason != zuora.ReasonUnavailable || strings.Contains(err.Error(), "oauth") {
		t.Errorf("%v", err)
	}
}

func TestTLS(t *testing.T) {
	s := zuoratest.NewTLSServer()
	t.Cleanup(s.Close)
	s.SetSampleJob()
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM(s.CertificatePEM())
	for name, tc := range map[string]struct {
		config *tls.Config
		good   bool
	}{
		"a certificate that is trusted":     {&tls.Config{RootCAs: trust}, true},
		"a certificate that is not trusted": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{TLSClientConfig: tc.config}
			defer transport.CloseIdleConnections()
			c := newClient(t, s, func(c *zuora.Config) { c.TokenTransport, c.JobTransport = transport, transport })
			_, err := readSample(t, c)
			if tc.good != (err == nil) || err != nil && err.Reason != zuora.ReasonUnavailable {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestConnectionsAreReused(t *testing.T) {
	s := newServer(t, zuoratest.WithLatency(5*time.Millisecond))
	s.SetFault("00000000000000000000000000000002", zuoratest.Refuse(`50000040`, "Not found"))
	c := newClient(t, s)
	for range 10 {
		var group sync.WaitGroup
		for i := range 50 {
			group.Go(func() {
				id := zuoratest.SampleJobID
				if i%2 == 0 { // errors leave their connections usable too
					id = "00000000000000000000000000000002"
				}
				c.DataLabelingJob(t.Context(), id)
			})
		}
		group.Wait()
	}
	if n := s.Counters(); n.Connections > 10 || n.MaxJobRequests > 10 || n.TokensIssued != 1 || n.JobRequests != 500 {
		t.Errorf("%+v", n)
	}
}

func TestLimitsAreKnown(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s)
	if l := c.Limits(); l.RateLimit != nil || len(l.Concurrency) != 0 || !c.TokenExpiry().IsZero() {
		t.Errorf("before any answer: %+v", l)
	}
	if _, err := readSample(t, c); err != nil {
		t.Fatal(err)
	}
	l := c.Limits()
	if *l.RateLimit != 50_000 || *l.RateLimitRemaining != 49_999 || time.Until(l.RateLimitReset) > time.Minute {
		t.Errorf("%d %d %s", *l.RateLimit, *l.RateLimitRemaining, l.RateLimitReset)
	}
	if d := l.Concurrency["Default"]; *d.Limit != 40 {
		t.Errorf("%+v", l.Concurrency)
	}
	if left := time.Until(c.TokenExpiry()); left < 3500*time.Second || left > 3599*time.Second {
		t.Errorf("the token has %s left", left)
	}
}

func TestNothingIsSentWhileHeldBack(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s)
	readSample(t, c)
	s.SetFault(zuoratest.SampleJobID, zuoratest.TooManyRequests("Retry-After", "120"))
	readSample(t, c)
	s.ClearFaults()
	before := s.Counters().JobRequests
	for range 20 {
		if _, err := readSample(t, c); err == nil || err.Reason != zuora.ReasonRateLimited {
			t.Fatalf("%v", err)
		}
	}
	if n := s.Counters().JobRequests; n != before {
		t.Errorf("%d requests while held back", n-before)
	}
}

func TestClosedClient(t *testing.T) {
	s := newServer(t)
	s.SetTokenFault(zuoratest.Hang())
	c := newClient(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c.DataLabelingJob(ctx, zuoratest.SampleJobID)
	c.Close() // ends the token request that goes on
	if _, err := readSample(t, c); err == nil {
		t.Error("a closed client reads")
	}
}

// A limit is heeded even where another reason fits first.
func TestLimitHoldsBackWhateverTheStatus(t *testing.T) {
	for _, status := range []int{200, 401, 403, 500} {
		s := newServer(t)
		c := newClient(t, s)
		s.SetFault(zuoratest.SampleJobID, zuoratest.RefuseWith(status, `50000070`, "Request exceeded limit"))
		readSample(t, c)
		if n := s.Counters(); n.JobRequests != 1 || n.TokenRequests != 1 || len(c.PausedUntil()) != 1 {
			t.Errorf("%d: %d requests, %d tokens, held back: %v", status, n.JobRequests, n.TokenRequests, c.PausedUntil())
		}
	}
}

// Whatever Zuora puts a secret into, it goes no further.
func TestEchoedSecrets(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, func(c *zuora.Config) { c.EndpointParams = url.Values{"assertion": {"a/b c=d&e"}} })
	s.SetFault(zuoratest.SampleJobID, zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Concurrency-Limit-Type", token)
		w.Header().Set("Concurrency-Limit-Limit", "40")
		fmt.Fprintf(w, `{"jobId":%q,"jobStatus":%q,"objectType":%q}`, zuoratest.SampleJobID, token, "of "+zuoratest.ClientSecret)
	}))
	job, err := readSample(t, c)
	if err != nil || job.Status != "<token>" || job.ObjectType != "of <secret>" {
		t.Errorf("%+v %v", job, err)
	}
	for kind := range c.Limits().Concurrency {
		if kind != "<token>" {
			t.Errorf("the type %q", kind)
		}
	}
	for _, echo := range []string{"a/b c=d&e", "a%2Fb+c%3Dd%26e", "a%2fb+c%3dd%26e", "a%2Fb%20c=d&e", "a/b c=d&amp;e"} {
		s.SetTokenFault(zuoratest.Respond(400, "text/plain", `{"error_description":"bad `+echo+`"}`))
		c := newClient(t, s, func(c *zuora.Config) { c.EndpointParams = url.Values{"assertion": {"a/b c=d&e"}} })
		if _, err := readSample(t, c); err == nil || err.Message != "bad <secret>" {
			t.Errorf("%s: %v", echo, err)
		}
	}
}
