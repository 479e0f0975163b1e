package dashboards

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// readPanels returns the expressions of the migration's panels, by title and
// query. Of a series of a graph they have the labels of a job only, and not those
// for its legend.
func readPanels(t *testing.T) map[string]string {
	t.Helper()
	panels := map[string]string{}
	for _, e := range testutil.Dashboards(t)["zuora-data-labeling.json"].Expressions() {
		expr := e.Expr
		if strings.Contains(e.Legend, "{{id}}") {
			expr = "max by (tenant, job_id) (" + expr + ")"
		}
		panels[e.Where] = expr
	}
	return panels
}

// check has Prometheus evaluate rules and panels after two hours. Of the board's
// variables all but those of the view are All.
func check(t *testing.T, series []inputSeries, rules []string, views ...view) {
	t.Helper()
	panels := readPanels(t)
	var tests []any
	for _, v := range views {
		variables := strings.NewReplacer("$job_id", ".+", "$tenant", ".+", "$show", v.show, "$by", "wave", "$group", v.group, "$__range", "2h")
		for name, want := range v.want {
			if panels[name] == "" {
				t.Fatalf("got no panel %q", name)
			}
			var samples []any
			for key, value := range want {
				labels := key
				switch {
				case key == "":
					labels = "{}"
				case key[0] != '{':
					labels = fmt.Sprintf(`{job_id=%q,tenant="t"}`, key)
				}
				samples = append(samples, map[string]any{"labels": labels, "value": value})
			}
			tests = append(tests, map[string]any{"expr": variables.Replace(panels[name]), "eval_time": "2h", "exp_samples": samples})
		}
	}
	content, err := yaml.Marshal(map[string]any{
		"rule_files": rules, "evaluation_interval": "1m",
		"tests": []any{map[string]any{"interval": "1m", "input_series": series, "promql_expr_test": tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Run(t, "promtool", "test", "rules", testutil.Write(t, t.TempDir(), "panels_test.yml", string(content)))
}

var rules = []string{testutil.Path("alerts", "zuora.rules.yml")}

func TestPanelsShowWhatTheirTitlesSay(t *testing.T) {
	check(t, input(history), rules, append(tables, shown, shownOfGroup)...)
}

func TestPanelsWithoutRules(t *testing.T) { check(t, input(history), nil, shownWithoutRules) }

// A table that has no job says why.
func TestTableWithoutJobs(t *testing.T) {
	var views []view
	for show, code := range map[string]float64{"unfinished": -3, "stuck": -4, "unread": -5, "losses": -6} {
		views = append(views, table(show, values{`{job_id="-",tenant="-"}`: code}))
	}
	check(t, input(map[string]map[string]string{"done": history["done"]}), rules, views...)
}

// Nothing is zero if nothing is scraped.
func TestPanelsOfNothing(t *testing.T) {
	want := map[string]values{}
	for name := range readPanels(t) {
		want[name] = values{}
	}
	maps.Copy(want, map[string]values{
		"table Jobs A":            {`{job_id="-",tenant="-"}`: -2},
		"table Progress by $by A": {"": -1},
		"table Firing alerts A":   {`{alertname="ZuoraExporterAbsent"}`: 3},
		"table Firing alerts B":   {`{alertname="ZuoraExporterAbsent"}`: 7200},
		"State A":                 {"{}": 5},
		"annotation Alerts":       {`{alertname="ZuoraExporterAbsent",severity="critical"}`: 0},
	})
	check(t, []inputSeries{{"up", "0x120"}}, rules, view{"all", ".*", want})
}

// What two replicas of a ruler record differs in a label.
func TestPanelsRecordedTwice(t *testing.T) {
	jobs := map[string]map[string]string{}
	for job, recorded := range map[string]map[string]string{
		"broken": {"finished": "0", "running": "0", "lost_objects": "10", "unlabeled_objects": "0"},
		"done":   {"finished": "1", "running": "0", "lost_objects": "0", "unlabeled_objects": "0"},
		"stuck":  {"finished": "0", "running": "1", "lost_objects": "0", "unlabeled_objects": "60"},
	} {
		jobs[job] = maps.Clone(history[job])
		recorded["watched"], recorded["unread"] = "1", "0"
		for name, v := range recorded {
			jobs[job]["zuora:data_labeling_job:"+name] = v + "x120"
		}
	}
	check(t, input(jobs), nil, view{"all", ".*", map[string]values{
		"Exposed A": {"": 70}, "Exposed, by reason A": {"": 10}, "Exposed, by reason B": {"": 60}, "Running jobs done C": {"": 1},
		"Jobs A": {"": 3}, "Jobs B": {"": 1}, "Jobs C": {"": 1}, "Jobs D": {"": 1}, "table Jobs A": {"broken": 5, "stuck": 1, "done": 0},
		"table Progress by $by D": {row("first"): 10, row("second"): 0}, "Exposed objects A": {`{tenant="t"}`: 10},
		"Jobs over time A": {"": 3}, "Jobs over time B": {"": 1}, "Lost A": {"broken": 10},
	}})
}
