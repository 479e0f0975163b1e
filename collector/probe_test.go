package collector

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// A probe says what happened. The requests are the client's to tell.
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
