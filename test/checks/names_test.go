// Package checks checks dashboards, rules, the chart, manifests and documents
// against the code and with the libraries of the programs that read them:
// Prometheus, Kubernetes, editors, a browser. It is a module of its own because
// the exporter must not depend on these.
package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// foreign are the metrics of others that we use, with their labels: Prometheus's
// about each target, and the Go libraries'.
var foreign = map[string][]string{
	"up": nil, "scrape_duration_seconds": nil, "scrape_timeout_seconds": nil,
	"ALERTS":                        {"alertname", "alertstate", "severity", "tenant", "job_id"},
	"ALERTS_FOR_STATE":              {"alertname", "severity", "tenant", "job_id"},
	"process_resident_memory_bytes": nil, "process_cpu_seconds_total": nil, "process_start_time_seconds": nil,
}

// everywhere are labels of the target, and configured ones that we know.
var everywhere = []string{"__name__", "job", "instance", "repairs", "wave"}

// metrics returns the labels of our metrics, and of those of others, by their
// names. It reads docs/metrics.md, which test/e2e compares with the page, and the
// recording rules.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	known := map[string][]string{}
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([^|]*) \\|")
	for _, m := range row.FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		names := []string{m[1]}
		if m[2] == "histogram" {
			names = []string{m[1], m[1] + "_bucket", m[1] + "_sum", m[1] + "_count"}
		}
		for _, name := range names {
			known[name] = regexp.MustCompile(`\w+`).FindAllString(m[3], -1)
		}
	}
	maps.Copy(known, foreign)
	for _, r := range rules(t) {
		if r.Record == "" {
			continue
		}
		// It has the labels that its expression names, and those of the metrics there.
		for _, word := range regexp.MustCompile(`[\w:]+`).FindAllString(r.Expr, -1) {
			known[r.Record] = append(append(known[r.Record], word), known[word]...)
		}
	}
	if len(known) < 40 {
		t.Fatalf("got %d metrics, want at least 40", len(known))
	}
	return known
}

type rule struct{ Record, Expr string }

func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal([]byte(read(t, "../../alerts/zuora.rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// expressions returns the PromQL of panels, annotations, rules and documents, by
// file. test/e2e asks for what the dashboards' variables name.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for file, text := range dashboards(t) {
		for _, m := range regexp.MustCompile(`"expr": (".*")`).FindAllStringSubmatch(text, -1) {
			var expr string
			if err := json.Unmarshal([]byte(m[1]), &expr); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[file] = append(all[file], expr)
		}
	}
	for _, r := range rules(t) {
		all["the rules"] = append(all["the rules"], r.Expr)
	}
	for _, file := range markdown(t) {
		for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(read(t, file), -1) {
			all[file] = append(all[file], block[1])
		}
	}
	return all
}

// Every metric and label in a dashboard, a rule or a document is one that the
// code has.
func TestNames(t *testing.T) {
	known := metrics(t)
	checked := 0
	for file, all := range expressions(t) {
		for _, expr := range all {
			checked++
			if err := checkNames(expr, known); err != nil {
				t.Errorf("%s: %v\n%s", file, err, expr)
			}
		}
	}
	if checked < 150 {
		t.Errorf("got %d expressions, want at least 150", checked)
	}

	// In prose these begin like a metric and are none: the program, a label of
	// service discovery, a key of the log, a part of a name.
	for _, name := range []string{"zuora_exporter", "zuora_tenant", "zuora_request_id", "zuora_track_id", "zuora_data_labeling_job"} {
		known[name] = nil
	}
	for _, file := range markdown(t) {
		for _, name := range regexp.MustCompile(`\bzuora_[a-z0-9_]+`).FindAllString(read(t, file), -1) {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: there is no metric %q", file, name)
			}
		}
	}
}

