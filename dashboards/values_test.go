package dashboards

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
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
	// the last two reads failed
	"unread": {"Accepted": "1x118 stale", "total": "100x118 stale", "labeled": "50x118 stale", "success": "1x118 0x1", "error": "_x119 1x1", "read": "0+60x118 7080x1"},
}

var series = map[string]string{
	"total": "zuora_data_labeling_job_total_objects", "labeled": "zuora_data_labeling_job_labeled_objects",
	"failed": "zuora_data_labeling_job_failed_objects", "timeout": "zuora_data_labeling_job_timeout_objects",
	"success": "zuora_data_labeling_job_scrape_success", "error": "zuora_data_labeling_job_scrape_error",
	"read": "zuora_data_labeling_job_last_success_timestamp_seconds",
}

// What the panels show of these jobs after two hours: by the job, or "" where
// it is one number.
var shown = map[string]map[string]float64{
	"Labeled#0":               {"": (71880 + 40 + 100 + 2000 + 95 + 96 + 90 + 50) / (108000 + 100 + 100 + 100 + 2000 + 100 + 100 + 100 + 100.)},
	"Running#0":               {"": 4},
	"Waiting#0":               {"": 2},
	"Stuck#0":                 {"": 1},
	"Completed with losses#0": {"": 3},
	"Objects exposed#0":       {"": 120 + 3 + 2 + 4},
	"Age of data#0":           {"": 120},
	"Time left#0":             {"": 3600},
	"Jobs#0": {
		"lost": 7, "moves": 6, "late": 6, "short": 5, "unread": 4, "odd": 3, "stuck": 2, "new": 1, "blind": 1,
		"waits": 0, "done": 0, "ended": 0,
	},
	"Jobs#2":       {"moves": 2. / 3, "stuck": .4, "new": 0, "done": 1, "ended": 1, "lost": 1, "late": 1, "short": .9, "unread": .5},
	"Jobs#3":       {"moves": 3600},
	"Jobs#4":       {"moves": 10, "stuck": 0, "new": 0},
	"Jobs#7":       {"lost": 3, "moves": 0, "stuck": 0, "done": 0, "ended": 0, "late": 0, "short": 0},
	"Jobs#9":       {"unread": 1},
	"State#0":      {"moves": 1, "stuck": 1, "new": 1, "blind": 1, "waits": 0, "done": 2, "ended": 2, "lost": 2, "late": 2, "short": 2, "odd": 3},
	"Throughput#0": {"moves": 10, "stuck": 0, "new": 0},
	"Time left#1":  {"moves": 3600},
	"Remaining#0":  {"moves": 36000, "stuck": 60, "new": 100, "unread": 50},
	"Failed#0":     {"lost": 3},
	"Timed out#0":  {"moves": 120, "lost": 2, "late": 4},
}

// TestPanelsShowWhatTheirTitlesSay has Prometheus evaluate the panels.
func TestPanelsShowWhatTheirTitlesSay(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("ZUORA_E2E") == "required" {
			t.Fatal(err)
		}
		t.Skip(err)
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
		if job == "unread" { // no status either, where a read failed
			defaults["Dispatched"], defaults["Completed"] = "0x118 stale", "0x118 stale"
		}
		for kind, v := range defaults {
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
				input = append(input, values{fmt.Sprintf(`%s{%s,instance=%q}`, name, labels, instance), v})
			}
		}
	}

	variables := strings.NewReplacer("$job_id", ".+", "$job", ".+", "$instance", ".+", "$tenant", ".+")
	var checks []check
	seen := map[string]int{}
	for _, p := range DataLabeling().Panels {
		for i, target := range p.Targets {
			name := fmt.Sprintf("%s#%d", p.Title, i)
			if i == 0 { // the second panel of a title counts on
				name = fmt.Sprintf("%s#%d", p.Title, seen[p.Title])
				seen[p.Title]++
			}
			want, ok := shown[name]
			if !ok {
				continue
			}
			delete(shown, name)
			c := check{Expr: variables.Replace(target.Expr), At: "2h"}
			for _, job := range slices.Sorted(maps.Keys(want)) {
				s := sample{Labels: "{}", Value: want[job]}
				switch {
				case name == "Jobs#9":
					s.Labels = fmt.Sprintf(`{job_id=%q,reason="unavailable",tenant="t"}`, job)
				case job != "":
					s.Labels = fmt.Sprintf(`{job_id=%q,tenant="t"}`, job)
				}
				c.Samples = append(c.Samples, s)
			}
			checks = append(checks, c)
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
	file := filepath.Join(t.TempDir(), "panels_test.yml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "test", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool test rules: %v\n%s", err, out)
	}
}
