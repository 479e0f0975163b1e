package e2e

import (
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	configuration "github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The whole page against a golden file, testdata/metrics.prom: names, labels,
// types and help texts are what users build on.
func TestPageIsAsPromised(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	s.SetFault(brokenJob, zuoratest.TooManyRequests()) // read last: it pauses the others
	jobs := config(s, "max_concurrent_requests: 1", zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob)
	file := testutil.Write(t, t.TempDir(), "zuora_exporter.yml",
		strings.Replace(jobs, "- id: "+runningJob+"\n", "- id: "+runningJob+"\n    labels: {wave: first}\n", 1))
	page := start(t, "--config.file="+file).scrape(t)
	testutil.Generated(t, steady(page), "test", "e2e", "testdata", "metrics.prom")
	if n := s.Counters(); n.TokensIssued != 1 || n.JobRequests != 6 {
		t.Errorf("got %d tokens and %d job requests, want 1 and 6", n.TokensIssued, n.JobRequests)
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

// metric is what docs/metrics.md and the golden page say of one.
type metric struct {
	Type, Labels string
}

// goldenMetrics are those of the golden page. The label wave is configured.
func goldenMetrics(t *testing.T) map[string]metric {
	t.Helper()
	metrics, labels := map[string]metric{}, map[string]bool{}
	var name, kind string
	for line := range strings.Lines(testutil.Read(t, "test", "e2e", "testdata", "metrics.prom")) {
		if fields := strings.Fields(line); fields[1] == "TYPE" {
			name, kind, labels = fields[2], fields[3], map[string]bool{}
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, label := range regexp.MustCompile(`[{,](\w+)="`).FindAllStringSubmatch(line, -1) {
			if label[1] != "le" {
				labels[strings.Replace(label[1], "wave", "*configured*", 1)] = true
			}
		}
		metrics[name] = metric{kind, strings.Join(slices.Sorted(maps.Keys(labels)), ", ")}
	}
	return metrics
}

// docs/metrics.md has a row for each metric of the page, with its type and its
// labels, and no other. A configured label cannot have the name of one of ours.
func TestMetricsReference(t *testing.T) {
	t.Parallel()
	documented, golden := map[string]metric{}, goldenMetrics(t)
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|(.*?)\\|").FindAllStringSubmatch(testutil.Read(t, "docs", "metrics.md"), -1) {
		labels := strings.FieldsFunc(row[3], func(r rune) bool { return strings.ContainsRune(", `", r) })
		slices.Sort(labels)
		documented[row[1]] = metric{row[2], strings.Join(labels, ", ")}
	}
	if diff := cmp.Diff(golden, documented); diff != "" {
		t.Errorf("docs/metrics.md differs from the page (-page +document):\n%s", diff)
	}

	delete(golden, "zuora_exporter_build_info")
	s := newStandIn(t)
	for name, m := range golden {
		for label := range strings.SplitSeq(m.Labels, ", ") {
			if label == "" || label == "*configured*" {
				continue
			}
			_, err := configuration.Parse("x.yml", []byte(config(s, "", runningJob)+"    labels: {"+label+": x}\n"))
			if err == nil || !strings.Contains(err.Error(), "already used by the exporter") {
				t.Errorf("a configured label %q, which %s has: got %v, want an error", label, name, err)
			}
		}
	}
}

// A strict parser, Python's client's, accepts both pages.
func TestStrictParserAcceptsThePages(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	if exec.Command(python, "-c", "import prometheus_client").Run() != nil {
		testutil.Tool(t, "python3-prometheus-client")
	}
	s := scriptedStandIn(t)
	e := serve(t, s, "", zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob)
	for _, path := range []string{"/metrics", probeOf(runningJob)} {
		_, page, err := e.request(t.Context(), http.MethodGet, path, "Accept", "application/openmetrics-text;version=1.0.0")
		must(t, err)
		file := testutil.Write(t, t.TempDir(), "page", page)
		out, err := exec.CommandContext(t.Context(), python, "-c", `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
names = [f.name for f in text_string_to_metric_families(open(sys.argv[1]).read())]
assert "zuora_up" in names, names`, file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: got %v, want a page that is valid:\n%s", path, err, out)
		}
	}
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

// The landing page asks Zuora nothing, and escapes what Zuora said.
func TestLandingPage(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetJob(zuoratest.Job{ID: oddJob, ObjectType: "<img>", Script: zuoratest.Constant(zuoratest.Answer{Status: "<script>a()</script>"})})
	s.SetFault(brokenJob, zuoratest.Refuse(400, `"50000020"`, `</td><script>b()</script>`))
	e := serve(t, s, "", oddJob, brokenJob)
	contains(t, e.page(t, "/", 10*time.Second), "never read")
	e.scrape(t)
	page := e.page(t, "/", 10*time.Second)
	contains(t, page, "&lt;img&gt;", "&lt;script&gt;a()", "refused", "&lt;/td&gt;&lt;script&gt;b()")
	if n := s.Counters().JobRequests; n != 2 || strings.Contains(page, "<script") {
		t.Errorf("got %d requests and\n%s\nwant the scrape's 2, and no script", n, page)
	}
}
