package dashboards

import (
	"cmp"
	"fmt"
	"maps"
	"strings"
)

// What the panels are tested with: jobs, and what the panels show of them.

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

// series are how those of a kind begin. All other kinds are states.
var series = map[string]string{
	"total":   `zuora_data_labeling_job_total_objects{object_type="Account",`,
	"labeled": `zuora_data_labeling_job_labeled_objects{object_type="Account",`,
	"failed":  `zuora_data_labeling_job_failed_objects{object_type="Account",`,
	"timeout": `zuora_data_labeling_job_timeout_objects{object_type="Account",`,
	"success": `zuora_data_labeling_job_scrape_success{`,
	"error":   `zuora_data_labeling_job_scrape_error{reason="unavailable",`,
	"read":    `zuora_data_labeling_job_last_success_timestamp_seconds{`,
}

type inputSeries struct{ Series, Values string }

// input is what two exporters tell of jobs.
func input(jobs map[string]map[string]string) (all []inputSeries) {
	for job, kinds := range jobs {
		// No status either, once there was nothing to read.
		never := "0x120"
		if _, ended, _ := strings.Cut(kinds["total"], "x"); strings.HasSuffix(ended, " stale") {
			never = "0x" + ended
		}
		merged := map[string]string{"success": "1x120", "read": "0+60x120", "Accepted": never, "Dispatched": never, "Completed": never}
		maps.Copy(merged, kinds)
		labels := fmt.Sprintf(`tenant="t",job_id=%q,job="zuora",wave=%q,repairs=%q`, job, cmp.Or(kinds["wave"], "first"), kinds["repairs"])
		for kind, v := range merged {
			if strings.HasPrefix(kind, "b:") || kind == "wave" || kind == "repairs" {
				continue
			}
			begin := cmp.Or(series[kind], fmt.Sprintf(`zuora_data_labeling_job_status{object_type="Account",status=%q,`, kind))
			if strings.HasPrefix(kind, "zuora:") {
				begin = kind + `{object_type="Account",`
			}
			for _, instance := range []string{"a", "b"} {
				all = append(all, inputSeries{fmt.Sprintf(`%s%s,instance=%q}`, begin, labels, instance), cmp.Or(kinds[instance+":"+kind], v)})
			}
		}
	}
	return all
}

// values are by job, or by labels in braces, or by "" if there is one number.
type values map[string]float64

// row is a row of the table of progress.
func row(wave string) string { return fmt.Sprintf(`{group=%q,object_type="Account",tenant="t"}`, wave) }

// view is what panels show, by title and query, with these variables.
type view struct {
	show, group string
	want        map[string]values
}

// What the panels show of these jobs after two hours.
var shown = view{"all", ".*", map[string]values{
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
}}

// What they show if one wave is chosen, which has one job.
var shownOfGroup = view{"all", "second", map[string]values{
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
}}

// What they show without the rules: the present, and nothing that only rules
// can know. "dark" and "unread" have no numbers, and the repair counts twice.
var shownWithoutRules = view{"all", ".*", map[string]values{
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
	// These stats say "needs rules".
	"Exposed, by reason A": {"": -1}, "Running jobs done A": {"": -1}, "Jobs B": {"": -1}, "Labeled B": {"": -1},
}}

// table is what the table of jobs shows for a choice of Show.
func table(show string, want values) view {
	return view{show, ".*", map[string]values{"table Jobs A": want}}
}

var tables = []view{
	table("unfinished", values{
		"lost": 5, "short": 5, "odd": 5, "dark": 5, "broken": 5, "unread": 4, "stuck": 3, "at work": 3, "moves": 2, "new": 1, "blind": 1, "waits": 1,
	}),
	table("stuck", values{"stuck": 3, "at work": 3}),
	table("unread", values{"dark": 5, "unread": 4}),
	table("losses", values{"lost": 5, "short": 5, "dark": 5, "broken": 5, "moves": 2}),
}

func reason(job, r string) string { return fmt.Sprintf(`{job_id=%q,reason=%q,tenant="t"}`, job, r) }
