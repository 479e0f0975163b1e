package e2e

import (
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The whole page against a golden file, testdata/metrics.prom: names, labels,
// types and help texts are what users build on. A strict parser, Python's client's,
// accepts it and a probe's. The landing page asks Zuora nothing, and escapes what
// Zuora said.
func TestPageIsAsPromised(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	s.SetFault(brokenJob, zuoratest.TooManyRequests()) // read last: it pauses the others
	jobs := config(s, "max_concurrent_requests: 1", zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob)
	file := testutil.Write(t, t.TempDir(), "zuora_exporter.yml",
		strings.Replace(jobs, "- id: "+runningJob+"\n", "- id: "+runningJob+"\n    labels: {wave: first}\n", 1))
	e := start(t, "--config.file="+file)
	testutil.Generated(t, steady(e.scrape(t)), "test", "e2e", "testdata", "metrics.prom")
	landing := e.page(t, "/", 10*time.Second)
	if contains(t, landing, "&lt;script&gt;"); strings.Contains(landing, "<script") {
		t.Errorf("got\n%s\nwant no script", landing)
	}
	if n := s.Counters(); n.TokensIssued != 1 || n.JobRequests != 6 {
		t.Errorf("got %d tokens and %d job requests, want 1 and 6", n.TokensIssued, n.JobRequests)
	}
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	if exec.Command(python, "-c", "import prometheus_client").Run() != nil {
		testutil.Tool(t, "python3-prometheus-client")
	}
	s.ClearFaults()
	e = start(t, "--config.file="+file) // the other one pauses
	for _, path := range []string{"/metrics", probeOf(runningJob)} {
		_, page, err := e.request(t.Context(), http.MethodGet, path, "Accept", "application/openmetrics-text;version=1.0.0")
		must(t, err)
		out, err := exec.CommandContext(t.Context(), python, "-c", `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
names = [f.name for f in text_string_to_metric_families(open(sys.argv[1]).read())]
assert "zuora_up" in names, names`, testutil.Write(t, t.TempDir(), "page", page)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: got %v, want a page that is valid:\n%s", path, err, out)
		}
	}
}

// steady removes from a page what differs between runs: the runtime's metrics,
// the values of durations and timestamps, and what was built with what.
func steady(page string) string {
	var b strings.Builder
	runtimes := regexp.MustCompile(`^(# (HELP|TYPE) )?(go|process)_`)
	value := regexp.MustCompile(`^(zuora_\w*(?:_seconds|_seconds_sum|_seconds_bucket|_remaining_requests)(?:\{.*\})?) \S+\n`)
	build := regexp.MustCompile(`"[^"]*"`)
	for line := range strings.Lines(page) {
		switch {
		case runtimes.MatchString(line):
		case strings.HasPrefix(line, "zuora_exporter_build_info{"):
			b.WriteString(build.ReplaceAllString(line, `"..."`))
		default:
			b.WriteString(value.ReplaceAllString(line, "$1 ...\n"))
		}
	}
	return b.String()
}

// A probe's page has the one job and whether its tenant is up, and tells on
// demand what happened. Of a job that is not configured nothing else says anything.
func TestProbe(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	e := serve(t, s, "", zuoratest.SampleJobID)
	for id, want := range map[string]string{zuoratest.SampleJobID: isUp, unknownJob: isUp, brokenJob: isDown} {
		page := e.probe(t, id)
		contains(t, page, want)
		own := regexp.MustCompile(`(?m)^(?:#.*|zuora_up\{.*|zuora_data_labeling_job_\w+\{job_id="` + id + `".*)\n`)
		if foreign := own.ReplaceAllString(page, ""); foreign != "" {
			t.Errorf("got\n%s\nwant only zuora_up and the job's metrics", foreign)
		}
	}
	s.SetFault(unknownJob, zuoratest.Respond(401, "text/plain", "Client IP 203.0.113.7 is not in the allowed login range"))
	contains(t, e.probe(t, unknownJob+"&debug=true"), "Token: ", "operation=data_labeling_job, HTTP 401, duration=", "Zuora-Request-Id=", "Zuora-Track-Id=",
		"Error: auth: ", "Client IP 203.0.113.7 is not in the allowed login range", "\nMetrics:\n", isDown)
	if strings.Contains(e.output.String()+e.scrape(t), unknownJob) {
		t.Errorf("got the probed job in the log or on /metrics, want it on its own pages only")
	}
}
