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

// Jobs of every kind, over two hours, a value a minute. Two exporters read
// each: no panel may count anything twice.
var history = map[string]map[string]string{
	//         moves by 600 a minute, 10 a second; 36,000 of 72,000 are left
	"moves": {"Dispatched": "1x120", "total": "108000x120", "labeled": "0+599x120", "failed": "0x120", "timeout": "0+1x120"},
	"stuck": {"Dispatched": "1x120", "total": "100x120", "labeled": "40x120", "failed": "0x120", "timeout": "0x120"},
	// neither may count as stuck
	"new":   {"Dispatched": "_x90 1x29", "total": "_x90 100x29", "labeled": "_x90 0x29"},
	"blind": {"Dispatched": "1x120"},
	"waits": {"Accepted": "1x120"},
	"done":  {"Completed": "1x120", "total": "100x120", "labeled": "100x120", "failed": "0x120", "timeout": "0x120"},
	// it ended five minutes ago: what deriv has left of it is no throughput
	"ended": {"Dispatched": "1x115 0x4", "Completed": "0x115 1x4", "total": "2000x120", "labeled": "0+10x115 2000x4", "failed": "0x120", "timeout": "0x120"},
	"lost":  {"Completed": "1x120", "total": "100x120", "labeled": "95x120", "failed": "3x120", "timeout": "2x120"},
	"late":  {"Completed": "1x120", "total": "100x120", "labeled": "96x120", "failed": "0x120", "timeout": "4x120"},
	"short": {"Completed": "1x120", "total": "100x120", "labeled": "90x120", "failed": "0x120", "timeout": "0x120"},
	"odd":   {"Suspended": "1x120"},
	// It was read until 40 minutes ago: its losses are what was known then.
	"dark": {"Completed": "1x80 stale", "total": "100x80 stale", "labeled": "80x80 stale", "failed": "20x80 stale", "success": "1x80 0x39", "error": "_x81 1x39", "read": "0+60x80 4800x39"},
	// Its exporter a was replaced by b ten minutes ago, which reads other numbers.
	"replaced": {
		"Dispatched": "1x110 stale", "total": "100x110 stale", "labeled": "50x110 stale", "failed": "9x110 stale", "timeout": "0x110 stale", "success": "1x110 stale",
		"b:Completed": "_x111 1x9", "b:Dispatched": "_x111 0x9", "b:total": "_x111 100x9", "b:labeled": "_x111 100x9", "b:failed": "_x111 0x9", "b:timeout": "_x111 0x9", "b:success": "_x111 1x9",
	},
	// the last two reads failed
	"unread": {"Accepted": "1x118 stale", "total": "100x118 stale", "labeled": "50x118 stale", "success": "1x118 0x1", "error": "_x119 1x1", "read": "0+60x118 7080x1"},
}

var series = map[string]string{
	"total": "zuora_data_labeling_job_total_objects", "labeled": "zuora_data_labeling_job_labeled_objects",
	"failed": "zuora_data_labeling_job_failed_objects", "timeout": "zuora_data_labeling_job_timeout_objects",
	"success": "zuora_data_labeling_job_scrape_success", "error": "zuora_data_labeling_job_scrape_error",
	"read": "zuora_data_labeling_job_last_success_timestamp_seconds",
}

// What the panels show of these jobs after two hours: by the job, or "" if it
// is one number.
var shown = map[string]map[string]float64{
	"Jobs#0":              {"": 14},
	"Jobs#1":              {"": 7},
	"Jobs#2":              {"": 4},
	"Jobs#3":              {"": 2},
	"Jobs#4":              {"": 2},
	"Labeled#0":           {"": .672}, // 74,531 of 110,900
	"Running jobs done#0": {"": 3600},
	"Running jobs done#1": {"": (7200 + 3600) * 1000},
	"Exposed objects#0":   {"": 3 + 20},
	"Exposed objects#1":   {"": 120 + 2 + 4},
	"Exposed objects#2":   {"": 10},
	"Stuck#0":             {"": 1},
	"table Jobs#0": {
		"lost": 7, "dark": 7, "moves": 6, "late": 6, "short": 5, "unread": 4, "odd": 3, "stuck": 2, "new": 1, "blind": 1,
		"waits": 0, "done": 0, "ended": 0, "replaced": 0,
	},
	"table Jobs#2": {"stuck": 1},
	"table Jobs#3": {"moves": .665, "stuck": .4, "new": 0, "done": 1, "ended": 1, "lost": .95, "late": .96, "short": .9, "unread": .5, "dark": .8, "replaced": 1},
	"table Jobs#4": {"lost": .05, "late": .04, "short": .1, "moves": 120. / 108000, "dark": .2},
	"table Jobs#5": {"lost": 3, "dark": 20, "moves": 0, "stuck": 0, "done": 0, "ended": 0, "late": 0, "short": 0, "replaced": 0},
	"table Jobs#7": {
		"unread": 1, "dark": 1, "lost": 1, "moves": 1, "late": 1, "short": 1, "odd": 1, "stuck": 1, "new": 1, "blind": 1,
		"waits": 1, "done": 1, "ended": 1, "replaced": 1,
	},
	"table Jobs#8": {"moves": 3600},
	"State#0":      {"moves": 1, "stuck": 1, "new": 1, "blind": 1, "waits": 0, "done": 2, "ended": 2, "lost": 2, "late": 2, "short": 2, "odd": 3, "replaced": 2},
	"Throughput of running jobs (objects/s)#0": {"moves": 10, "stuck": 0, "new": 0},
	"Time left of running jobs#0":              {"moves": 3600},
	"Remaining#0":                              {"moves": 36000, "stuck": 60, "new": 100, "unread": 50},
	"Failed#0":                                 {"lost": 3, "dark": 20},
	"Timed out#0":                              {"moves": 120, "lost": 2, "late": 4},
}

