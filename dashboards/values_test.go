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
	"stuck": {"wave": "second", "Dispatched": "1x120", "total": "100x120", "labeled": "40x120", "failed": "0x120", "timeout": "0x120"},
	// neither may count as stuck
	"new":   {"Dispatched": "_x90 1x29", "total": "_x90 100x29", "labeled": "_x90 0x29"},
	"blind": {"Dispatched": "1x120"},
	"waits": {"Accepted": "1x120"},
	"done":  {"Completed": "1x120", "total": "100x120", "labeled": "100x120", "failed": "0x120", "timeout": "0x120"},
	// it ended five minutes ago: what deriv has left of it is no throughput
	"ended": {"Dispatched": "1x115 0x4", "Completed": "0x115 1x4", "total": "2000x120", "labeled": "0+10x115 2000x4", "failed": "0x120", "timeout": "0x120"},
	"lost":  {"Completed": "1x120", "total": "100x120", "labeled": "95x120", "failed": "3x120", "timeout": "2x120"},
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
	// one that a job has repaired, and one that a job repairs
	"mended":  {"Completed": "1x120", "total": "50x120", "labeled": "45x120", "failed": "5x120", "timeout": "0x120"},
	"mends":   {"Completed": "1x120", "total": "5x120", "labeled": "5x120", "failed": "0x120", "timeout": "0x120", "repairs": "mended"},
	"broken":  {"Completed": "1x120", "total": "60x120", "labeled": "50x120", "failed": "10x120", "timeout": "0x120"},
	"at work": {"Dispatched": "1x120", "total": "10x120", "labeled": "4x120", "failed": "0x120", "timeout": "0x120", "repairs": "broken"},
	// It was retired an hour ago.
	"gone": {"Completed": "1x60 stale", "total": "100x60 stale", "labeled": "100x60 stale", "failed": "0x60 stale", "timeout": "0x60 stale", "success": "1x60 stale"},
	// It left the watch an hour ago, before its end.
	"dropped": {"Dispatched": "1x60 stale", "total": "100x60 stale", "labeled": "1x60 stale", "success": "1x60 stale"},
}

var series = map[string]string{
	"total": "zuora_data_labeling_job_total_objects", "labeled": "zuora_data_labeling_job_labeled_objects",
	"failed": "zuora_data_labeling_job_failed_objects", "timeout": "zuora_data_labeling_job_timeout_objects",
	"success": "zuora_data_labeling_job_scrape_success", "error": "zuora_data_labeling_job_scrape_error",
	"read": "zuora_data_labeling_job_last_success_timestamp_seconds",
}

// values are by job, or by labels in braces, or by "" if there is one number.
type values map[string]float64

// row is a row of the table of progress.
func row(wave string) string { return fmt.Sprintf(`{group=%q,object_type="Account",tenant="t"}`, wave) }

