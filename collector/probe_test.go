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

// A probe says what happened.
func TestExplain(t *testing.T) {
	for name, tc := range map[string]struct {
		read    reader
		refresh time.Duration
		token   zuora.TokenState
		before  func(t *testing.T, c *Collector)
		want    string
	}{
		"a good read": {
			read: func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() },
			want: `Read: status "Completed", object type "Account"`,
		},
		"no answer": {
			read: hang,
			want: `Error: timeout: no answer before the deadline`,
		},
		"no token": {
			read:  hang,
			token: zuora.TokenState{Failure: &zuora.Error{}},
			want: `Token: none
Error: timeout: getting a token: no token before the deadline`,
		},
		"no slot": {
			read: hang,
			before: func(t *testing.T, c *Collector) {
				go gathered(t, newProbe(t, t.Context(), c, jobID(2)))
				synctest.Wait()
			},
			want: `No request was sent: all slots were taken until the deadline
Error: timeout: no answer before the deadline`,
		},
		"joined": {
			read: func(context.Context, string) (*zuora.DataLabelingJob, error) {
				time.Sleep(time.Second)
				return failed(zuora.ReasonNotFound)
			},
			before: func(t *testing.T, c *Collector) {
				go gathered(t, newProbe(t, t.Context(), c, jobID(1)))
				synctest.Wait()
				time.Sleep(time.Millisecond)
			},
			want: `Joined: a scrape or another probe was reading the job already
Error: not_found: because`,
		},
		"cached": {
			read:    func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() },
			refresh: time.Minute,
			before: func(t *testing.T, c *Collector) {
				gathered(t, newProbe(t, t.Context(), c, jobID(1)))
				time.Sleep(time.Second)
			},
			want: `Cached: no request was sent, the answer came at 2000-01-01T00:00:00Z
Read: status "Completed", object type "Account"`,
		},
		"too late": {
			read: func() reader {
				n := 0
				return func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
					if n++; n == 1 {
						return completed()
					}
					return hang(ctx, id)
				}
			}(),
			before: func(t *testing.T, c *Collector) {
				gathered(t, newProbe(t, t.Context(), c, jobID(1)))
				time.Sleep(time.Second)
			},
			want: `Too late: no answer came before the deadline, so this one serves, which came at 2000-01-01T00:00:00Z
Read: status "Completed", object type "Account"`,
		},
		"between two token requests": {
			read: func(context.Context, string) (*zuora.DataLabelingJob, error) {
				return nil, &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth, Message: "because"}
			},
			want: `No request was sent: getting a token failed, and is tried again within a minute
Token: none
Error: auth: getting a token: because`,
		},
		"paused": {
			read: func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonRateLimited) },
			want: `No request was sent: requests are paused
Error: rate_limited: because`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := newTestTenant(1, tc.read)
				tenant.RefreshInterval = tc.refresh
				if tc.token == (zuora.TokenState{}) {
					tc.token.Expiry = time.Now().Add(time.Hour)
				}
				tenant.API = &api{token: tc.token}
				c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
				if tc.before != nil {
					tc.before(t, c)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				var got strings.Builder
				p := newProbe(t, ctx, c, jobID(1))
				gathered(t, p)
				p.Explain(&got)
				if want := "Probe of job " + jobID(1) + " of tenant t\n" + tc.want + "\n"; got.String() != want {
					t.Errorf("got\n%s\nwant\n%s", &got, want)
				}
				time.Sleep(2 * time.Minute)
			})
		})
	}
}

// A probe tells each request that its read has sent. They are counted, too.
func TestRequestsAreExplained(t *testing.T) {
	metrics := NewAPIMetrics("t")
	tenant := newTestTenant(1, func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
		for _, ended := range []zuora.Request{
			{Operation: zuora.OperationToken, StatusCode: 200, Duration: time.Second},
			{Operation: zuora.OperationDataLabelingJob, TrackID: "track-0", Duration: time.Second},
			{Operation: zuora.OperationDataLabelingJob, TrackID: "track-1", StatusCode: 200, Duration: 20 * time.Millisecond, RequestID: "abc"},
		} {
			metrics.Observe(ctx, zuora.Request{Operation: ended.Operation, TrackID: ended.TrackID})(ended)
		}
		return completed()
	})
	tenant.Metrics = metrics
	p := newProbe(t, t.Context(), New([]Tenant{tenant}, nil, log.NewNopLogger(), nil), jobID(1))
	gathered(t, p)
	var got strings.Builder
	p.Explain(&got)
	want := "Probe of job " + jobID(1) + ` of tenant t
Token: new
Request: operation=token, HTTP 200, duration=1s
Request: operation=data_labeling_job, no answer, duration=1s, Zuora-Track-Id=track-0
Request: operation=data_labeling_job, HTTP 200, duration=20ms, Zuora-Request-Id=abc, Zuora-Track-Id=track-1
Read: status "Completed", object type "Account"
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
	if n := testutil.CollectAndCount(metrics, "zuora_api_requests_total"); n != 3 {
		t.Errorf("got %d series of requests, want one for each operation and code", n)
	}
}

// A probe of what cannot be is an error that says what is wrong.
func TestProbeOfNothing(t *testing.T) {
	one := newTestTenant(1, hang)
	two := one
	two.Name = "u"
	c := New([]Tenant{one, two}, nil, log.NewNopLogger(), nil)
	for name, tc := range map[string]struct{ tenant, id, want string }{
		"no job id":      {"t", "1", `"target" is no job id`},
		"no tenant":      {"", jobID(1), "the tenant is missing, and more than one is configured"},
		"no such tenant": {"v", jobID(1), `no tenant "v" is configured`},
	} {
		if _, err := c.Probe(t.Context(), tc.tenant, tc.id); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got the error %v, want %q", name, err, tc.want)
		}
	}
}
