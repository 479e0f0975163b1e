package e2e

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

const (
	runningJob = "00000000000000000000000000000001"
	waitingJob = "00000000000000000000000000000002"
	unknownJob = "00000000000000000000000000000003"
	oddJob     = "00000000000000000000000000000004"
	brokenJob  = "00000000000000000000000000000005"
)

// scriptedStandIn has a job of each kind, none of which moves.
func scriptedStandIn(t *testing.T) *zuoratest.Server {
	s := newStandIn(t)
	at := func(r zuoratest.Ramp, elapsed time.Duration) zuoratest.Script {
		return zuoratest.Constant(r.At(elapsed))
	}
	s.SetJob(zuoratest.Job{ID: runningJob, ObjectType: "Product", Script: at(zuoratest.Ramp{Rate: 10, Total: 500, FailedShare: .1}, 20*time.Second)})
	s.SetJob(zuoratest.Job{ID: waitingJob, ObjectType: "User", Script: at(zuoratest.Ramp{Accepted: time.Hour}, 0)})
	s.SetJob(zuoratest.Job{ID: oddJob, Script: zuoratest.Constant(zuoratest.Answer{Status: "On \"hold\"\n"})})
	s.SetFault(brokenJob, zuoratest.Respond(200, "text/html", "<html>"))
	return s
}

// The whole page against a golden file: names, labels, types and HELP texts
// are what users build on.
func TestPageIsAsPromised(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob)
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	labelled := strings.Replace(string(config), "  - id: "+runningJob+"\n", "  - id: "+runningJob+"\n    labels: {wave: first}\n", 1)
	if err := os.WriteFile(file, []byte(labelled), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, "--config.file="+file)
	got := steady(e.scrape(t, "10"))

	testutil.Generated(t, got, "test", "e2e", "testdata", "metrics.prom")
	if n := s.Counters(); n.TokensIssued != 1 || n.JobRequests != 6 {
		t.Errorf("got %d tokens and %d job requests, want 1 and 6", n.TokensIssued, n.JobRequests)
	}
}

// steady removes from a page what differs between runs: the runtime's metrics,
// and the values of durations and timestamps.
func steady(page string) string {
	var b strings.Builder
	runtimes := regexp.MustCompile(`^(# (HELP|TYPE) )?(go|process)_`)
	value := regexp.MustCompile(`^(zuora_\w*(?:_seconds|_seconds_sum|_seconds_bucket|_remaining_requests)(?:\{.*\})?) .*`)
	build := regexp.MustCompile(`^zuora_exporter_build_info\{.*`)
	for line := range strings.Lines(page) {
		if runtimes.MatchString(line) {
			continue
		}
		line = build.ReplaceAllString(line, "zuora_exporter_build_info{...} 1")
		b.WriteString(value.ReplaceAllString(line, "$1 ..."))
	}
	return b.String()
}

func TestOpenMetrics(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	_, page := e.get(t, "/metrics", "Accept", "application/openmetrics-text;version=1.0.0")
	if !strings.HasSuffix(page, "# EOF\n") {
		t.Errorf("got no OpenMetrics, which ends with # EOF:\n%s", page)
	}
	for line := range strings.Lines(page) {
		if sample := regexp.MustCompile(`^zuora_.* \S+ \S+$`); sample.MatchString(strings.SplitN(line, " #", 2)[0]) && !strings.Contains(line, "build_info") {
			t.Errorf("got a sample with a timestamp, want none: %s", line)
		}
	}
}

func TestPlainEndpoints(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	for path, want := range map[string]int{"/": 200, "/-/healthy": 200, "/-/ready": 200, "/nowhere": 404, "/metrics/x": 404} {
		if status, body := e.get(t, path); status != want {
			t.Errorf("GET %s: got %d, want %d\n%s", path, status, want, body)
		}
	}
	for _, path := range []string{"/", "/metrics", "/-/healthy", "/-/ready"} {
		if status, _, err := e.request(t.Context(), http.MethodPost, path); status != 405 {
			t.Errorf("POST %s: got %d (error %v), want 405", path, status, err)
		}
	}
	if n := s.Counters(); n.TokenRequests+n.JobRequests != 0 {
		t.Errorf("got %d token and %d job requests, want none", n.TokenRequests, n.JobRequests)
	}
}
