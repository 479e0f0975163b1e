package collector

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Configured labels are on every series of a job, empty if the job lacks them.
func TestJobSeries(t *testing.T) {
	for name, tc := range map[string]struct {
		answer zuora.DataLabelingJob
		err    error
		want   string
	}{
		"all that there can be, and a state that is not documented": {
			answer: zuora.DataLabelingJob{
				Status: "COMPLETED", ObjectType: "Account", ReceivedAt: time.UnixMilli(1_800_000_000_500),
				Labeled: new(int64(9)), Failed: new(int64(1)), Timeout: new(int64(0)), Total: new(int64(11)),
			},
			want: `
failed_objects{job_id="j",object_type="Account",tenant="t",wave="first",zone=""} 1
labeled_objects{job_id="j",object_type="Account",tenant="t",wave="first",zone=""} 9
last_success_timestamp_seconds{job_id="j",tenant="t",wave="first",zone=""} 1.8000000005e+09
scrape_success{job_id="j",tenant="t",wave="first",zone=""} 1
status{job_id="j",object_type="Account",status="Accepted",tenant="t",wave="first",zone=""} 0
status{job_id="j",object_type="Account",status="COMPLETED",tenant="t",wave="first",zone=""} 1
status{job_id="j",object_type="Account",status="Completed",tenant="t",wave="first",zone=""} 0
status{job_id="j",object_type="Account",status="Dispatched",tenant="t",wave="first",zone=""} 0
timeout_objects{job_id="j",object_type="Account",tenant="t",wave="first",zone=""} 0
total_objects{job_id="j",object_type="Account",tenant="t",wave="first",zone=""} 11
zuora_up{tenant="t"} 1`,
		},
		"what was not sent is absent": {
			answer: zuora.DataLabelingJob{ReceivedAt: time.UnixMilli(0)}, want: `
last_success_timestamp_seconds{job_id="j",tenant="t",wave="first",zone=""} 0
scrape_success{job_id="j",tenant="t",wave="first",zone=""} 1
zuora_up{tenant="t"} 1`,
		},
		"a documented state": {
			answer: zuora.DataLabelingJob{Status: zuora.Accepted, ReceivedAt: time.UnixMilli(0)}, want: `
last_success_timestamp_seconds{job_id="j",tenant="t",wave="first",zone=""} 0
scrape_success{job_id="j",tenant="t",wave="first",zone=""} 1
status{job_id="j",object_type="",status="Accepted",tenant="t",wave="first",zone=""} 1
status{job_id="j",object_type="",status="Completed",tenant="t",wave="first",zone=""} 0
status{job_id="j",object_type="",status="Dispatched",tenant="t",wave="first",zone=""} 0
zuora_up{tenant="t"} 1`,
		},
		"a failed read has a reason and no counts": {
			err: &zuora.Error{Reason: zuora.ReasonNotFound}, want: `
scrape_error{job_id="j",reason="not_found",tenant="t",wave="first",zone=""} 1
scrape_success{job_id="j",tenant="t",wave="first",zone=""} 0
zuora_up{tenant="t"} 1`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return &tc.answer, tc.err })
			f.Jobs = []ConfiguredJob{{"j", map[string]string{"wave": "first"}}}
			f.reload("wave", "zone")
			expect(t, f.Scrape(t.Context()), tc.want, "labeled_objects", "failed_objects", "timeout_objects", "total_objects", "status",
				"scrape_success", "scrape_error", "last_success_timestamp_seconds", "zuora_up")
		})
	}
}

func TestTenantSeries(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	f := newFixture(1, good)
	names := []string{
		"zuora_api_rate_limit_requests", "zuora_api_rate_limit_remaining_requests", "zuora_api_rate_limit_reset_timestamp_seconds",
		"zuora_api_concurrency_limit_requests", "zuora_api_concurrency_limit_remaining_requests",
		"zuora_api_paused_until_timestamp_seconds", "zuora_api_token_expiry_timestamp_seconds",
	}
	f.api.token.Store(&zuora.TokenState{})
	expect(t, f.Scrape(t.Context()), "", names...)
	f.api.token.Store(&zuora.TokenState{Expiry: at})
	f.api.paused = map[string]time.Time{zuora.OperationToken: at}
	f.api.limits = zuora.Limits{
		RateLimit: new(int64(50000)), RateLimitRemaining: new(int64(49000)), RateLimitReset: at,
		ConcurrencyType: "Default", ConcurrencyLimit: new(int64(40)), ConcurrencyRemaining: new(int64(39)),
	}
	expect(t, f.Scrape(t.Context()), `
zuora_api_concurrency_limit_remaining_requests{tenant="t",type="Default"} 39
zuora_api_concurrency_limit_requests{tenant="t",type="Default"} 40
zuora_api_paused_until_timestamp_seconds{operation="token",tenant="t"} 1.8e+09
zuora_api_rate_limit_remaining_requests{tenant="t"} 49000
zuora_api_rate_limit_requests{tenant="t"} 50000
zuora_api_rate_limit_reset_timestamp_seconds{tenant="t"} 1.8e+09
zuora_api_token_expiry_timestamp_seconds{tenant="t"} 1.8e+09`, names...)
}

func TestSeriesPleaseTheLinter(t *testing.T) {
	problems, err := testutil.CollectAndLint(newFixture(1, good, ids(2)...).Scrape(t.Context()))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

// What a Reader does wrong is a failure of that one job.
func TestReaderWithDefects(t *testing.T) {
	f := newFixture(4, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		switch id {
		case "job-001":
			panic("hunter2")
		case "job-002":
			return nil, nil
		case "job-003":
			return nil, errors.New("x")
		}
		return good(ctx, id)
	}, ids(4)...)
	expect(t, f.Scrape(t.Context()), `
scrape_error{job_id="job-001",reason="invalid_response",tenant="t"} 1
scrape_error{job_id="job-002",reason="invalid_response",tenant="t"} 1
scrape_error{job_id="job-003",reason="unavailable",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 1
scrape_success{job_id="job-001",tenant="t"} 0
scrape_success{job_id="job-002",tenant="t"} 0
scrape_success{job_id="job-003",tenant="t"} 0`, "scrape_success", "scrape_error")
	if got := f.logged.String(); !strings.Contains(got, "job-001") || strings.Contains(got, "hunter2") {
		t.Errorf("logged %s", got)
	}
}
