package e2e

import (
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

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
	page := start(t, "--config.file="+file).scrape(t, "10")
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
// labels, and no other.
func TestMetricsReference(t *testing.T) {
	t.Parallel()
	documented := map[string]metric{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|(.*?)\\|").FindAllStringSubmatch(testutil.Read(t, "docs", "metrics.md"), -1) {
		labels := strings.FieldsFunc(row[3], func(r rune) bool { return strings.ContainsRune(", `", r) })
		slices.Sort(labels)
		documented[row[1]] = metric{row[2], strings.Join(labels, ", ")}
	}
	if diff := cmp.Diff(goldenMetrics(t), documented); diff != "" {
		t.Errorf("docs/metrics.md differs from the page (-page +document):\n%s", diff)
	}
}

// A configured label cannot have the name of one of ours.
func TestOwnLabelsAreReserved(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	for name, m := range goldenMetrics(t) {
		for label := range strings.SplitSeq(m.Labels, ", ") {
			if label == "" || label == "*configured*" || name == "zuora_exporter_build_info" {
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
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob))
	for _, path := range []string{"/metrics", "/probe?target=" + runningJob} {
		_, page := e.get(t, path, "Accept", "application/openmetrics-text;version=1.0.0")
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

// A scrape by protobuf has native histograms.
func TestNativeHistograms(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	p := startPrometheus(t, scrapeConfig("2s", start(t, "--demo")), "--enable-feature=native-histograms")
	eventually(t, "native histograms of both operations", func() bool {
		return len(p.query(t, `histogram_count(zuora_api_request_duration_seconds) > 0`)) == 2
	})
}
