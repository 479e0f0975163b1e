package dashboards

import "fmt"

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
