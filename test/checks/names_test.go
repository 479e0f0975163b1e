// Package checks checks dashboards, rules, the chart, manifests and documents
// against the code and with the libraries of the programs that read them:
// Prometheus, Kubernetes, editors, a browser. It is a module of its own because
// the exporter must not depend on these.
package checks

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// metric is what docs/metrics.md and the golden page say of one.
type metric struct {
	Type   string
	Labels []string
}

// goldenMetrics are those of the page that test/e2e compares with the exporter's.
// The label wave is configured.
func goldenMetrics(t *testing.T) map[string]metric {
	t.Helper()
	metrics := map[string]metric{}
	var name, kind string
	for line := range strings.Lines(testutil.Read(t, "test", "e2e", "testdata", "metrics.prom")) {
		if fields := strings.Fields(line); fields[1] == "TYPE" {
			name, kind = fields[2], fields[3]
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		labels := metrics[name].Labels
		for _, label := range regexp.MustCompile(`[{,](\w+)="`).FindAllStringSubmatch(line, -1) {
			if label[1] != "le" {
				labels = append(labels, label[1])
			}
		}
		slices.Sort(labels)
		metrics[name] = metric{kind, slices.Compact(labels)}
	}
	return metrics
}

// docs/metrics.md has a row for each metric of the page, with its type and its
// labels, and no other. A configured label cannot have the name of one of ours.
func TestMetricsReference(t *testing.T) {
	documented, golden := map[string]metric{}, goldenMetrics(t)
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|(.*?)\\|").FindAllStringSubmatch(testutil.Read(t, "docs", "metrics.md"), -1) {
		labels := regexp.MustCompile(`\w+`).FindAllString(strings.Replace(row[3], "*configured*", "wave", 1), -1)
		slices.Sort(labels)
		documented[row[1]] = metric{row[2], labels}
	}
	if diff := cmp.Diff(golden, documented); diff != "" {
		t.Errorf("docs/metrics.md differs from the page (-page +document):\n%s", diff)
	}

	delete(golden, "zuora_exporter_build_info")
	for name, m := range golden {
		for _, label := range m.Labels {
			_, err := config.Parse("x.yml", []byte(`tenants: [{name: t, base_url: "https://h", oauth2: {client_id: a, client_secret: b}, `+
				`jobs: [{id: ff80808186b966950186b97922e200ab, labels: {`+label+`: x}}]}]`))
			if used := err != nil && strings.Contains(err.Error(), "already used by the exporter"); used == (label == "wave") {
				t.Errorf("a configured label %q, which %s has: got the error %v", label, name, err)
			}
		}
	}
}

// foreign are the metrics of others that we use, with their labels: Prometheus's
// about each target, and the Go libraries'.
var foreign = map[string][]string{
	"up": nil, "scrape_duration_seconds": nil, "scrape_timeout_seconds": nil,
	"ALERTS":                        {"alertname", "alertstate", "severity", "tenant", "job_id"},
	"ALERTS_FOR_STATE":              {"alertname", "severity", "tenant", "job_id"},
	"process_resident_memory_bytes": nil, "process_cpu_seconds_total": nil, "process_start_time_seconds": nil,
}

// metrics returns the labels of our metrics, of those that the rules record, and
// of those of others, by their names.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	known := maps.Clone(foreign)
	for name, m := range goldenMetrics(t) {
		known[name] = m.Labels
		if m.Type == "histogram" {
			known[name+"_bucket"], known[name+"_sum"], known[name+"_count"] = m.Labels, m.Labels, m.Labels
		}
	}
	for _, r := range testutil.Rules(t) {
		if r.Record == "" {
			continue
		}
		// It has the labels that its expression names, and those of the metrics there.
		for _, word := range regexp.MustCompile(`[\w:]+`).FindAllString(r.Expr, -1) {
			known[r.Record] = append(append(known[r.Record], word), known[word]...)
		}
	}
	return known
}

// expressions returns the PromQL of dashboards, rules and documents, by file.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for file, dashboard := range testutil.Dashboards(t) {
		for _, e := range dashboard.Expressions() {
			all[file] = append(all[file], e.Expr)
		}
	}
	for _, r := range testutil.Rules(t) {
		all["the rules"] = append(all["the rules"], r.Expr)
	}
	for _, file := range markdown(t) {
		all[file] = testutil.Fenced(t, "promql", file)
	}
	return all
}

