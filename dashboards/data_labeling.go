package dashboards

import "fmt"

// unread are the jobs that are configured but could not be read for 15m.
const unread = `(max by (tenant, job_id) (max_over_time(zuora_data_labeling_job_scrape_success{$JOB}[15m])) == 0)`

// recent is what the newest scrapes say of jobs or, because a read may fail and
// an exporter may restart, what the last 15 minutes said. max, because two
// exporters may read one job.
func recent(by, series string) string {
	return fmt.Sprintf(`(max by (%[1]s) (%[2]s) or on (tenant, job_id) max by (%[1]s) (last_over_time(%[2]s[15m])))`, by, series)
}

// known is, as in the alerts, recent or, if nobody could read the job, what the
// last 6 hours said.
func known(by, series string) string {
	return `(` + recent(by, series) + ` or on (tenant, job_id) (max by (` + by + `) (last_over_time(` + series + `[6h])) and on (tenant, job_id) ` + unread + `))`
}

// slope is by how much a count rises in a second.
func slope(by, series string) string { return `max by (` + by + `) (deriv(` + series + `[15m]))` }

// job are the labels by which the queries of one table are joined; typed is for
// graphs, whose legends name the object type.
const (
	job   = `tenant, job_id`
	typed = `tenant, job_id, object_type`
)

func status(s string) string { return `zuora_data_labeling_job_status{$JOB,status="` + s + `"}` }
func count(c string) string  { return `zuora_data_labeling_job_` + c + `_objects{$JOB}` }

// sum adds up what a function makes of the labeled, failed and timed-out
// objects of each job. An addition would need all three to be there.
func sum(by string, f func(by, series string) string) string {
	one := func(c string) string { return `label_replace(` + f(by, count(c)) + `, "outcome", "` + c + `", "", "")` }
	return `sum by (` + by + `) (` + one("labeled") + ` or ` + one("failed") + ` or ` + one("timeout") + `)`
}

func running(by string) string { return recent(by, status("Dispatched")) + ` == 1` }

func remaining(by string) string {
	return `clamp_min(` + recent(by, count("total")) + ` - ` + sum(by, recent) + `, 0)`
}

// rate is objects a second while the job runs. After it has ended deriv goes on
// for as long as its window.
func rate(by string) string {
	return `(clamp_min(` + sum(by, slope) + `, 0) and ` + running(by) + `)`
}

func timeLeft(by string) string { return `(` + remaining(by) + ` / (` + rate(by) + ` > 0))` }

// moved is a count that was not the same over the window.
func moved(c string) string {
	return `(max_over_time(` + count(c) + `[1h]) > min_over_time(` + count(c) + `[1h]))`
}

var (
	total      = known(job, count("total"))
	labeled    = known(job, count("labeled"))
	failed     = known(job, count("failed"))
	timedOut   = known(job, count("timeout"))
	processed  = sum(job, known)
	configured = `max by (tenant, job_id) (zuora_data_labeling_job_scrape_success{$JOB})`
	completed  = `(` + known(job, status("Completed")) + ` == 1)`
	odd        = `max by (tenant, job_id) (zuora_data_labeling_job_status{$JOB,status!~"Accepted|Dispatched|Completed"}) == 1`
	readAt     = `max by (tenant, job_id) (zuora_data_labeling_job_last_success_timestamp_seconds{$JOB})`
	// At both ends of the hour it runs and has counts, and none of them moved.
	// It is the window of the alert ZuoraDataLabelingStuck.
	stuck = `(` + running(job) + ` and max by (tenant, job_id) (last_over_time(` + status("Dispatched") + `[15m] offset 1h)) == 1` +
		` and max by (tenant, job_id) (last_over_time(` + count("labeled") + `[15m] offset 1h) or last_over_time(` + count("failed") + `[15m] offset 1h) or last_over_time(` + count("timeout") + `[15m] offset 1h)) >= 0` +
		` unless max by (tenant, job_id) (` + moved("labeled") + ` or ` + moved("failed") + ` or ` + moved("timeout") + `))`
	unaccounted = `(` + total + ` - (` + processed + ` or 0 * ` + total + `) > 0 and ` + completed + `)`
	// Each job is named once, for what needs a person most.
	need = `(7 * group by (tenant, job_id) (` + failed + ` > 0)` +
		` or 6 * group by (tenant, job_id) (` + timedOut + ` > 0)` +
		` or 5 * group by (tenant, job_id) (` + unaccounted + `)` +
		` or 4 * group by (tenant, job_id) (` + configured + ` == 0)` +
		` or 3 * group by (tenant, job_id) (` + odd + `)` +
		` or 2 * group by (tenant, job_id) (` + stuck + `)` +
		` or group by (tenant, job_id) (` + running(job) + `)` +
		` or 0 * ` + configured + `)`
	// The jobs that the variable "show" asks for. It stands in a string, because
	// Grafana's filters would take it for a metric elsewhere.
	chosen = `((` + shownAs(configured, "all") + ` or ` + shownAs(stuck, "stuck") + ` or ` + shownAs(configured+` == 0`, "unread") +
		` or ` + shownAs(failed+` > 0 or `+timedOut+` > 0 or `+unaccounted, "losses") + `) and on (show) ` + shownAs(`vector(1)`, "$show") + `)`
	state = `max by (tenant, job_id, object_type, status) (zuora_data_labeling_job_status{$JOB} == 1)`
)

