// Package checks checks dashboards, rules, the chart, manifests and documents
// against the code and with the libraries of the programs that read them:
// Prometheus, Kubernetes, editors, a browser. It is a module of its own because
// the exporter must not depend on these.
package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// expression is one of the repository's, and its place.
type expression struct{ where, expr string }

// foreign are the metrics of others that we use, with their labels: Prometheus's
// about each target, and the Go libraries'.
var foreign = map[string][]string{
	"up": nil, "scrape_duration_seconds": nil, "scrape_timeout_seconds": nil,
	"ALERTS":                        {"alertname", "alertstate", "severity", "tenant", "job_id"},
	"ALERTS_FOR_STATE":              {"alertname", "severity", "tenant", "job_id"},
	"process_resident_memory_bytes": nil, "process_cpu_seconds_total": nil, "process_start_time_seconds": nil,
}

// everywhere are labels of the target, and configured ones that we know.
var everywhere = []string{"job", "instance", "repairs", "wave"}

// Every metric and label in a dashboard, a rule or a document is one that the
// code has.
func TestNames(t *testing.T) {
	known := reference(t)
	for name, l := range foreign {
		known[name] = l
	}
	recorded(t, known)
	for _, e := range slices.Concat(panels(t), variables(t), rules(t), documents(t)) {
		if err := checkNames(e.expr, known); err != nil {
			t.Errorf("%s: %v\n%s", e.where, err, e.expr)
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
	anywhere := append([]string{labels.MetricName, "pod", "le", "group", "repair", "show"}, everywhere...)
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
				if m.Name != labels.MetricName && !slices.Contains(everywhere, m.Name) && !slices.Contains(has, m.Name) {
					wrong = fmt.Errorf("%s has no label %q", n.Name, m.Name)
				}
			}
		case *parser.AggregateExpr:
			names = n.Grouping
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				names = append(n.VectorMatching.MatchingLabels, n.VectorMatching.Include...)
			}
		}
		for _, name := range names {
			if !slices.Contains(anywhere, name) {
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
	if n.Name != "" {
		has, ok = known[base(n.Name)]
		return has, ok
	}
	for _, m := range n.LabelMatchers {
		for name, l := range known {
			if m.Name == labels.MetricName && m.Matches(name) {
				has, ok = append(has, l...), true
			}
		}
	}
	return has, ok
}

// base is the metric that a series of a histogram belongs to. There is one.
func base(name string) string {
	const histogram = "zuora_api_request_duration_seconds"
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if name == histogram+suffix {
			return histogram
		}
	}
	return name
}

// A made-up name must be found in every place.
func TestMadeUpNamesAreFound(t *testing.T) {
	known := reference(t)
	for expr, want := range map[string]string{
		`zuora_up{tenant="x"}`: "",
		`sum by (le) (rate(zuora_api_request_duration_seconds_bucket{operation="token"}[5m]))`: "",
		`zuora_made_up`:                      `there is no metric zuora_made_up`,
		`zuora_up_bucket`:                    `there is no metric zuora_up_bucket`,
		`{__name__=~"zuora_made_.+"}`:        `there is no metric {__name__=~"zuora_made_.+"}`,
		`zuora_up{made_up="x"}`:              `zuora_up has no label "made_up"`,
		`zuora_up{job_id="x"}`:               `zuora_up has no label "job_id"`,
		`sum by (made_up) (zuora_up)`:        `no metric has the label "made_up"`,
		`zuora_up and on (made_up) zuora_up`: `no metric has the label "made_up"`,
	} {
		got := ""
		if err := checkNames(expr, known); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", expr, got, want)
		}
	}
}

// Names in prose are right as well.
func TestNamesInDocuments(t *testing.T) {
	known := reference(t)
	recorded(t, known)
	// These begin like a metric and are none: the program, a label of service
	// discovery, a key of the log, a part of a name.
	for _, name := range []string{"zuora_exporter", "zuora_tenant", "zuora_request_id", "zuora_track_id", "zuora_data_labeling_job"} {
		known[name] = nil
	}
	for _, file := range markdown(t) {
		for _, name := range regexp.MustCompile(`\bzuora_[a-z0-9_]+`).FindAllString(read(t, file), -1) {
			if _, ok := known[base(name)]; !ok {
				t.Errorf("%s: there is no metric %q", file, name)
			}
		}
	}
}

// The rules of Grafana's dashboard linter that are about expressions. The
// migration's are excluded in its file .lint.
func TestLinterRules(t *testing.T) {
	for _, e := range panels(t) {
		if strings.HasPrefix(e.where, "../../dashboards/zuora-data-labeling.json") {
			continue
		}
		for _, problem := range lint(e.expr) {
			t.Errorf("%s: %s\n%s", e.where, problem, e.expr)
		}
	}
}

func TestLinterFinds(t *testing.T) {
	const target = `{job=~"$job",instance=~"$instance"}`
	for expr, problems := range map[string]int{
		`sum(rate(zuora_api_requests_total` + target + `[$__rate_interval]))`: 0,
		`sum(rate(zuora_api_requests_total` + target + `[5m]))`:               1,
		`sum(zuora_api_requests_total` + target + `)`:                         1,
		`zuora_up{job=~"$job"}`:                                               1,
		`zuora_up + zuora_up` + target:                                        2,
		`zuora_up{job=~"other",instance=~"$instance"} (`:                      1,
	} {
		if got := lint(expr); len(got) != problems {
			t.Errorf("%s: got %d problems %q, want %d", expr, len(got), got, problems)
		}
	}
}

func lint(expr string) (problems []string) {
	root, err := parse(expr)
	if err != nil {
		return []string{err.Error()}
	}
	parser.Inspect(root, func(node parser.Node, path []parser.Node) error {
		n, ok := node.(*parser.VectorSelector)
		// Alerts about a tenant have no instance, and those about nothing at all
		// no job: the linter's file .lint excludes the panels that list them.
		if !ok || strings.HasPrefix(n.Name, "ALERTS") || strings.HasPrefix(n.Name, "zuora:") {
			return nil
		}
		for _, want := range []string{"job", "instance"} {
			if !slices.ContainsFunc(n.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == want && m.Type == labels.MatchRegexp && m.Value == "$"+want
			}) {
				problems = append(problems, fmt.Sprintf("%s has no matcher %s=~\"$%s\"", n, want, want))
			}
		}
		if strings.HasSuffix(n.Name, "_total") && !slices.ContainsFunc(path, isRate) {
			problems = append(problems, "the counter "+n.Name+" without rate or increase")
		}
		return nil
	})
	for _, call := range regexp.MustCompile(`\b(?:rate|irate|increase)\([^\[]*\[([^\]]*)\]`).FindAllStringSubmatch(expr, -1) {
		if call[1] != "$__rate_interval" {
			problems = append(problems, "a rate over "+call[1]+", not $__rate_interval")
		}
	}
	return problems
}

func isRate(n parser.Node) bool {
	call, ok := n.(*parser.Call)
	return ok && slices.Contains([]string{"rate", "irate", "increase"}, call.Func.Name)
}

// parse parses an expression with Grafana's variables. In strings they do no
// harm, and each job has the label that $by names.
func parse(expr string) (parser.Expr, error) {
	return parser.NewParser(parser.Options{}).ParseExpr(strings.NewReplacer("$__rate_interval", "5m", "$__range", "5m", "$by", "tenant").Replace(expr))
}
