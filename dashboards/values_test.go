package dashboards

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// withVariables is an expression in which Grafana has put the variables: All, but
// for what the table of jobs shows, and for the group.
func withVariables(expr, show, group string) string {
	return strings.NewReplacer("$job_id", ".+", "$tenant", ".+", "$show", show, "$by", "wave", "$group", group, "$__range", "2h").Replace(expr)
}

type sample struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

type check struct {
	Expr    string   `yaml:"expr"`
	At      string   `yaml:"eval_time"`
	Samples []sample `yaml:"exp_samples"`
}

func checkOf(expr string, want values) check {
	c := check{Expr: expr, At: "2h"}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		labels := key
		switch {
		case key == "":
			labels = "{}"
		case key[0] != '{':
			labels = fmt.Sprintf(`{job_id=%q,tenant="t"}`, key)
		}
		c.Samples = append(c.Samples, sample{labels, want[key]})
	}
	return c
}

// panels are the expressions of the migration's panels, by title and query.
type panels map[string]string

// readPanels has, of a series of a graph, the labels of a job only, and not those
// for its legend.
func readPanels(t *testing.T) panels {
	t.Helper()
	all := panels{}
	for _, p := range files(t)["zuora-data-labeling.json"].Panels {
		title := p.Title
		if p.Type == "table" {
			title = "table " + title
		}
		for _, target := range p.Targets {
			expr := target.Expr
			if strings.Contains(target.LegendFormat, "{{id}}") {
				expr = "max by (tenant, job_id) (" + expr + ")"
			}
			all[title+" "+target.RefID] = expr
		}
	}
	return all
}

// check has a panel show what is wanted.
func (p panels) check(t *testing.T, name, show, group string, want values) check {
	t.Helper()
	if p[name] == "" {
		t.Fatalf("there is no panel %q", name)
	}
	return checkOf(withVariables(p[name], show, group), want)
}

// checks are those of several panels, with all jobs.
func (p panels) checks(t *testing.T, wants map[string]values) (all []check) {
	t.Helper()
	for name, want := range wants {
		all = append(all, p.check(t, name, "all", ".*", want))
	}
	return all
}

func rules() string { return testutil.Path("alerts", "zuora.rules.yml") }

// TestPanelsShowWhatTheirTitlesSay has Prometheus evaluate rules and panels.
func TestPanelsShowWhatTheirTitlesSay(t *testing.T) {
	p := readPanels(t)
	checks := p.checks(t, shown)
	for show, want := range shows {
		checks = append(checks, p.check(t, "table Jobs A", show, ".*", want))
	}
	for name, want := range shownOfGroup {
		checks = append(checks, p.check(t, name, "all", "second", want))
	}
	promtool(t, input(history), checks, rules())
}

func TestPanelsWithoutRules(t *testing.T) {
	p := readPanels(t)
	checks := p.checks(t, shownWithoutRules)
	for _, name := range needRules {
		checks = append(checks, p.check(t, name, "all", ".*", values{"": -1}))
	}
	promtool(t, input(history), checks)
}

// A table that has no job says why.
func TestTableWithoutJobs(t *testing.T) {
	p := readPanels(t)
	var checks []check
	for show, code := range map[string]float64{"unfinished": -3, "stuck": -4, "unread": -5, "losses": -6} {
		checks = append(checks, p.check(t, "table Jobs A", show, ".*", values{`{job_id="-",tenant="-"}`: code}))
	}
	promtool(t, input(map[string]map[string]string{"done": history["done"]}), checks, rules())
}

// Nothing is zero if nothing is scraped.
func TestPanelsOfNothing(t *testing.T) {
	p := readPanels(t)
	wants := map[string]values{}
	for name := range p {
		wants[name] = values{}
	}
	wants["table Jobs A"] = values{`{job_id="-",tenant="-"}`: -2}
	wants["table Progress by $by A"] = values{"": -1}
	wants["table Firing alerts A"] = values{`{alertname="ZuoraExporterAbsent"}`: 3}
	wants["table Firing alerts B"] = values{`{alertname="ZuoraExporterAbsent"}`: 7200}
	wants["State A"] = values{"{}": 5}
	promtool(t, []inputSeries{{"up", "0x120"}}, p.checks(t, wants), rules())
}

// What two replicas of a ruler record differs in a label.
func TestPanelsRecordedTwice(t *testing.T) {
	all := input(map[string]map[string]string{"broken": history["broken"], "done": history["done"], "stuck": history["stuck"]})
	for job, recorded := range map[string]map[string]string{
		"broken": {"finished": "0", "running": "0", "lost_objects": "10", "unlabeled_objects": "0"},
		"done":   {"finished": "1", "running": "0", "lost_objects": "0", "unlabeled_objects": "0"},
		"stuck":  {"finished": "0", "running": "1", "lost_objects": "0", "unlabeled_objects": "60"},
	} {
		recorded["watched"], recorded["unread"] = "1", "0"
		for name, v := range recorded {
			labels := fmt.Sprintf(`tenant="t",job_id=%q`, job)
			if strings.HasSuffix(name, "_objects") {
				labels += `,object_type="Account"`
			}
			for _, replica := range []string{"a", "b"} {
				all = append(all, inputSeries{fmt.Sprintf(`zuora:data_labeling_job:%s{%s,replica=%q}`, name, labels, replica), v + "x120"})
			}
		}
	}
	promtool(t, all, readPanels(t).checks(t, map[string]values{
		"Exposed A": {"": 70}, "Exposed, by reason A": {"": 10}, "Exposed, by reason B": {"": 60}, "Running jobs done C": {"": 1},
		"Jobs A": {"": 3}, "Jobs B": {"": 1}, "Jobs C": {"": 1}, "Jobs D": {"": 1}, "table Jobs A": {"broken": 5, "stuck": 1, "done": 0},
		"table Progress by $by D": {row("first"): 10, row("second"): 0}, "Exposed objects A": {`{tenant="t"}`: 10},
		"Jobs over time A": {"": 3}, "Jobs over time B": {"": 1}, "Lost A": {"broken": 10},
	}))
}

// promtool has Prometheus check what expressions give.
func promtool(t *testing.T, input []inputSeries, checks []check, rules ...string) {
	t.Helper()
	content, err := yaml.Marshal(map[string]any{
		"rule_files": rules, "evaluation_interval": "1m",
		"tests": []any{map[string]any{"interval": "1m", "input_series": input, "promql_expr_test": checks}},
	})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Run(t, "promtool", "test", "rules", testutil.Write(t, t.TempDir(), "panels_test.yml", string(content)))
}