// What the panels show of these jobs after two hours, by title and query.
var shown = map[string]values{
	"Exposed A":            {"": 36375},
	"Exposed, by reason A": {"": 120 + 5 + 10 + 20 + 10}, // moves, lost, short, dark, broken
	"Exposed, by reason B": {"": 36000 + 60 + 100 + 50},  // moves, stuck, new, unread
	"Exposed, by reason C": {"": 3},                      // blind, waits, odd
	"Running jobs done A":  {"": 3600},
	"Running jobs done B":  {"": (7200 + 3600) * 1000},
	"Running jobs done C":  {"": 6},
	"Jobs A":               {"": 17},
	"Jobs B":               {"": 5}, // done, ended, replaced, mended, mends
	"Jobs C":               {"": 7},
	"Jobs D":               {"": 5}, // lost, short, odd, dark, broken
	"Jobs E":               {"": 2},
	"Jobs F":               {"": 2},
	"Labeled A":            {"": .672}, // all but 36,375 of 110,910: the repairs are in neither
	"Labeled B":            {"": 1},
	"Labeled C":            {"": 1},
	"table Jobs A": {
		"lost": 5, "short": 5, "odd": 5, "dark": 5, "broken": 5, "unread": 4, "stuck": 3, "at work": 3, "moves": 2, "new": 1, "blind": 1, "waits": 1,
		"done": 0, "ended": 0, "replaced": 0, "mended": 0, "mends": 0,
	},
	"table Jobs C": {"stuck": 1, "at work": 1},
	"table Jobs D": {
		"moves": .665, "stuck": .4, "new": 0, "done": 1, "ended": 1, "lost": .95, "short": .9, "unread": .5, "dark": .8, "replaced": 1,
		"mended": .9, "mends": 1, "broken": .833, "at work": .4,
	},
	"table Jobs E": {
		"moves": 36120, "stuck": 60, "new": 100, "done": 0, "ended": 0, "lost": 5, "short": 10, "unread": 50, "dark": 20, "replaced": 0, "mended": 0, "broken": 10,
	},
	"table Jobs F": {
		"lost": 3, "dark": 20, "moves": 0, "stuck": 0, "done": 0, "ended": 0, "short": 0, "replaced": 0, "mended": 5, "mends": 0, "broken": 10, "at work": 0,
	},
	"table Jobs H": {
		reason("unread", "unavailable"): 1, reason("dark", "unavailable"): 1, reason("moves", "-"): 1, reason("stuck", "-"): 1, reason("new", "-"): 1,
		reason("blind", "-"): 1, reason("waits", "-"): 1, reason("done", "-"): 1, reason("ended", "-"): 1, reason("lost", "-"): 1, reason("short", "-"): 1,
		reason("odd", "-"): 1, reason("replaced", "-"): 1, reason("mended", "-"): 1, reason("mends", "-"): 1, reason("broken", "-"): 1, reason("at work", "-"): 1,
	},
	"table Jobs I":            {"moves": 3600},
	"table Progress by $by A": {row("first"): 36315, row("second"): 60},
	"table Progress by $by B": {row("first"): 16, row("second"): 1},
	"table Progress by $by C": {row("first"): 5, row("second"): 0},
	"table Progress by $by D": {row("first"): 165, row("second"): 0},
	"table Progress by $by E": {row("first"): 36150, row("second"): 60},
	"table Progress by $by F": {row("first"): 3},
	"table Progress by $by G": {row("first"): .672, row("second"): .4},
	"table Progress by $by I": {row("first"): 110810, row("second"): 100},
	"table Progress by $by J": {row("first"): 3600},
	"State A": {
		"moves": 1, "stuck": 1, "new": 1, "blind": 1, "waits": 0, "done": 2, "ended": 2, "lost": 2, "short": 2, "odd": 3, "replaced": 2,
		"mended": 2, "mends": 2, "broken": 2, "at work": 1, "dark": 4, "unread": 4,
	},
	"Exposed objects A": {`{tenant="t"}`: 165},
	"Exposed objects B": {`{tenant="t"}`: 36210},
	"Jobs over time A":  {"": 17},
	"Jobs over time B":  {"": 5},
	"Jobs over time C":  {"": 7},
	"Jobs over time D":  {"": 1},
	"Not labeled yet A": {"moves": 36000, "stuck": 60, "new": 100, "unread": 50},
	"Lost A":            {"moves": 120, "lost": 5, "short": 10, "dark": 20, "broken": 10},
	"Throughput of running jobs (objects/s) A": {"moves": 10, "stuck": 0, "new": 0, "at work": 0},
	"Time left of running jobs A":              {"moves": 3600},
}

