package zuoratest_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func (a answer) wantHeaders(t *testing.T, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for name := range want {
		got[name] = a.header.Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryJobAnswerTellsTheLimits(t *testing.T) {
	c := newClient(t)
	want := map[string]string{
		"RateLimit-Limit":             "50000, 50000;w=60, 2250000;w=3600, 27000000;w=86400",
		"RateLimit-Remaining":         "49999",
		"RateLimit-Reset":             "60",
		"Concurrency-Limit-Type":      "Default",
		"Concurrency-Limit-Limit":     "40",
		"Concurrency-Limit-Remaining": "39",
	}
	c.job(zuoratest.SampleJobID).wantHeaders(t, want)
	want["RateLimit-Remaining"] = "49998"
	c.job(missingJob).wantHeaders(t, want)
	want["RateLimit-Remaining"] = "49997"
	c.job(zuoratest.SampleJobID, "Authorization", "").wantHeaders(t, want)
}

func TestLimitsCountDownAndReset(t *testing.T) {
	clk := newClock()
	c := newClient(t, zuoratest.WithClock(clk.Now), zuoratest.WithRateLimits(
		zuoratest.RateLimit{Requests: 100, Window: time.Minute, Used: 98},
		zuoratest.RateLimit{Requests: 103, Window: time.Hour},
	))
	want := map[string]string{"RateLimit-Limit": "100, 100;w=60, 103;w=3600", "RateLimit-Remaining": "1", "RateLimit-Reset": "60", "Retry-After": ""}
	c.job(zuoratest.SampleJobID).wantHeaders(t, want)
	clk.advance(59500 * time.Millisecond)
	want["RateLimit-Remaining"], want["RateLimit-Reset"] = "0", "1"
	a := c.job(zuoratest.SampleJobID)
	a.want(t, 200, sampleAnswer)
	a.wantHeaders(t, want)
	a = c.job(zuoratest.SampleJobID)
	a.wantPart(t, http.StatusTooManyRequests, `"code":"50000070"`)
	a.wantHeaders(t, want)
	clk.advance(500 * time.Millisecond)
	want["RateLimit-Remaining"], want["RateLimit-Reset"] = "1", "60"
	c.job(zuoratest.SampleJobID).wantHeaders(t, want)

	c.s.SetRateLimits(zuoratest.RateLimit{Requests: 10000, Window: 24 * time.Hour, Used: 9000})
	c.job(zuoratest.SampleJobID).wantHeaders(t, map[string]string{"RateLimit-Limit": "10000, 10000;w=86400", "RateLimit-Remaining": "999", "RateLimit-Reset": "86400"})
}

func TestTheWindowNearestToExhaustionComesFirst(t *testing.T) {
	c := newClient(t, zuoratest.WithRateLimits(
		zuoratest.RateLimit{Requests: 50_000, Window: time.Minute},
		zuoratest.RateLimit{Requests: 2_250_000, Window: time.Hour, Used: 2_000_000},
	))
	c.job(zuoratest.SampleJobID).wantHeaders(t, map[string]string{"RateLimit-Limit": "2250000, 50000;w=60, 2250000;w=3600", "RateLimit-Remaining": "249999", "RateLimit-Reset": "3600"})
}

func TestLimitHeadersCanBeMissing(t *testing.T) {
	c := newClient(t, zuoratest.WithRateLimits(), zuoratest.WithConcurrencyLimit(0))
	c.job(zuoratest.SampleJobID).wantHeaders(t, map[string]string{
		"RateLimit-Limit": "", "RateLimit-Remaining": "", "RateLimit-Reset": "",
		"Concurrency-Limit-Type": "", "Concurrency-Limit-Limit": "", "Concurrency-Limit-Remaining": "",
	})
}

func TestTooManyRequestsAtOnce(t *testing.T) {
	c := newClient(t, zuoratest.WithConcurrencyLimit(3))
	c.s.SetFault(missingJob, zuoratest.Hang())
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { c.job(missingJob) })
	}
	waitFor(t, func() bool { return c.s.Counters().MaxJobRequests == 3 })
	a := c.job(zuoratest.SampleJobID)
	a.wantPart(t, http.StatusTooManyRequests, `"code":"50000070"`)
	a.wantHeaders(t, map[string]string{"Retry-After": "120", "Concurrency-Limit-Remaining": "0"})
	c.s.Close()
	group.Wait()
}

func TestCounters(t *testing.T) {
	clk := newClock()
	c := newClient(t, zuoratest.WithClock(clk.Now), zuoratest.WithRequestLog(2))
	for range 5 {
		c.job(zuoratest.SampleJobID)
	}
	c.job(missingJob, "Zuora-Track-Id", "track 6")
	want := zuoratest.Counters{
		TokenRequests: 1, TokensIssued: 1, JobRequests: 6,
		ByJob:       map[string]int{zuoratest.SampleJobID: 5, missingJob: 1},
		Connections: 1, MaxJobRequests: 1,
	}
	if diff := cmp.Diff(want, c.s.Counters()); diff != "" {
		t.Error(diff)
	}
	log := c.s.Requests()
	if len(log) != 2 || log[1].Header.Get("Zuora-Track-Id") != "track 6" || log[1].Method != http.MethodGet || log[1].Path != "/v1/multi-organizations/data-labeling-job/"+missingJob ||
		log[1].Header.Get("Zuora-Version") != modern || !log[1].Time.Equal(clk.now) {
		t.Errorf("got the log %+v, want the last two requests", log)
	}
	c.s.ResetCounters()
	if diff := cmp.Diff(zuoratest.Counters{ByJob: map[string]int{}}, c.s.Counters()); diff != "" {
		t.Error(diff)
	}
	if log := c.s.Requests(); len(log) != 0 {
		t.Errorf("got the log %+v after the reset, want none", log)
	}
}
