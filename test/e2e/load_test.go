package e2e

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
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
	s, jobs := manyJobs(t, n, 0)
	e := start(t, "--config.file="+writeConfig(t, s, "max_concurrent_requests: 20", jobs...))
	for range 4 {
		page := e.scrape(t, "60")
		if got, failed := strings.Count(page, "_scrape_success{"), strings.Count(page, "_scrape_error{"); got != n || failed > 0 {
			t.Errorf("got %d jobs, %d of which failed, want %d and none", got, failed, n)
		}
		e.reload(t)
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
	if err != nil {
		t.Fatal(err)
	}
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
	file := writeConfig(t, s, "request_timeout: 300ms", jobs...)
	e := start(t, "--config.file="+file, "--web.enable-pprof")
	value := func(name string) float64 {
		if name == "go_goroutines" { // a page's own would count the scrape's
			_, body, err := e.request(t.Context(), http.MethodGet, "/debug/pprof/goroutine?debug=1")
			var n float64
			if _, scanErr := fmt.Sscanf(body, "goroutine profile: total %g", &n); err != nil || scanErr != nil {
				t.Fatalf("reading the profile: %v, %v", err, scanErr)
			}
			return n
		}
		lines := samples(e.scrape(t, "10"), name)
		if len(lines) != 1 {
			t.Fatalf("got %d series %s, want 1", len(lines), name)
		}
		v, err := strconv.ParseFloat(lines[0][strings.LastIndex(lines[0], " ")+1:], 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	load := func(d time.Duration) {
		end := time.Now().Add(d)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				for time.Now().Before(end) {
					e.request(t.Context(), http.MethodGet, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "1")
					e.request(t.Context(), http.MethodGet, "/probe?target="+waitingJob, "X-Prometheus-Scrape-Timeout-Seconds", "1")
					e.request(t.Context(), http.MethodGet, "/")
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
				rewriteConfig(t, file, s, "request_timeout: "+strconv.Itoa(300+i%2)+"ms", jobs...)
				e.request(t.Context(), http.MethodPost, "/-/reload")
				time.Sleep(100 * time.Millisecond)
			}
		})
		group.Wait()
		s.ClearFaults()
		http.DefaultClient.CloseIdleConnections()
		time.Sleep(time.Second) // requests that were cut off end
	}
	names := []string{"go_goroutines", "process_open_fds", "go_memstats_heap_inuse_bytes", "process_resident_memory_bytes"}
	load(duration / 5) // memory and connections reach their usual size
	before := map[string]float64{}
	for _, name := range names {
		before[name] = value(name)
	}
	load(duration)
	for _, name := range names { // reads of dropped clients may still wait for a token
		limit := 1.5*before[name] + 8<<20
		if more := map[string]float64{"go_goroutines": 15, "process_open_fds": 12}[name]; more > 0 {
			limit = before[name] + more
		}
		var after float64
		eventually(t, fmt.Sprintf("%s of %.0f at most, after %.0f before", name, limit, before[name]), func() bool {
			after = value(name)
			return after <= limit
		})
		t.Logf("%s: %.0f before, %.0f after %s", name, before[name], after, duration)
	}
	t.Logf("requests: %+v", s.Counters().JobRequests)
}