// What they show if one wave is chosen, which has one job.
var shownOfGroup = map[string]values{
	"Exposed A":               {"": 60},
	"Exposed, by reason A":    {"": 0},
	"Exposed, by reason B":    {"": 60},
	"Exposed, by reason C":    {"": 0},
	"Running jobs done A":     {},
	"Running jobs done C":     {"": 1},
	"Jobs A":                  {"": 1},
	"Jobs B":                  {"": 0},
	"Jobs C":                  {"": 1},
	"Jobs D":                  {"": 0},
	"Jobs E":                  {"": 1},
	"Jobs F":                  {"": 0},
	"Labeled A":               {"": .4},
	"table Jobs A":            {"stuck": 3},
	"table Progress by $by B": {row("second"): 1},
	"State A":                 {"stuck": 1},
	"Exposed objects B":       {`{tenant="t"}`: 60},
	"Jobs over time A":        {"": 1},
	"Not labeled yet A":       {"stuck": 60},
	"Lost A":                  {},
	"Throughput of running jobs (objects/s) A": {"stuck": 0},
	"Time left of running jobs A":              {},
}

// What they show without the rules: the present, and nothing that only rules
// can know. "dark" and "unread" have no numbers, and the repair counts twice.
var shownWithoutRules = map[string]values{
	"Exposed A":            {"": 36120 + 60 + 100 + 5 + 10 + 5 + 10 + 6},
	"Exposed, by reason C": {"": 5},
	"Jobs A":               {"": 17},
	"Jobs F":               {"": 2},
	"table Jobs A": {
		"unread": 4, "dark": 4, "lost": 2, "moves": 2, "broken": 2, "mended": 2, "stuck": 1, "at work": 1, "new": 1, "blind": 1, "waits": 1,
		"short": -1, "odd": -1, "done": -1, "ended": -1, "replaced": -1, "mends": -1,
	},
	"table Jobs E": {
		"moves": 36120, "stuck": 60, "new": 100, "done": 0, "ended": 0, "lost": 5, "short": 10, "replaced": 0, "mended": 5, "mends": 0, "broken": 10, "at work": 6,
	},
}

// These stats are -1 without them, and say "needs rules".
var needRules = []string{"Exposed, by reason A", "Running jobs done A", "Jobs B", "Labeled B"}

// What the table of jobs has for each choice of Show, and what it says if it
// has no job.
var shows = map[string]values{
	"unfinished": {
		"lost": 5, "short": 5, "odd": 5, "dark": 5, "broken": 5, "unread": 4, "stuck": 3, "at work": 3, "moves": 2, "new": 1, "blind": 1, "waits": 1,
	},
	"stuck":  {"stuck": 3, "at work": 3},
	"unread": {"dark": 5, "unread": 4},
	"losses": {"lost": 5, "short": 5, "dark": 5, "broken": 5, "moves": 2},
}

func reason(job, r string) string { return fmt.Sprintf(`{job_id=%q,reason=%q,tenant="t"}`, job, r) }

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