// withVariables is an expression in which Grafana has put the variables at All,
// and what the table of jobs shows.
func withVariables(expr, show string) string {
	return strings.NewReplacer("$job_id", ".+", "$job", ".+", "$instance", ".+", "$tenant", ".+", "$show", show).Replace(expr)
}

// TestPanelsShowWhatTheirTitlesSay has Prometheus evaluate the panels.
func TestPanelsShowWhatTheirTitlesSay(t *testing.T) {
	testutil.Tool(t, "promtool")
	type sample struct {
		Labels string  `yaml:"labels"`
		Value  float64 `yaml:"value"`
	}
	type check struct {
		Expr    string   `yaml:"expr"`
		At      string   `yaml:"eval_time"`
		Samples []sample `yaml:"exp_samples"`
	}
	type values struct{ Series, Values string }
	var input []values
	for job, kinds := range history {
		defaults := map[string]string{"success": "1x120", "read": "0+60x120"}
		maps.Copy(defaults, kinds)
		for _, state := range []string{"Accepted", "Dispatched", "Completed"} {
			if _, given := kinds[state]; !given {
				defaults[state] = "0x120"
			}
		}
		switch job { // no status either, if a read failed
		case "unread":
			defaults["Dispatched"], defaults["Completed"] = "0x118 stale", "0x118 stale"
		case "replaced":
			defaults["Completed"] = "0x110 stale"
		case "dark":
			defaults["Accepted"], defaults["Dispatched"] = "0x80 stale", "0x80 stale"
		}
		for kind, v := range defaults {
			if strings.Contains(kind, ":") {
				continue
			}
			labels := fmt.Sprintf(`tenant="t",job_id=%q,job="zuora"`, job)
			name, ok := series[kind]
			switch {
			case !ok:
				name, labels = "zuora_data_labeling_job_status", labels+fmt.Sprintf(`,object_type="Account",status=%q`, kind)
			case kind == "error":
				labels += `,reason="unavailable"`
			case strings.HasSuffix(name, "_objects"):
				labels += `,object_type="Account"`
			}
			for _, instance := range []string{"a", "b"} {
				if other, ok := kinds[instance+":"+kind]; ok {
					v = other
				}
				input = append(input, values{fmt.Sprintf(`%s{%s,instance=%q}`, name, labels, instance), v})
			}
		}
	}

	var checks []check
	for _, p := range files(t)["zuora-data-labeling.json"].Panels {
		title := p.Title
		if p.Type == "table" {
			title = "table " + title
		}
		if title == "Labeled" && p.Type == "timeseries" {
			continue
		}
		for i, target := range p.Targets {
			name := fmt.Sprintf("%s#%d", title, i)
			want, ok := shown[name]
			if !ok {
				continue
			}
			delete(shown, name)
			c := check{Expr: withVariables(target.Expr, "all"), At: "2h"}
			if p.Type == "timeseries" || p.Type == "state-timeline" { // whatever its legend needs beside
				c.Expr = "max by (tenant, job_id) (" + c.Expr + ")"
			}
			for _, job := range slices.Sorted(maps.Keys(want)) {
				s := sample{Labels: "{}", Value: want[job]}
				switch {
				case name == "table Jobs#7":
					reason := "-"
					if job == "unread" || job == "dark" {
						reason = "unavailable"
					}
					s.Labels = fmt.Sprintf(`{job_id=%q,reason=%q,tenant="t"}`, job, reason)
				case job != "":
					s.Labels = fmt.Sprintf(`{job_id=%q,tenant="t"}`, job)
				}
				c.Samples = append(c.Samples, s)
			}
			checks = append(checks, c)
			if name == "table Jobs#0" {
				for show, jobs := range map[string]map[string]float64{
					"stuck": {"stuck": 2}, "unread": {"dark": 7, "unread": 4}, "losses": {"lost": 7, "dark": 7, "moves": 6, "late": 6, "short": 5},
				} {
					c := check{Expr: withVariables(target.Expr, show), At: "2h"}
					for _, job := range slices.Sorted(maps.Keys(jobs)) {
						c.Samples = append(c.Samples, sample{fmt.Sprintf(`{job_id=%q,tenant="t"}`, job), jobs[job]})
					}
					checks = append(checks, c)
				}
			}
		}
	}
	if len(shown) > 0 {
		t.Errorf("no such panels: %q", slices.Collect(maps.Keys(shown)))
	}

	content, err := yaml.Marshal(map[string]any{
		"tests": []any{map[string]any{"interval": "1m", "input_series": input, "promql_expr_test": checks}},
	})
	if err != nil {
		t.Fatal(err)
	}
	testutil.Run(t, "promtool", "test", "rules", testutil.Write(t, t.TempDir(), "panels_test.yml", string(content)))
}
