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

// What Zuora did not send is absent, but no configured label is. The golden page of
// test/e2e has all series.
func TestJobSeries(t *testing.T) {
	f := newFixture(1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
		return &zuora.DataLabelingJob{ReceivedAt: time.UnixMilli(1_800_000_000_500)}, nil
	})
	f.Jobs = []ConfiguredJob{{"j", map[string]string{"a": "first"}}}
	f.reload("a", "wave")
	expect(t, f.Scrape(t.Context()), `
last_success_timestamp_seconds{a="first",job_id="j",tenant="t",wave=""} 1.8000000005e+09
scrape_success{a="first",job_id="j",tenant="t",wave=""} 1`, "labeled_objects", "failed_objects", "timeout_objects", "total_objects", "status",
		"scrape_success", "scrape_error", "last_success_timestamp_seconds")
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
