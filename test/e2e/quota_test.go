package e2e

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestRefreshIntervalSavesRequests(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "refresh_interval: 1h", zuoratest.SampleJobID, unknownJob))
	for range 5 {
		contains(t, e.scrape(t, "10"), `zuora_data_labeling_job_scrape_success{job_id="`+zuoratest.SampleJobID+`",tenant="t"} 1`)
		e.get(t, "/probe?target="+zuoratest.SampleJobID)
		e.get(t, "/probe?target="+runningJob)
	}
	n := s.Counters().ByJob
	if n[zuoratest.SampleJobID] != 1 || n[runningJob] != 1 || n[unknownJob] != 5 {
		t.Errorf("got %v requests, want 1 for a job that was read and 5 for the unknown one", n)
	}
}

func TestOverlappingScrapesShareRequests(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, zuoratest.WithLatency(500*time.Millisecond))
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	var group sync.WaitGroup
	for i := range 20 {
		path := "/metrics"
		if i%2 == 0 {
			path = "/probe?target=" + zuoratest.SampleJobID
		}
		group.Go(func() { e.request(t.Context(), http.MethodGet, path) })
	}
	group.Wait()
	if n := s.Counters(); n.JobRequests > 2 || n.TokensIssued != 1 {
		t.Errorf("got %d job requests and %d tokens, want at most 2 and 1", n.JobRequests, n.TokensIssued)
	}
}

func TestReserveIsLeftToOthers(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, zuoratest.WithRateLimits(zuoratest.RateLimit{Requests: 100, Window: time.Hour, Used: 90}))
	e := start(t, "--config.file="+writeConfig(t, s, "rate_limit_reserve: 0.05", zuoratest.SampleJobID))
	for range 20 {
		e.scrape(t, "10")
	}
	if n := s.Counters().JobRequests; n != 6 { // 10 left: the sixth leaves 4, below 5
		t.Errorf("got %d requests, want 6", n)
	}
}

func TestUnauthorizedJobsCostFewTokens(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetFault(zuoratest.AnyJob, zuoratest.RefuseWith(401, "90000011", "Authentication error"))
	var jobs []string
	for i := range 50 {
		jobs = append(jobs, zuoratest.SampleJobID[:30]+string(rune('a'+i/10))+string(rune('0'+i%10)))
	}
	e := start(t, "--config.file="+writeConfig(t, s, "", jobs...))
	for range 5 {
		if n := len(samples(e.scrape(t, "10"), "zuora_data_labeling_job_scrape_error")); n != 50 {
			t.Errorf("got %d failures, want 50", n)
		}
	}
	if n := s.Counters(); n.TokensIssued > 3 {
		t.Errorf("got %d tokens, want at most 3", n.TokensIssued)
	}
}
