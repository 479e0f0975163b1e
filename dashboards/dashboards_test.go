// Package dashboards tests the Grafana dashboards beside it. They are Grafana's
// classic JSON, of core panels only.
package dashboards

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// A file has the one form, whichever Grafana exported it: a change of a
// dashboard shows as nothing but that change.
func TestFilesAreCanonical(t *testing.T) {
	for name := range testutil.Dashboards(t) {
		want := testutil.Run(t, "jq", "-S", "-f", "canonical.jq", name)
		if diff := cmp.Diff(want, testutil.Read(t, "dashboards", name)); diff != "" {
			t.Errorf("%s: run make dashboards (-want +got):\n%s", name, diff)
		}
	}
}

// The rules of Grafana's dashboard linter but for those about expressions, which
// need a parser and are in test/checks, and for what the one form has anyway.
func TestLinterRules(t *testing.T) {
	source := regexp.MustCompile(`"datasource": \{\s+"type": "prometheus",\s+"uid": "\$\{datasource\}"\s+\}`)
	types := []string{"stat", "timeseries", "table", "state-timeline"} // that were tried
	// Jobs are the tenant's, whichever exporter reads them, and what rules record
	// has neither job nor instance: the linter's file .lint says so.
	variables := map[string][]string{
		"zuora-data-labeling.json": {"datasource: Data source", "tenant: Tenant", "by: Progress by", "group: Group", "job_id: Labeling job", "show: Show"},
		"zuora-exporter.json":      {"datasource: Data source", "job: Job", "instance: Instance", "tenant: Tenant", "job_id: Labeling job"},
	}
	for name, d := range testutil.Dashboards(t) {
		if name != d.UID+".json" || d.Refresh == "" || d.GraphTooltip != 1 || len(d.Tags) == 0 || d.Inputs != nil {
			t.Errorf("%s: got the uid %q, refresh %q, tooltip %d, tags %q, inputs %v, want the file's name, one, 1, some, none",
				name, d.UID, d.Refresh, d.GraphTooltip, d.Tags, d.Inputs)
		}
		text := testutil.Read(t, "dashboards", name)
		if got, want := len(source.FindAllString(text, -1)), strings.Count(text, `"datasource": `); got != want {
			t.Errorf("%s: got Prometheus and the variable as %d of %d data sources, want it as all", name, got, want)
		}
		var got []string
		for _, v := range d.Templating.List {
			got = append(got, v.Name+": "+v.Label)
			good := v.Type == "custom" // not of Prometheus's values
			good = good || v.Type == "datasource" && v.Query == "prometheus"
			good = good || v.Type == "query" && v.Multi && v.IncludeAll && slices.Contains([]string{".+", ".*"}, v.AllValue) && v.Refresh == 2
			if !good {
				t.Errorf("%s: got the variable %+v, want one of Prometheus's values, of which all can be chosen", name, v)
			}
		}
		if !slices.Equal(got, variables[name]) {
			t.Errorf("%s: got the variables %q, want %q", name, got, variables[name])
		}
		for _, p := range d.Panels {
			if p.Type == "row" || p.Type == "text" {
				continue
			}
			if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.Datasource == nil || len(p.Targets) == 0 ||
				!slices.Contains(types, p.Type) || p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: got the panel %+v, want a title, a sentence, a data source, targets, a unit, and a type of %q", name, p, types)
			}
			for _, target := range p.Targets {
				instant := p.Type == "stat" || p.Type == "table"
				if target.Expr == "" || target.Instant != instant || !instant && target.LegendFormat == "" {
					t.Errorf("%s: %s: got the target %+v, want instant %t, and a legend if it is a graph's", name, p.Title, target, instant)
				}
			}
		}
	}
}

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
