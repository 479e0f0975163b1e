package collector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestJobSeries(t *testing.T) {
	all := []string{"labeled_objects", "failed_objects", "timeout_objects", "total_objects", "status", "scrape_success", "scrape_error", "zuora_up"}
	for name, tc := range map[string]struct {
		read reader
		want string
	}{
		"the documented sample": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() }, `
failed_objects{job_id="job-000",object_type="Account",tenant="t"} 1
labeled_objects{job_id="job-000",object_type="Account",tenant="t"} 9
scrape_success{job_id="job-000",tenant="t"} 1
status{job_id="job-000",object_type="Account",status="Accepted",tenant="t"} 0
status{job_id="job-000",object_type="Account",status="Completed",tenant="t"} 1
status{job_id="job-000",object_type="Account",status="Dispatched",tenant="t"} 0
timeout_objects{job_id="job-000",object_type="Account",tenant="t"} 1
total_objects{job_id="job-000",object_type="Account",tenant="t"} 11
zuora_up{tenant="t"} 1`,
		},
		"counts that were not sent are absent": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) {
				return &zuora.DataLabelingJob{Status: zuora.Accepted, Failed: new(int64(0))}, nil
			}, `
failed_objects{job_id="job-000",object_type="",tenant="t"} 0
scrape_success{job_id="job-000",tenant="t"} 1
status{job_id="job-000",object_type="",status="Accepted",tenant="t"} 1
status{job_id="job-000",object_type="",status="Completed",tenant="t"} 0
status{job_id="job-000",object_type="",status="Dispatched",tenant="t"} 0
zuora_up{tenant="t"} 1`,
		},
		"a state that is not documented is carried, spelt as it came": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) {
				return &zuora.DataLabelingJob{Status: "COMPLETED", ObjectType: "User"}, nil
			}, `
scrape_success{job_id="job-000",tenant="t"} 1
status{job_id="job-000",object_type="User",status="Accepted",tenant="t"} 0
status{job_id="job-000",object_type="User",status="COMPLETED",tenant="t"} 1
status{job_id="job-000",object_type="User",status="Completed",tenant="t"} 0
status{job_id="job-000",object_type="User",status="Dispatched",tenant="t"} 0
zuora_up{tenant="t"} 1`,
		},
		"no state, no series of it": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) {
				return &zuora.DataLabelingJob{Total: new(int64(3))}, nil
			}, `
scrape_success{job_id="job-000",tenant="t"} 1
total_objects{job_id="job-000",object_type="",tenant="t"} 3
zuora_up{tenant="t"} 1`,
		},
		"a failed read has a reason and no counts": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonNotFound) }, `
scrape_error{job_id="job-000",reason="not_found",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 0
zuora_up{tenant="t"} 1`,
		},
		"a failed read that speaks against the tenant": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonAuth) }, `
scrape_error{job_id="job-000",reason="auth",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 0
zuora_up{tenant="t"} 0`,
		},
		"neither an answer nor an error": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) { return nil, nil }, `
scrape_error{job_id="job-000",reason="invalid_response",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 0
zuora_up{tenant="t"} 0`,
		},
		"an error of another kind": {
			func(context.Context, string) (*zuora.DataLabelingJob, error) { return nil, errors.New("x") }, `
scrape_error{job_id="job-000",reason="unavailable",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 0
zuora_up{tenant="t"} 0`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCollector(log.NewNopLogger(), 1, tc.read, "job-000")
			expect(t, c.Scrape(t.Context()), tc.want, append([]string(nil), all...)...)
		})
	}
}

func TestCustomLabelsAreOnEverySeriesOfAJob(t *testing.T) {
	read := reader(func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
		if id == "a" {
			return completed()
		}
		return failed(zuora.ReasonNotFound)
	})
	tenant := newTestTenant(1, read)
	tenant.Jobs = []ConfiguredJob{{"a", map[string]string{"wave": "first", "area": "x"}}, {"b", map[string]string{"zone": "z"}}}
	c := New([]Tenant{tenant}, []string{"area", "wave", "zone"}, log.NewNopLogger(), nil)
	want := map[string]string{"a": "area=x wave=first zone= ", "b": "area= wave= zone=z "}
	for _, f := range gathered(t, c.Scrape(t.Context())) {
		for _, m := range f.GetMetric() {
			var id, custom string
			for _, l := range m.GetLabel() {
				switch l.GetName() {
				case "job_id":
					id = l.GetValue()
				case "area", "wave", "zone":
					custom += l.GetName() + "=" + l.GetValue() + " "
				}
			}
			if custom != want[id] {
				t.Errorf("%s of %q has the labels %s", f.GetName(), id, custom)
			}
		}
	}
}

