package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
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
			e := serve(t, s, "request_timeout: 2s", jobs...)
			var servers sync.WaitGroup
			for server, first := range []time.Duration{0, behind} {
				servers.Go(func() {
					next := time.Now().Add(first)
					away := map[string]int{} // scrapes in a row
					for n := 1; n <= scrapes; n++ {
						time.Sleep(time.Until(next))
						next = next.Add(3 * time.Second)
						page := e.page(t, "/metrics", 2*time.Second)
						on := 0
						for _, id := range jobs[:readable] {
							if strings.Contains(page, jobRead(id)) {
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

// Ten thousand jobs are read at each scrape, with few connections and in about
// 80 MiB.
func TestTenThousandJobs(t *testing.T) {
	testutil.Slow(t)
	const n = 10_000
	const settings = "max_concurrent_requests: 20"
	s, jobs := manyJobs(t, n, 0)
	e := serve(t, s, settings, jobs...)
	for range 4 {
		page := e.page(t, "/metrics", time.Minute)
		if read := sum(t, page, "zuora_data_labeling_job_scrape_success"); read != n {
			t.Errorf("got %g jobs, want %d", read, n)
		}
		e.reload(t, s, settings, jobs...)
	}
	// Not 20: net/http gives up a connection if its writer, on a busy machine,
	// takes 50 ms to say that it is done.
	if c := s.Counters(); c.MaxJobRequests > 20 || c.Connections > 200 || c.TokensIssued != 1 {
		t.Errorf("got %d requests at once, %d connections and %d tokens, want at most 20, 200 (of %d requests) and 1",
			c.MaxJobRequests, c.Connections, c.TokensIssued, c.JobRequests)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	if err != nil {
		t.Skip(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	peak, err := strconv.Atoi(string(m[1]))
	must(t, err)
	if t.Logf("peak: %d MiB", peak>>10); !race() && peak > 100<<10 {
		t.Errorf("got a peak of %d kB resident memory, want at most %d", peak, 100<<10)
	}
}

// TestSoak scrapes, probes and reloads while faults come and go, for the time in
// SOAK (make soak: ten minutes). No goroutine, file or memory may leak.
func TestSoak(t *testing.T) {
	duration, err := time.ParseDuration(os.Getenv("SOAK"))
	if err != nil {
		testutil.Slow(t)
		duration = 5 * time.Second
	}
	t.Parallel()
	s := scriptedStandIn(t)
	jobs := []string{zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob}
	e := serve(t, s, "request_timeout: 300ms", jobs...)
	load := func(d time.Duration) {
		end := time.Now().Add(d)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for time.Now().Before(end) {
					for _, path := range []string{"/metrics", probeOf(waitingJob), "/"} {
						e.request(t.Context(), http.MethodGet, path, "X-Prometheus-Scrape-Timeout-Seconds", "1")
					}
				}
			})
		}
		group.Go(func() {
			faults := append(zuoratest.Faults(), zuoratest.NamedFault{})
			for i := 0; time.Now().Before(end); i++ {
				fault := faults[i%len(faults)]
				if fault.Reason != "rate_limited" { // it would pause for long
					s.SetFault(oddJob, fault.Fault)
				}
				// Every other reload makes a new client.
				e.signal(t, syscall.SIGHUP)
				e.reload(t, s, "request_timeout: "+strconv.Itoa(300+i%2)+"ms", jobs...)
				time.Sleep(100 * time.Millisecond)
			}
		})
		group.Wait()
		s.ClearFaults()
		http.DefaultClient.CloseIdleConnections()
		time.Sleep(time.Second) // requests that were cut off end
	}
	load(duration / 5) // memory and connections reach their usual size
	before := e.scrape(t)
	load(duration)
	for name, may := range map[string]struct{ grow, add float64 }{ // reads of dropped clients may still wait for a token
		"go_goroutines":                 {1, 15},
		"process_open_fds":              {1, 12},
		"go_memstats_heap_inuse_bytes":  {1.5, 8 << 20},
		"process_resident_memory_bytes": {1.5, 8 << 20},
	} {
		limit := sum(t, before, name)*may.grow + may.add
		var after float64
		eventually(t, fmt.Sprintf("%s of at most %.0f", name, limit), func() bool {
			after = sum(t, e.scrape(t), name)
			return after <= limit
		})
		t.Logf("%s: %.0f after %s, want at most %.0f", name, after, duration, limit)
	}
	e.signal(t, syscall.SIGTERM)
	e.exits(t, 0, 15*time.Second)
}
