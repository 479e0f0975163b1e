package dashboards

import "fmt"

// What the panels of the migration are made of. Each is by tenant and job_id,
// so that they can be joined. max: two exporters may read one job. A read that
// failed has no counts; last_over_time bridges it, as in the alerts.
const (
	total      = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_total_objects{$JOB}[15m]))`
	labeled    = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_labeled_objects{$JOB}[15m]))`
	failed     = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_failed_objects{$JOB}[15m]))`
	timedOut   = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_timeout_objects{$JOB}[15m]))`
	configured = `max by (tenant, job_id) (zuora_data_labeling_job_scrape_success{$JOB})`
	running    = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_status{$JOB,status="Dispatched"}[15m])) == 1`
	waiting    = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_status{$JOB,status="Accepted"}[15m])) == 1`
	completed  = `max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_status{$JOB,status="Completed"}[15m])) == 1`
	odd        = `max by (tenant, job_id) (zuora_data_labeling_job_status{$JOB,status!~"Accepted|Dispatched|Completed"}) == 1`
	readAt     = `max by (tenant, job_id) (zuora_data_labeling_job_last_success_timestamp_seconds{$JOB})`
)

// outcomes sums what a function makes of the labeled, the failed and the timed
// out objects of each job. An addition would need all three to be there.
func outcomes(f string) string {
	return fmt.Sprintf(`sum by (tenant, job_id) (`+
		`label_replace(max by (tenant, job_id) (%[1]s(zuora_data_labeling_job_labeled_objects{$JOB}%[2]s)), "outcome", "labeled", "", "") or `+
		`label_replace(max by (tenant, job_id) (%[1]s(zuora_data_labeling_job_failed_objects{$JOB}%[2]s)), "outcome", "failed", "", "") or `+
		`label_replace(max by (tenant, job_id) (%[1]s(zuora_data_labeling_job_timeout_objects{$JOB}%[2]s)), "outcome", "timed_out", "", ""))`, f, "[15m]")
}

var (
	processed = outcomes("last_over_time")
	remaining = `clamp_min(` + total + ` - ` + processed + `, 0)`
	// Objects a second while the job runs; after it has ended deriv goes on
	// for as long as its window.
	rate     = `(clamp_min(` + outcomes("deriv") + `, 0) and ` + running + `)`
	timeLeft = `(` + remaining + ` / (` + rate + ` > 0))`
	// Running and with counts at both ends of the window, and none of them moved.
	// It is the window of the alert ZuoraDataLabelingStuck.
	stuck = `(` + running + ` and max by (tenant, job_id) (zuora_data_labeling_job_status{$JOB,status="Dispatched"} offset 1h) == 1` +
		` and max by (tenant, job_id) (zuora_data_labeling_job_labeled_objects{$JOB} offset 1h or zuora_data_labeling_job_failed_objects{$JOB} offset 1h or zuora_data_labeling_job_timeout_objects{$JOB} offset 1h) >= 0` +
		` unless max by (tenant, job_id) (` + moved("labeled") + ` or ` + moved("failed") + ` or ` + moved("timeout") + `))`
	unaccounted = `(` + total + ` - (` + processed + ` or 0 * ` + total + `) > 0 and ` + completed + `)`
	losses      = `(` + completed + ` and (` + failed + ` > 0 or ` + timedOut + ` > 0 or ` + unaccounted + `))`
	// What needs a person first has the highest number: see needs.
	need = `(7 * group by (tenant, job_id) (` + failed + ` > 0)` +
		` or 6 * group by (tenant, job_id) (` + timedOut + ` > 0)` +
		` or 5 * group by (tenant, job_id) (` + unaccounted + `)` +
		` or 4 * group by (tenant, job_id) (` + configured + ` == 0)` +
		` or 3 * group by (tenant, job_id) (` + odd + `)` +
		` or 2 * group by (tenant, job_id) (` + stuck + `)` +
		` or group by (tenant, job_id) (` + running + `)` +
		` or 0 * ` + configured + `)`
)

