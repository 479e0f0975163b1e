package zuora_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
	"github.com/zuora-exporter/zuora_exporter/zuora"
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
		RequestTimeout: 5 * time.Second, Transport: transport,
	}
	for _, change := range changes {
		change(&c)
	}
	client := zuora.NewClient(c)
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
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := newClient(t, s).DataLabelingJob(ctx, zuoratest.SampleJobID)
	if e, ok := errors.AsType[*zuora.Error](err); !ok || e.Reason != zuora.ReasonTimeout || !strings.Contains(e.Message, "before the deadline") {
		t.Errorf("got %v, want a timeout at the deadline", err)
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
	certificate := testutil.NewCertificate(t)
	s := zuoratest.NewTLSServer(certificate.Pair)
	t.Cleanup(s.Close)
	s.SetSampleJob()
	trust := x509.NewCertPool()
	trust.AppendCertsFromPEM([]byte(certificate.CertPEM))
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
			c := newClient(t, s, func(c *zuora.Config) { c.Transport = transport })
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
	// Not 10: net/http gives up a connection if its writer, on a busy machine,
	// takes 50 ms to say that it is done.
	if n := s.Counters(); n.Connections > 50 || n.MaxJobRequests > 10 || n.TokensIssued != 1 || n.JobRequests != 500 {
		t.Errorf("got %+v, want 500 requests, 10 at once, by few connections, with one token", n)
	}
}

func TestLimitsAreKnown(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s)
	if l := c.Limits(); l.RateLimit != nil || len(l.Concurrency) != 0 || !c.Token().Expiry.IsZero() {
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
	if left := time.Until(c.Token().Expiry); left < 3500*time.Second || left > 3599*time.Second {
		t.Errorf("the token has %s left", left)
	}
}

func TestNothingIsSentWhilePaused(t *testing.T) {
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
		t.Errorf("%d requests while paused", n-before)
	}
}

// A limit pauses requests even if another reason fits first.
func TestLimitPausesWhateverTheStatus(t *testing.T) {
	for _, status := range []int{200, 401, 403, 500} {
		s := newServer(t)
		c := newClient(t, s)
		s.SetFault(zuoratest.SampleJobID, zuoratest.RefuseWith(status, `50000070`, "Request exceeded limit"))
		readSample(t, c)
		if n := s.Counters(); n.JobRequests != 1 || n.TokenRequests != 1 || len(c.PausedUntil()) != 1 {
			t.Errorf("%d: %d requests, %d tokens, paused: %v", status, n.JobRequests, n.TokenRequests, c.PausedUntil())
		}
	}
}

// An answer below the reserve pauses requests, whatever else is wrong with it,
// and its own failure is told, not the pause.
func TestFailureBelowTheReserve(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   zuora.Reason
	}{
		"503":           {503, "no", zuora.ReasonUnavailable},
		"401":           {401, `{"message":"Authentication error"}`, zuora.ReasonAuth},
		"a 200, no job": {200, "no", zuora.ReasonInvalidResponse},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c := newClient(t, s, func(c *zuora.Config) { c.RateLimitReserve = .05 })
			s.SetFault(zuoratest.SampleJobID, zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("RateLimit-Limit", "1000")
				w.Header().Set("RateLimit-Remaining", "1")
				w.Header().Set("RateLimit-Reset", "600")
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.body)
			}))
			if _, err := readSample(t, c); err == nil || err.Reason != tc.want {
				t.Errorf("got %v, want the reason %s", err, tc.want)
			}
			if n := s.Counters().JobRequests; n != 1 || len(c.PausedUntil()) != 1 {
				t.Errorf("got %d requests and the pauses %v, want 1 and 1", n, c.PausedUntil())
			}
		})
	}
}

// A connection that could not be made in the dialer's own time is no timeout of
// the request.
func TestDialerGivesUp(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, func(c *zuora.Config) {
		c.RequestTimeout = time.Minute
		c.Transport = failing{&net.OpError{Op: "dial", Err: context.DeadlineExceeded}}
	})
	if _, err := readSample(t, c); err == nil || err.Reason != zuora.ReasonUnavailable {
		t.Errorf("got %v, want the reason unavailable", err)
	}
}

// One field of an odd type hides no reason.
func TestOddFieldsBesideReasons(t *testing.T) {
	for body, want := range map[string]zuora.Reason{
		`{"success":false,"progress":[],"reasons":[{"code":"50000070","message":"limit"}]}`: zuora.ReasonRateLimited,
		`{"jobId":0,"reasons":[{"code":"50000070"}]}`:                                       zuora.ReasonRateLimited,
		`{"totalObject":"","reasons":[{"code":70}]}`:                                        zuora.ReasonRateLimited,
		`{"progress":"","reasons":[{"code":90000010}]}`:                                     zuora.ReasonAuth,
		`{"totalObject":-1,"reasons":[{"message":"The job does not exist"}]}`:               zuora.ReasonNotFound,
		`{"success":false,"progress":[]}`:                                                   zuora.ReasonRefused,
		`{"jobStatus":"Completed","totalObject":-1,"reasons":[{"code":1}]}`:                 zuora.ReasonInvalidResponse,
		`{"jobStatus":"Completed","totalObject":-1}`:                                        zuora.ReasonInvalidResponse,
	} {
		s := newServer(t)
		s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(200, "application/json", body))
		c := newClient(t, s)
		if _, err := readSample(t, c); err == nil || err.Reason != want {
			t.Errorf("%s: got %v, want the reason %s", body, err, want)
		}
		if paused := len(c.PausedUntil()) == 1; paused != (want == zuora.ReasonRateLimited) {
			t.Errorf("%s: paused %v", body, paused)
		}
	}
	s := newServer(t)
	s.SetTokenFault(zuoratest.Respond(200, "application/json", `{"access_token":["x"],"success":false,"reasons":[{"code":70}]}`))
	c := newClient(t, s)
	if _, err := readSample(t, c); err == nil || err.Reason != zuora.ReasonRateLimited || len(c.PausedUntil()) != 1 {
		t.Errorf("got %v and the pauses %v for the token, want rate_limited and one", err, c.PausedUntil())
	}
}
