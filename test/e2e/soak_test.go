package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

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
	for _, name := range names {
		after := value(name)
		t.Logf("%s: %.0f before, %.0f after %s", name, before[name], after, duration)
		if allowed := map[string]float64{"go_goroutines": 15, "process_open_fds": 12}[name]; allowed > 0 && after > before[name]+allowed {
			t.Errorf("%s: got %.0f, want at most %.0f more than before (%.0f)", name, after, allowed, before[name])
		} else if allowed == 0 && after > 1.5*before[name]+8<<20 {
			t.Errorf("%s: got %.0f, want at most half more than before (%.0f) and 8 MiB", name, after, before[name])
		}
	}
	t.Logf("requests: %+v", s.Counters().JobRequests)
}