// expressions are those of the panels of the migration, by title and query. A
// series of a graph has labels for its legend too: here it has those of a job.
func expressions(t *testing.T) map[string]string {
	all := map[string]string{}
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

// TestPanelsShowWhatTheirTitlesSay has Prometheus evaluate rules and panels.
func TestPanelsShowWhatTheirTitlesSay(t *testing.T) {
	exprs := expressions(t)
	of := func(name, show, group string) string {
		if exprs[name] == "" {
			t.Fatalf("there is no panel %q", name)
		}
		return withVariables(exprs[name], show, group)
	}
	expr := func(name, show string) string { return of(name, show, ".*") }
	t.Run("with the rules", func(t *testing.T) {
		var checks []check
		for name, want := range shown {
			checks = append(checks, checkOf(expr(name, "all"), want))
		}
		for show, want := range shows {
			checks = append(checks, checkOf(expr("table Jobs A", show), want))
		}
		for name, want := range shownOfGroup {
			checks = append(checks, checkOf(of(name, "all", "second"), want))
		}
		promtool(t, input(history), checks, testutil.Path("alerts", "zuora.rules.yml"))
	})
	t.Run("without them", func(t *testing.T) {
		var checks []check
		for name, want := range shownWithoutRules {
			checks = append(checks, checkOf(expr(name, "all"), want))
		}
		for _, name := range needRules {
			checks = append(checks, checkOf(expr(name, "all"), values{"": -1}))
		}
		promtool(t, input(history), checks)
	})
	t.Run("no job that Show wants", func(t *testing.T) {
		none := func(n float64) values { return values{`{job_id="-",tenant="-"}`: n} }
		promtool(t, input(map[string]map[string]string{"done": history["done"]}), []check{
			checkOf(expr("table Jobs A", "unfinished"), none(-3)), checkOf(expr("table Jobs A", "stuck"), none(-4)),
			checkOf(expr("table Jobs A", "unread"), none(-5)), checkOf(expr("table Jobs A", "losses"), none(-6)),
		}, testutil.Path("alerts", "zuora.rules.yml"))
	})
	// What two replicas of a ruler record differs in a label.
	t.Run("recorded twice", func(t *testing.T) {
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
		var checks []check
		for name, want := range map[string]values{
			"Exposed A": {"": 70}, "Exposed, by reason A": {"": 10}, "Exposed, by reason B": {"": 60}, "Running jobs done C": {"": 1},
			"Jobs A": {"": 3}, "Jobs B": {"": 1}, "Jobs C": {"": 1}, "Jobs D": {"": 1}, "table Jobs A": {"broken": 5, "stuck": 1, "done": 0},
			"table Progress by $by D": {row("first"): 10, row("second"): 0}, "Exposed objects A": {`{tenant="t"}`: 10},
			"Jobs over time A": {"": 3}, "Jobs over time B": {"": 1}, "Lost A": {"broken": 10},
		} {
			checks = append(checks, checkOf(expr(name, "all"), want))
		}
		promtool(t, all, checks)
	})
	// Nothing is zero then.
	t.Run("nothing is scraped", func(t *testing.T) {
		var checks []check
		for name := range exprs {
			want := values{}
			switch name {
			case "table Jobs A":
				want = values{`{job_id="-",tenant="-"}`: -2}
			case "table Progress by $by A":
				want = values{"": -1}
			case "table Firing alerts A":
				want = values{`{alertname="ZuoraExporterAbsent"}`: 3}
			case "table Firing alerts B":
				want = values{`{alertname="ZuoraExporterAbsent"}`: 7200}
			case "State A":
				want = values{"{}": 5}
			}
			checks = append(checks, checkOf(expr(name, "all"), want))
		}
		promtool(t, []inputSeries{{"up", "0x120"}}, checks, testutil.Path("alerts", "zuora.rules.yml"))
	})
}

type inputSeries struct{ Series, Values string }

// input is what two exporters tell of jobs.
func input(jobs map[string]map[string]string) (all []inputSeries) {
	for job, kinds := range jobs {
		merged := map[string]string{"success": "1x120", "read": "0+60x120"}
		for _, state := range []string{"Accepted", "Dispatched", "Completed"} {
			merged[state] = "0x120"
		}
		// No status either, once there was nothing to read.
		for _, kind := range []string{"Accepted", "Dispatched", "Completed"} {
			if _, ended, ok := strings.Cut(kinds["total"], "x"); ok && strings.HasSuffix(ended, " stale") {
				merged[kind] = "0x" + ended
			}
		}
		maps.Copy(merged, kinds)
		wave := merged["wave"]
		if wave == "" {
			wave = "first"
		}
		base := fmt.Sprintf(`tenant="t",job_id=%q,job="zuora",wave=%q,repairs=%q`, job, wave, merged["repairs"])
		for kind, v := range merged {
			if strings.Contains(kind, ":") || kind == "wave" || kind == "repairs" {
				continue
			}
			name, labels := series[kind], base
			switch {
			case name == "":
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
				all = append(all, inputSeries{fmt.Sprintf(`%s{%s,instance=%q}`, name, labels, instance), v})
			}
		}
	}
	return all
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
