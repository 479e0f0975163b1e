package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// In an overload, with two Prometheus servers and jobs that hang, the pages
// have nearly all jobs that can be read, and no request is wasted.
func TestOverload(t *testing.T) {
	testutil.Slow(t)
	const readable, hanging, scrapes = 80, 5, 14
	for _, behind := range []time.Duration{50 * time.Millisecond, 1500 * time.Millisecond} {
		t.Run(behind.String(), func(t *testing.T) {
			t.Parallel()
			s, jobs := manyJobs(t, readable+hanging, 400*time.Millisecond)
			for _, id := range jobs[readable:] {
				s.SetFault(id, zuoratest.Hang())
			}
			e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 2s", jobs...))
			var servers sync.WaitGroup
			for server, first := range []time.Duration{0, behind} {
				servers.Go(func() {
					next := time.Now().Add(first)
					away := map[string]int{} // scrapes in a row
					for n := 1; n <= scrapes; n++ {
						time.Sleep(time.Until(next))
						next = next.Add(3 * time.Second)
						page := e.scrape(t, "2")
						on := 0
						for _, id := range jobs[:readable] {
							if strings.Contains(page, `_scrape_success{job_id="`+id+`",tenant="t"} 1`) {
								away[id] = 0
								on++
							} else if away[id]++; away[id] > 3 {
								t.Errorf("server %d, scrape %d: job %s is away for %d scrapes, want 3 at most", server, n, id, away[id])
							}
						}
						if n > 4 && on < readable*97/100 {
							t.Errorf("server %d, scrape %d: got %d of %d jobs, want 97 %%", server, n, on, readable)
						}
					}
				})
			}
			servers.Wait()
			counters, cancelled := s.Counters(), 0
			for _, id := range jobs[:readable] {
				cancelled += counters.Cancelled[id]
			}
			if cancelled > 0 {
				t.Errorf("got %d of %d requests cancelled, want none", cancelled, counters.JobRequests)
			}
		})
	}
}

// manyJobs are jobs of which each answer takes the latency.
func manyJobs(t *testing.T, n int, latency time.Duration) (*zuoratest.Server, []string) {
	t.Helper()
	s := newStandIn(t, zuoratest.WithLatency(latency), zuoratest.WithRateLimits(), zuoratest.WithConcurrencyLimit(0))
	var jobs []string
	for i := range n {
		jobs = append(jobs, fmt.Sprintf("%032x", i+1))
		s.SetJob(zuoratest.Job{ID: jobs[i], Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
	}
	return s, jobs
}