// shownAs has the label "show".
func shownAs(expr, show string) string {
	return `label_replace(` + expr + `, "show", "` + show + `", "", "")`
}

// floored are per cent that do not become 100 before all is done.
func floored(share string) string { return `floor(` + share + ` * 1000) / 1000` }

// orNone is 0 if there are jobs but none that is counted. Without any job there
// is no number at all.
func orNone(expr string) string { return expr + ` or 0 * count(` + configured + `)` }

// top keeps the ten series that are highest at the end of the time range.
func top(expr func(by string) string) query {
	return named(expr(typed) + ` and topk(10, ` + atEnd(expr(typed)) + `)`)
}

// named has the end of a job's id in the legend, because the ids of jobs differ
// there.
func named(expr string) query {
	return query{`label_replace(` + expr + `, "id", "…$1", "job_id", ".*(.{6})")`, "{{tenant}} {{object_type}} {{id}}"}
}

// DataLabeling is the dashboard of the migration: how far, until when, what is
// exposed, what is stuck, what cannot be read.
func DataLabeling() *Dashboard {
	// A link to this dashboard that shows some of the jobs.
	show := func(title, what string) property {
		return property{"links", []object{{
			"title": title, "targetBlank": false,
			"url": "/d/zuora-data-labeling?${datasource:queryparam}&${tenant:queryparam}&${job_id:queryparam}&${filter:queryparam}&var-show=" + what + "&${__url_time_range}",
		}}}
	}
	onlyThisJob := property{"links", []object{{
		"title": "Only this job", "targetBlank": false,
		"url": "/d/zuora-data-labeling?${datasource:queryparam}&var-tenant=${__data.fields.Tenant}&var-job_id=${__value.raw}&${__url_time_range}",
	}}}
	states := [][3]string{{"Accepted", "Accepted", "text"}, {"Dispatched", "Dispatched", "blue"}, {"Completed", "Completed", "green"}}
	const ten = ` The ten jobs that have most at the end of the time range.`

	return dashboard("zuora-data-labeling", "Zuora data labeling",
		"How far the data labeling jobs of the move to Multi-Org are, and what they leave visible to every organisation.",
		place(
			row{height: 4, cells: []cell{
				{7, stat("Jobs", "The number of jobs, by last known state: Completed, Running (Dispatched), Waiting (Accepted). Unread: jobs that cannot be read now. Completed does not mean that all was labeled. Click on a number to see its jobs.", "short", steps("text"),
					query{`count(` + configured + `)`, "Jobs"},
					query{orNone(`count(` + completed + `)`), "Completed"},
					query{orNone(`count(` + known(job, status("Dispatched")) + ` == 1)`), "Running"},
					query{orNone(`count(` + known(job, status("Accepted")) + ` == 1)`), "Waiting"},
					query{orNone(`count(` + configured + ` == 0)`), "Unread"}).with(
					override("Jobs", show("All jobs", "all")),
					override("Completed", thresholds("text", 0, "green")),
					override("Running", thresholds("text", 0, "blue")),
					override("Unread", thresholds("text", 0, "green", 1, "purple"), show("Only unread jobs", "unread")))},
				{3, stat("Labeled", "Labeled objects of all objects, for the jobs whose totals Zuora sends.", "percentunit", steps("blue", 1, "green"),
					query{floored(`sum(` + labeled + ` and ` + total + `) / (sum(` + total + `) > 0)`), ""})},
				{6, stat("Running jobs done", "When the last of the running jobs is done, at its rate of the last 15 minutes. Jobs that wait, are stuck or cannot be read are not in it.", "s", steps("blue"),
					query{`max(` + timeLeft(job) + `)`, "left"},
					query{`(time() + max(` + timeLeft(job) + `)) * 1000`, "at"}).with(
					override("left", property{"decimals", 1}),
					override("at", unit("dateTimeAsIsoNoDateIfToday"))).stacked()},
				{5, stat("Exposed objects", "Objects that every organisation of the tenant may see although their job is done with them: failed, timed out, or unaccounted (a Completed job's total less its counts). What is not labeled yet is visible too, and not counted here. Click on a number to see the jobs.", "locale", steps("text", 0, "green", 1, "red"),
					query{`sum(` + failed + `)`, "Failed"},
					query{`sum(` + timedOut + `)`, "Timed out"},
					query{orNone(`sum(` + unaccounted + `)`), "Unaccounted"}).with(
					override("Failed", show("Only jobs with losses", "losses")),
					override("Timed out", thresholds("text", 0, "green", 1, "orange"), show("Only jobs with losses", "losses")),
					override("Unaccounted", thresholds("text", 0, "green", 1, "orange"), show("Only jobs with losses", "losses")))},
				{3, stat("Stuck", "Running jobs whose counts have not moved for an hour. Click on the number to see them.", "short", steps("text", 0, "green", 1, "orange"),
					query{orNone(`count(` + stuck + `)`), "Stuck"}).with(override("Stuck", show("Only stuck jobs", "stuck")))},
			}},
			row{height: 11, cells: []cell{{24, table("Jobs", "The most urgent job is first. Progress: labeled of total. Lost: failed, timed out and unaccounted of total. Click on a job to see it alone.",
				[]string{
					need + ` and on (tenant, job_id) ` + chosen,
					state + ` or on (tenant, job_id) topk by (tenant, job_id) (1, max by (tenant, job_id, object_type, status) (last_over_time(zuora_data_labeling_job_status{$JOB}[6h])) == 1 and on (tenant, job_id) (` + configured + ` == 0))`,
					`group by (tenant, job_id) (` + stuck + `)`,
					floored(labeled + ` / (` + total + ` > 0)`),
					`(sum by (tenant, job_id) (label_replace(` + failed + `, "outcome", "failed", "", "") or label_replace(` + timedOut + `, "outcome", "timeout", "", "") or label_replace(` + unaccounted + `, "outcome", "unaccounted", "", "")) / ` + total + `) > 0`,
					failed, timedOut,
					// Without any error there would be no column.
					`max by (tenant, job_id, reason) (zuora_data_labeling_job_scrape_error{$JOB} == 1) or on (tenant, job_id) label_replace(` + configured + `, "reason", "-", "", "")`,
					timeLeft(job), labeled, total, `floor(time() - ` + readAt + `)`,
				},
				column{"Needs", "Value #A", 135, colored(property{"mappings", mappings(
					[3]string{"7", "Failed objects", "red"}, [3]string{"6", "Timed-out objects", "orange"},
					[3]string{"5", "Unaccounted", "orange"}, [3]string{"4", "Cannot be read", "purple"},
					[3]string{"3", "Unknown state", "purple"}, [3]string{"2", "Stuck", "orange"},
					[3]string{"1", "Running", "blue"}, [3]string{"0", "Nothing", "text"})})},
				column{"Stuck", "Value #C", 60, colored(property{"mappings", mappings([3]string{"1", "stuck", "orange"})})},
				column{"Tenant", "tenant", -120, nil},
				column{"Job", "job_id", 305, []property{onlyThisJob}},
				column{"Object type", "object_type", 110, nil},
				column{"Status", "status", 105, colored(property{"mappings", append(mappings(states...), anyText(len(states), "purple"))})},
				column{"Progress", "Value #D", -105, []property{
					unit("percentunit"),
					{"min", 0},
					{"max", 1},
					{"decimals", 1},
					thresholds("blue", 1, "green"),
					{"color", object{"mode": "thresholds"}},
					{"custom.cellOptions", object{"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}},
				}},
				column{"Lost", "Value #E", 65, colored(unit("percentunit"), property{"decimals", 2}, thresholds("text", 0, "red"))},
				column{"Failed", "Value #F", 65, colored(thresholds("text", 1, "red"))},
				column{"Timed out", "Value #G", 90, colored(thresholds("text", 1, "orange"))},
				column{"Read error", "reason", 105, colored(property{"mappings", append(mappings([3]string{"-", "-", "text"}), anyText(1, "purple"))})},
				column{"Time left", "Value #I", 80, []property{unit("s"), {"decimals", 1}}},
				column{"Labeled", "Value #J", 75, nil},
				column{"Total", "Value #K", 75, nil},
				column{"Age", "Value #L", 60, []property{unit("s"), {"decimals", 0}}},
			)}}},
			heading("Alerts and states"),
			row{height: 8, cells: []cell{{24, firing("Firing alerts", "Those of the chosen tenants and jobs, the most severe first. Click on a name to see its runbook.", alertsOfJobs)}}},
			row{height: 13, cells: []cell{{24, stateTimeline("State", "What each job was when. A gap: it could not be read. Twenty jobs at most, those that are not Completed at the end of the time range first.", mappings(
				[3]string{"0", "Accepted", "#8e8e8e"}, [3]string{"1", "Dispatched", "blue"}, [3]string{"2", "Completed", "green"}, [3]string{"3", "Undocumented", "purple"}),
				named(`max by (tenant, job_id, object_type) (0 * (`+status("Accepted")+` == 1)`+
					` or 1 * (`+status("Dispatched")+` == 1)`+
					` or 2 * (`+status("Completed")+` == 1)`+
					` or 3 * (zuora_data_labeling_job_status{$JOB,status!~"Accepted|Dispatched|Completed"} == 1))`+
					` and topk(20, `+atEnd(`max by (tenant, job_id, object_type) (last_over_time(zuora_data_labeling_job_status{$JOB,status!="Completed"}[6h]))`)+`)`))}}},
			heading("Progress"),
			row{height: 9, cells: []cell{
				{12, timeseries("Labeled", "Labeled objects of all jobs of a tenant, and their total, as last known.", "locale",
					query{`sum by (tenant) (` + labeled + `)`, "{{tenant}} labeled"}, query{`sum by (tenant) (` + total + `)`, "{{tenant}} total"})},
				{12, timeseries("Remaining", "Objects neither labeled nor failed nor timed out, of jobs that wait or run: they are visible to every organisation."+ten, "locale",
					top(func(by string) string {
						return `(` + remaining(by) + ` unless ` + recent(by, status("Completed")) + ` == 1)`
					}))},
			}},
			row{height: 9, cells: []cell{
				{12, timeseries("Throughput of running jobs (objects/s)", "Objects labeled, failed or timed out per second, over 15 minutes."+ten, "short", top(rate))},
				{12, timeseries("Time left of running jobs", "At the rate of the last 15 minutes, of running jobs that move; more than two days are drawn as two days."+ten, "s",
					top(func(by string) string { return `clamp_max(` + timeLeft(by) + `, 172800)` }))},
			}},
			heading("Losses"),
			row{height: 9, cells: []cell{
				{12, timeseries("Failed", "Objects that a job failed to label. Every organisation may see them until a new job labels them."+ten, "locale",
					top(func(by string) string { return `(` + known(by, count("failed")) + ` > 0)` }))},
				{12, timeseries("Timed out", "Timed-out objects may be visible to every organisation: Zuora does not say whether they got their label later."+ten, "locale",
					top(func(by string) string { return `(` + known(by, count("timeout")) + ` > 0)` }))},
			}},
		),
		alertsOfJobs,
		[]object{
			dataSources,
			variable("job", "Job", `label_values(zuora_up, job)`, hidden),
			variable("instance", "Instance", `label_values(zuora_up{job=~"$job"}, instance)`, hidden),
			variable("tenant", "Tenant", `label_values(zuora_up{$TARGET}, tenant)`, visible),
			variable("job_id", "Labeling job", `label_values(zuora_data_labeling_job_scrape_success{$TENANT}, job_id)`, visible),
			{
				"name": "show", "label": "Show", "type": "custom", "multi": false, "includeAll": false, "hide": visible,
				"query":   "All jobs : all, Stuck : stuck, Unread : unread, With losses : losses",
				"current": object{"text": "All jobs", "value": "all"},
				"options": []object{
					{"text": "All jobs", "value": "all", "selected": true},
					{"text": "Stuck", "value": "stuck", "selected": false},
					{"text": "Unread", "value": "unread", "selected": false},
					{"text": "With losses", "value": "losses", "selected": false},
				},
			},
			// By the labels that the configuration gives the jobs: wave, team, ...
			{"name": "filter", "label": "Filter", "type": "adhoc", "datasource": datasource, "hide": visible, "filters": []object{}},
		},
		link("The exporter", "/d/zuora-exporter", true))
}

// Alerts about a tenant have no job_id, and those about an exporter no tenant.
const alertsOfJobs = `alertname=~"Zuora.+",tenant=~"($tenant)|",job_id=~"($job_id)|"`
