package collector

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// expectExplanation compares what a probe of job 1 explains.
func expectExplanation(t *testing.T, f *fixture, want string) {
	t.Helper()
	p := f.newProbe(t, jobID(1), 5*time.Second)
	success(t, p)
	var got strings.Builder
	p.Explain(&got)
	if want := "Probe of job " + jobID(1) + " of tenant t\n" + want + "\n"; got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

// A probe says what happened.
func TestExplain(t *testing.T) {
	refuses := func(context.Context, string) (*zuora.DataLabelingJob, error) {
		return nil, &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth, Message: "because"}
	}
	for name, tc := range map[string]struct {
		before  string // the job that was probed a second before
		after   reader // of the second probe, if another than the first one's
		zuora   reader
		refresh time.Duration
		token   *zuora.TokenState
		want    string
	}{
		"a good read": {zuora: good, want: `Read: status "Completed", object type "Account"`},
		"no answer":   {zuora: hang, want: `Error: timeout: no answer before the deadline`},
		"no token": {zuora: hang, token: &zuora.TokenState{Failure: &zuora.Error{}}, want: `Token: none
Error: timeout: getting a token: no token before the deadline`},
		"no slot": {before: jobID(2), zuora: hang, want: `No request was sent: all slots were taken until the deadline
Error: timeout: no answer before the deadline`},
		"joined": {before: jobID(1), zuora: slowly(2*time.Second, bad(zuora.ReasonNotFound)), want: `Joined: a scrape or another probe was reading the job already
Error: not_found: because`},
		"cached": {before: jobID(1), zuora: good, refresh: time.Minute, want: `Cached: no request was sent, the answer came at 2000-01-01T00:00:00Z
Read: status "Completed", object type "Account"`},
		"too late": {before: jobID(1), zuora: good, after: hang, want: `Too late: no answer came before the deadline, so this one serves, which came at 2000-01-01T00:00:00Z
Read: status "Completed", object type "Account"`},
		"between two token requests": {zuora: refuses, want: `No request was sent: getting a token failed, and is tried again within a minute
Token: none
Error: auth: getting a token: because`},
		"paused": {zuora: bad(zuora.ReasonRateLimited), want: `No request was sent: requests are paused
Error: rate_limited: because`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(1, tc.zuora)
				f.RefreshInterval = tc.refresh
				f.reload()
				if tc.token != nil {
					f.api.token.Store(tc.token)
				}
				if tc.before != "" {
					go f.probe(t, tc.before, time.Minute)
					time.Sleep(time.Second)
				}
				if tc.after != nil {
					f.play(tc.after)
				}
				expectExplanation(t, f, tc.want)
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// A probe tells each request that its read has sent. They are counted, too.
func TestRequestsAreExplained(t *testing.T) {
	var f *fixture
	f = newFixture(1, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		for _, ended := range []zuora.Request{
			{Operation: zuora.OperationToken, StatusCode: 200, Duration: time.Second},
			{Operation: zuora.OperationDataLabelingJob, TrackID: "track-0", Duration: time.Second},
			{Operation: zuora.OperationDataLabelingJob, TrackID: "track-1", StatusCode: 200, Duration: 20 * time.Millisecond, RequestID: "abc"},
		} {
			f.Metrics.Observe(ctx, zuora.Request{Operation: ended.Operation, TrackID: ended.TrackID})(ended)
		}
		return good(ctx, id)
	})
	expectExplanation(t, f, `Token: new
Request: operation=token, HTTP 200, duration=1s
Request: operation=data_labeling_job, no answer, duration=1s, Zuora-Track-Id=track-0
Request: operation=data_labeling_job, HTTP 200, duration=20ms, Zuora-Request-Id=abc, Zuora-Track-Id=track-1
Read: status "Completed", object type "Account"`)
	if n := testutil.CollectAndCount(f.Metrics, "zuora_api_requests_total"); n != 3 {
		t.Errorf("got %d series of requests, want one for each operation and code", n)
	}
}

// The server's tests hold what else is refused.
func TestProbeWithoutTenant(t *testing.T) {
	f := newFixture(1, hang)
	second := f.Tenant
	second.Name = "u"
	_, err := New([]Tenant{f.Tenant, second}, nil, log.NewNopLogger(), nil).Probe(t.Context(), "", jobID(1))
	if want := "the tenant is missing, and more than one is configured"; err == nil || err.Error() != want {
		t.Errorf("got the error %v, want %q", err, want)
	}
}