// checkNames parses an expression and looks at all metrics and labels in it.
func checkNames(expr string, known map[string][]string) error {
	root, err := parse(expr)
	if err != nil {
		return err
	}
	// A label of any metric passes: tests that run the expression see which
	// metrics an aggregation has.
	anywhere := append([]string{"pod", "group", "repair", "show"}, everywhere...)
	for _, l := range known {
		anywhere = append(anywhere, l...)
	}
	var wrong error
	parser.Inspect(root, func(node parser.Node, _ []parser.Node) error {
		var names []string
		switch n := node.(type) {
		case *parser.VectorSelector:
			has, ok := labelsOf(n, known)
			if !ok {
				wrong = fmt.Errorf("there is no metric %s", n)
			}
			for _, m := range n.LabelMatchers {
				if ok && !slices.Contains(everywhere, m.Name) && !slices.Contains(has, m.Name) {
					wrong = fmt.Errorf("%s has no label %q", n, m.Name)
				}
			}
		case *parser.AggregateExpr:
			names = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				names = slices.Concat(n.VectorMatching.MatchingLabels, n.VectorMatching.Include)
			}
		}
		for _, name := range names {
			if name != "le" && !slices.Contains(anywhere, name) {
				wrong = fmt.Errorf("no metric has the label %q", name)
			}
		}
		return nil
	})
	return wrong
}

// labelsOf are the labels of the metrics that a selector may mean: one by its
// name, or several by a regular expression.
func labelsOf(n *parser.VectorSelector, known map[string][]string) (has []string, ok bool) {
	for _, m := range n.LabelMatchers {
		for name, l := range known {
			if m.Name == "__name__" && m.Matches(name) {
				has, ok = append(has, l...), true
			}
		}
	}
	return has, ok
}

// parse parses an expression with Grafana's variables. In strings they do no
// harm, and each job has the label that $by names.
func parse(expr string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(strings.NewReplacer("$__rate_interval", "5m", "$__range", "5m", "$by", "tenant").Replace(expr))
}

// A made-up name is found in every place.
func TestMadeUpNames(t *testing.T) {
	known := metrics(t)
	for expr, want := range map[string]string{
		`zuora_up_bucket{tenant="x"}`:        `there is no metric zuora_up_bucket{tenant="x"}`,
		`{__name__=~"zuora_made_.+"}`:        `there is no metric {__name__=~"zuora_made_.+"}`,
		`zuora_up{job_id="x"}`:               `zuora_up{job_id="x"} has no label "job_id"`,
		`sum by (made_up) (zuora_up)`:        `no metric has the label "made_up"`,
		`zuora_up and on (made_up) zuora_up`: `no metric has the label "made_up"`,
	} {
		if err := checkNames(expr, known); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", expr, err, want)
		}
	}
}

// The rules of Grafana's dashboard linter that are about expressions. The
// migration's dashboard is excluded in the linter's file .lint.
func TestLinterRules(t *testing.T) {
	rate := regexp.MustCompile(`\b(?:rate|irate|increase)\([^\[]*\[([^\]]*)\]`)
	for _, expr := range expressions(t)["zuora-exporter.json"] {
		root, err := parse(expr)
		if err != nil {
			t.Fatalf("%v\n%s", err, expr)
		}
		parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
			n, ok := node.(*parser.VectorSelector)
			// Alerts about a tenant have no instance, and those about nothing at all
			// no job: the linter's file .lint excludes the panels that list them.
			if !ok || strings.HasPrefix(n.Name, "ALERTS") || strings.HasPrefix(n.Name, "zuora:") {
				return nil
			}
			for _, want := range []string{`job=~"$job"`, `instance=~"$instance"`} {
				if !strings.Contains(n.String(), want) {
					t.Errorf("%s has no matcher %s\n%s", n, want, expr)
				}
			}
			if strings.HasSuffix(n.Name, "_total") && !slices.ContainsFunc(path, isRate) {
				t.Errorf("the counter %s without rate or increase\n%s", n, expr)
			}
			return nil
		})
		for _, call := range rate.FindAllStringSubmatch(expr, -1) {
			if call[1] != "$__rate_interval" {
				t.Errorf("a rate over %s, not $__rate_interval\n%s", call[1], expr)
			}
		}
	}
}

func isRate(n parser.Node) bool {
	call, ok := n.(*parser.Call)
	return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
}
