package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// Ten thousand jobs: start, scrape, reload, landing page. It logs the times; a
// leak would exceed the bound of the memory.
func TestTenThousandJobs(t *testing.T) {
	testutil.Slow(t)
	const n = 10_000
	s := newStandIn(t, zuoratest.WithRateLimits(), zuoratest.WithConcurrencyLimit(0))
	var jobs []string
	for i := range n {
		id := fmt.Sprintf("%032x", i+1)
		s.SetJob(zuoratest.Job{ID: id, ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Ramp{Rate: 100, Total: 50_000}.At(time.Minute))})
		jobs = append(jobs, id)
	}
	begun := time.Now()
	lap := func(what string) {
		t.Logf("%s: %s", what, time.Since(begun).Round(time.Millisecond))
		begun = time.Now()
	}
	e := start(t, "--config.file="+writeConfig(t, s, "max_concurrent_requests: 20", jobs...))
	lap("start")
	for range 3 {
		if got := strings.Count(e.scrape(t, "60"), "_scrape_success{"); got != n {
			t.Errorf("got %d jobs, want %d", got, n)
		}
		lap("scrape")
	}
	if status, body := e.reload(t); status != 200 {
		t.Errorf("reload: got %d, want 200: %s", status, body)
	}
	lap("reload")
	if got := strings.Count(strings.Join(samples(e.scrape(t, "60"), "zuora_data_labeling_job_scrape_success"), "\n"), "} 1"); got != n {
		t.Errorf("got %d jobs after a reload, want %d", got, n)
	}
	if _, page := e.get(t, "/"); strings.Count(page, "<tr>") != 1001 || !strings.Contains(page, "9000 more jobs") {
		t.Error("got another landing page, want a thousand jobs and a sentence about the others")
	}
	begun = time.Now()
	e.get(t, "/")
	lap("page")
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
	t.Logf("peak resident memory: %d MiB", peak/1024)
	if len(buildFlags) == 0 && peak > 160<<10 {
		t.Errorf("got a peak of %d kB resident memory, want at most %d", peak, 160<<10)
	}
}