func TestTenantSeries(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	tenant := newTestTenant(1, nil)
	tenant.API = &api{
		limits: zuora.Limits{
			RateLimit: new(int64(50000)), RateLimitRemaining: new(int64(49000)), RateLimitReset: at,
			ConcurrencyType: "Default", ConcurrencyLimit: new(int64(40)), ConcurrencyRemaining: new(int64(39)),
		},
		paused: map[string]time.Time{zuora.OperationToken: at}, token: zuora.TokenState{Expiry: at},
	}
	names := []string{
		"zuora_api_rate_limit_requests", "zuora_api_rate_limit_remaining_requests", "zuora_api_rate_limit_reset_timestamp_seconds",
		"zuora_api_concurrency_limit_requests", "zuora_api_concurrency_limit_remaining_requests",
		"zuora_api_paused_until_timestamp_seconds", "zuora_api_token_expiry_timestamp_seconds",
	}
	expect(t, New([]Tenant{tenant}, nil, log.NewNopLogger(), nil).Scrape(t.Context()), `
zuora_api_concurrency_limit_remaining_requests{tenant="t",type="Default"} 39
zuora_api_concurrency_limit_requests{tenant="t",type="Default"} 40
zuora_api_paused_until_timestamp_seconds{operation="token",tenant="t"} 1.8e+09
zuora_api_rate_limit_remaining_requests{tenant="t"} 49000
zuora_api_rate_limit_requests{tenant="t"} 50000
zuora_api_rate_limit_reset_timestamp_seconds{tenant="t"} 1.8e+09
zuora_api_token_expiry_timestamp_seconds{tenant="t"} 1.8e+09`, names...)
	tenant.API = &api{}
	expect(t, New([]Tenant{tenant}, nil, log.NewNopLogger(), nil).Scrape(t.Context()), "", names...)
}

func TestSeriesPleaseTheLinter(t *testing.T) {
	c := newCollector(log.NewNopLogger(), 1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() }, ids(2)...)
	problems, err := testutil.CollectAndLint(c.Scrape(t.Context()))
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestPanicIsAFailureOfOneJob(t *testing.T) {
	var logged strings.Builder
	c := newCollector(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), 2, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
		if id == "job-001" {
			panic("hunter2")
		}
		return completed()
	}, ids(3)...)
	expect(t, c.Scrape(t.Context()), `
scrape_error{job_id="job-001",reason="invalid_response",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 1
scrape_success{job_id="job-001",tenant="t"} 0
scrape_success{job_id="job-002",tenant="t"} 1`, "scrape_success", "scrape_error")
	if !strings.Contains(logged.String(), "job-001") || strings.Contains(logged.String(), "hunter2") {
		t.Errorf("logged %s", &logged)
	}
}

func TestLastSuccessOutlivesFailuresAndReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := false
		c := newCollector(log.NewNopLogger(), 1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			if good {
				return completed()
			}
			return failed(zuora.ReasonUnavailable)
		}, "j")
		expect(t, c.Scrape(t.Context()), "", "last_success_timestamp_seconds")
		time.Sleep(time.Minute)
		want := fmt.Sprintf(`last_success_timestamp_seconds{job_id="j",tenant="t"} %v`, float64(time.Now().Unix()))
		for _, good = range []bool{true, false} {
			expect(t, c.Scrape(t.Context()), want, "last_success_timestamp_seconds")
			time.Sleep(time.Minute)
		}
		c = New([]Tenant{c.tenants[0].Tenant}, nil, log.NewNopLogger(), c)
		expect(t, c.Scrape(t.Context()), want, "last_success_timestamp_seconds")
	})
}