// moved is a count that was not the same over the window.
func moved(count string) string {
	series := `zuora_data_labeling_job_` + count + `_objects{$JOB}`
	return `(max_over_time(` + series + `[1h]) > min_over_time(` + series + `[1h]))`
}

var needs = words(
	word{"7", "Objects failed", "red"}, word{"6", "Objects timed out", "orange"},
	word{"5", "Objects unaccounted for", "orange"}, word{"4", "Cannot be read", "purple"},
	word{"3", "Undocumented state", "purple"}, word{"2", "Stuck", "orange"},
	word{"1", "Running", "blue"}, word{"0", "Nothing", "text"},
)

// DataLabeling is the dashboard of the migration: how far, how fast, until
// when, what is exposed, what is stuck.
func DataLabeling() *Dashboard {
	count := func(expr string) string { return `count(` + expr + `) or vector(0)` }
	counts := `Each of the twenty jobs that have most, at each instant.`
	colored := []property{{"custom.cellOptions", object{"type": "color-text"}}}
	alarming := func(color string) []property {
		return append([]property{{"thresholds", steps("text", 1., color)}, {"color", object{"mode": "thresholds"}}}, colored...)
	}
	onlyThisJob := []object{{
		"title": "Only this job", "targetBlank": false,
		"url": "/d/zuora-data-labeling?${datasource:queryparam}&var-tenant=${__data.fields.Tenant}&var-job_id=${__value.raw}&${__url_time_range}",
	}}

	return dashboard("zuora-data-labeling", "Zuora data labeling",
		"How far the data labeling jobs of the move to Multi-Org are, and what they leave visible to every organisation.",
		place(
			row{4, []panel{
				stat("Labeled", "Labeled objects of all objects, of the jobs whose totals Zuora sends.", "percentunit",
					`sum(`+labeled+` and `+total+`) / (sum(`+total+`) > 0)`, steps("blue")),
				stat("Time left", "Until the last of the running jobs is done, at its pace of the last 15 minutes. Jobs that wait or stand still have no part in it.", "dtdurations",
					`max(`+timeLeft+`)`, steps("blue", 86400., "orange")),
				stat("Running", "Jobs that are Dispatched: handed to the labeling service.", "short", count(running), steps("blue")),
				stat("Waiting", "Jobs that are Accepted and have not begun.", "short", count(waiting), steps("text")),
				stat("Stuck", "Running jobs whose counts have not moved for an hour.", "short", count(stuck), steps("green", 1., "orange")),
				stat("Completed with losses", "Completed jobs with objects that failed, timed out or are unaccounted for. Completed does not mean that all was labeled.", "short",
					count(losses), steps("green", 1., "red")),
				stat("Objects exposed", "Objects that failed or timed out: every organisation of the tenant can see them. What is not labeled yet is visible too, and not counted here.", "locale",
					`sum(`+failed+` or label_replace(`+timedOut+`, "outcome", "timed_out", "", "")) or vector(0)`, steps("green", 1., "red")),
				stat("Age of data", "How old the oldest newest answer of a job is. With a refresh interval, as old as that is in order; a job that was never read has no age.", "s",
					`max(time() - `+readAt+`)`, steps("green", 300., "orange", 900., "red")),
			}},
			row{11, []panel{table("Jobs", "What needs a person first stands first. A click on a job shows it alone.",
				[]string{
					need, `max by (tenant, job_id, object_type, status) (zuora_data_labeling_job_status{$JOB} == 1)`,
					processed + ` / (` + total + ` > 0)`, timeLeft, rate, total, labeled, failed, timedOut,
					`max by (tenant, job_id, reason) (zuora_data_labeling_job_scrape_error{$JOB} == 1)`,
				},
				[]column{
					{"Needs", "Value #A", append([]property{{"mappings", needs}}, colored...)},
					{"Tenant", "tenant", nil},
					{"Job", "job_id", []property{{"links", onlyThisJob}, {"custom.minWidth", 290}}},
					{"Object type", "object_type", nil},
					{"Status", "status", append([]property{{"mappings", []object{
						words(word{"Accepted", "Accepted", "text"}, word{"Dispatched", "Dispatched", "blue"}, word{"Completed", "Completed", "green"})[0],
						{"type": "regex", "options": object{"pattern": "(.+)", "result": object{"text": "$1", "color": "purple", "index": 3}}},
					}}}, colored...)},
					{"Progress", "Value #C", []property{
						unit("percentunit"),
						{"min", 0},
						{"max", 1},
						{"color", object{"mode": "fixed", "fixedColor": "blue"}},
						{"custom.cellOptions", object{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}},
					}},
					{"Time left", "Value #D", []property{unit("dtdurations")}},
					{"Objects/s", "Value #E", []property{{"decimals", 1}}},
					{"Total", "Value #F", nil},
					{"Labeled", "Value #G", nil},
					{"Failed", "Value #H", alarming("red")},
					{"Timed out", "Value #I", alarming("orange")},
					{"Read error", "reason", append([]property{{"color", object{"mode": "fixed", "fixedColor": "purple"}}}, colored...)},
				}, "Needs")}},
			row{9, []panel{stateTimeline("State", "What each job was when. A gap: it could not be read. Fifty jobs at most, those that are not Completed first.", words(
				word{"0", "Accepted", "text"}, word{"1", "Dispatched", "blue"}, word{"2", "Completed", "green"}, word{"3", "Undocumented", "purple"}),
				query{`max by (tenant, job_id) (0 * (zuora_data_labeling_job_status{$JOB,status="Accepted"} == 1)` +
					` or 1 * (zuora_data_labeling_job_status{$JOB,status="Dispatched"} == 1)` +
					` or 2 * (zuora_data_labeling_job_status{$JOB,status="Completed"} == 1)` +
					` or 3 * (zuora_data_labeling_job_status{$JOB,status!~"Accepted|Dispatched|Completed"} == 1))` +
					` and topk(50, max by (tenant, job_id) (last_over_time(zuora_data_labeling_job_status{$JOB,status!="Completed"}[1h] @ end())))`, "{{tenant}} {{job_id}}"})}},
			row{9, []panel{
				timeseries("Throughput", "Objects labeled, failed or timed out per second, over 15 minutes, of running jobs. "+counts, "cps",
					query{`topk(20, ` + rate + `)`, "{{tenant}} {{job_id}}"}),
				timeseries("Time left", "At the pace of the last 15 minutes, of running jobs that move. "+counts, "dtdurations",
					query{`topk(20, ` + timeLeft + `)`, "{{tenant}} {{job_id}}"}),
			}},
			row{9, []panel{
				timeseries("Remaining", "Objects neither labeled nor failed nor timed out, of jobs that wait or run: they are visible to every organisation. "+counts, "locale",
					query{`topk(20, ` + remaining + ` unless ` + completed + `)`, "{{tenant}} {{job_id}}"}),
				timeseries("Labeled", "Labeled objects, all jobs of a tenant together, and what they are to label.", "locale",
					query{`sum by (tenant) (` + labeled + `)`, "{{tenant}} labeled"}, query{`sum by (tenant) (` + total + `)`, "{{tenant}} total"}),
			}},
			row{9, []panel{
				timeseries("Failed", "Objects that a job failed to label. They stay visible to every organisation until a new job labels them. "+counts, "locale",
					query{`topk(20, ` + failed + ` > 0)`, "{{tenant}} {{job_id}}"}),
				timeseries("Timed out", "Objects whose labeling timed out. Zuora does not say whether they got their label after all. "+counts, "locale",
					query{`topk(20, ` + timedOut + ` > 0)`, "{{tenant}} {{job_id}}"}),
			}},
		),
		link("The exporter", "/d/zuora-exporter", true))
}