// Every metric and label in a dashboard, a rule or a document is one that the
// code has.
func TestNames(t *testing.T) {
	known := metrics(t)
	// In prose these begin like a metric and are none: the program, a label of
	// service discovery, a key of the log, a part of a name.
	prose := []string{"zuora_exporter", "zuora_tenant", "zuora_request_id", "zuora_track_id", "zuora_data_labeling_job"}
	for _, file := range markdown(t) {
		for _, name := range regexp.MustCompile(`\bzuora_[a-z0-9_]+`).FindAllString(testutil.Read(t, file), -1) {
			if _, ok := known[name]; !ok && !slices.Contains(prose, name) {
				t.Errorf("%s: there is no metric %q", file, name)
			}
		}
	}

	everywhere := []string{"__name__", "job", "instance", "repairs", "wave"} // of the target, and configured
	anywhere := append([]string{"pod", "group", "repair", "show", "le"}, everywhere...)
	for _, l := range known {
		anywhere = append(anywhere, l...)
	}
	// A label of any metric passes: tests that run the expression see which
	// metrics an aggregation has.
	grouping := regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right) ?\(([\w, ]*)\)`)
	checked := 0
	for file, all := range expressions(t) {
		for _, expr := range all {
			checked++
			for _, selector := range selectors(t, expr) {
				// A selector may mean one metric, or several by a regular expression.
				var has []string
				for name, l := range known {
					if slices.ContainsFunc(selector, func(m *labels.Matcher) bool { return m.Name == "__name__" && m.Matches(name) }) {
						has = slices.Concat(has, everywhere, l)
					}
				}
				for _, m := range selector {
					if !slices.Contains(has, m.Name) {
						t.Errorf("%s: got %v, want a metric and labels that exist\n%s", file, selector, expr)
					}
				}
			}
			for _, m := range grouping.FindAllStringSubmatch(variables.Replace(expr), -1) {
				for _, label := range strings.FieldsFunc(m[1], func(r rune) bool { return r == ',' || r == ' ' }) {
					if !slices.Contains(anywhere, label) {
						t.Errorf("%s: got the label %q, which no metric has\n%s", file, label, expr)
					}
				}
			}
		}
	}
	if checked < 150 {
		t.Errorf("got %d expressions, want at least 150", checked)
	}
}

// variables are Grafana's. In strings they do no harm, and each job has the label
// that $by names.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "5m", "$by", "tenant")

// selectors parses an expression and returns what it selects.
func selectors(t *testing.T, expr string) [][]*labels.Matcher {
	t.Helper()
	root, err := parser.NewParser(parser.Options{}).ParseExpr(variables.Replace(expr))
	if err != nil {
		t.Fatalf("%v\n%s", err, expr)
	}
	return parser.ExtractSelectors(root)
}

// The rules of Grafana's dashboard linter that are about expressions. The
// migration's dashboard is excluded in the linter's file .lint.
func TestLinterRules(t *testing.T) {
	rated := regexp.MustCompile(`(?:rate|increase)\(\w+(?:\{[^}]*\})?\[\$__rate_interval\]`)
	counter := regexp.MustCompile(`\w+_(?:total|bucket|sum|count)\b|\b(?:i?rate|increase)\(`)
	for _, e := range testutil.Dashboards(t)["zuora-exporter.json"].Expressions() {
		if strings.HasPrefix(e.Where, "variable ") { // those are chosen one after the other
			continue
		}
		for _, selector := range selectors(t, e.Expr) {
			// Alerts about a tenant have no instance, and those about nothing at all
			// no job: the linter's file .lint excludes the panels that list them.
			text := fmt.Sprint(selector)
			if strings.Contains(text, `__name__="ALERTS`) || strings.Contains(text, `__name__="zuora:`) {
				continue
			}
			if !strings.Contains(text, `job=~"$job"`) || !strings.Contains(text, `instance=~"$instance"`) {
				t.Errorf("got %s, want matchers of $job and $instance\n%s", text, e.Expr)
			}
		}
		if bad := counter.FindString(rated.ReplaceAllString(e.Expr, "")); bad != "" {
			t.Errorf("got %s, want its rate or increase over $__rate_interval\n%s", bad, e.Expr)
		}
	}
}
