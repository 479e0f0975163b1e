package dashboards

// ours keeps, of series that every target has, those of a zuora_exporter: the
// variable job, at All, matches every job of the Prometheus.
const ours = ` and on (job, instance) zuora_exporter_build_info{$TARGET}`

// down are the targets that were a zuora_exporter within a day and cannot be
// scraped now, as in the alert ZuoraExporterDown.
const down = `max by (job, instance) (up{$TARGET} == 0 and on (job, instance) last_over_time(zuora_exporter_build_info{$TARGET}[1d]))`

// Other alerts about jobs are on the dashboard of the migration only.
const alertsOfExporter = `alertname=~"Zuora(DataStale|DataLabelingJobUnknown|TenantDown|CredentialsRefused|RequestsPaused|QuotaLow|Exporter.+)",tenant=~"($tenant)|"`

// latency has both forms of the histogram: if Prometheus scrapes native
// histograms, _bucket has no series. A quantile of no requests is NaN, which
// the comparison drops.
func latency(q, by string) string {
	const h = `zuora_api_request_duration_seconds`
	return `(histogram_quantile(` + q + `, sum by (` + by + `, le) (rate(` + h + `_bucket{$TENANT}[$__rate_interval])))` +
		` or histogram_quantile(` + q + `, sum by (` + by + `) (rate(` + h + `{$TENANT}[$__rate_interval])))) >= 0`
}

// Exporter is the dashboard of the exporter itself.
func Exporter() *Dashboard {
	const (
		jobs     = `max by (tenant, job_id) (zuora_data_labeling_job_scrape_success{$JOB})`
		tenantUp = `max by (tenant) (zuora_up{$TENANT})`
		errors   = `count by (tenant, reason) (max by (tenant, job_id, reason) (zuora_data_labeling_job_scrape_error{$JOB}) == 1 and on (tenant, job_id) ` + jobs + ` == 0)`
		quota    = `min by (tenant) (zuora_api_rate_limit_remaining_requests{$TENANT} / zuora_api_rate_limit_requests{$TENANT})`
		pause    = `max by (tenant) (zuora_api_paused_until_timestamp_seconds{$TENANT}) - time() > 0`
		age      = `max by (tenant) (time() - max by (tenant, job_id) (zuora_data_labeling_job_last_success_timestamp_seconds{$JOB}))`
	)
	// What each reason of a failed read says about where to look.
	causes := mappings(
		[3]string{"auth", "ours: credentials", "red"}, [3]string{"rate_limited", "limit of the tenant", "orange"},
		[3]string{"not_found", "ours: job id", "orange"}, [3]string{"timeout", "slow, or no time", "orange"},
		[3]string{"unavailable", "Zuora or network", "purple"}, [3]string{"invalid_response", "proxy or Zuora", "purple"},
		[3]string{"refused", "ours: request", "red"})

	return dashboard("zuora-exporter", "Zuora exporter",
		"Whether the data labeling jobs of Zuora can be read, whose fault it is if not, and what reading costs the tenant.",
		place(
			row{height: 4, cells: []cell{
				{6, stat("Exporters", "Exporters that are scraped. Down: exporters seen in the last day that cannot be scraped now. Reload refused: exporters that refused their newest configuration and work with the old one.", "short", steps("text", 0, "green", 1, "orange"),
					query{`count(zuora_exporter_build_info{$TARGET})`, "Scraped"},
					query{`count(` + down + `) or 0 * count(zuora_up{$TARGET})`, "Down"},
					query{`count(max by (job, instance) (zuora_exporter_config_last_reload_successful{$TARGET}) == 0) or 0 * count(zuora_exporter_build_info{$TARGET})`, "Reload refused"}).with(
					override("Scraped", thresholds("text", 1, "green")))},
				{4, stat("Tenants", "Down: no token, or none of the jobs can be read.", "short", steps("text", 0, "green", 1, "red"),
					query{`count(` + tenantUp + ` == 1) or 0 * count(` + tenantUp + `)`, "Up"},
					query{`count(` + tenantUp + ` == 0) or 0 * count(` + tenantUp + `)`, "Down"}).with(
					override("Up", thresholds("text", 0, "red", 1, "green")))},
				{4, stat("Jobs", "Configured jobs, and those that no exporter could read at its last scrape.", "short", steps("text", 0, "green", 1, "purple"),
					query{`count(` + jobs + `)`, "Jobs"},
					query{`count(` + jobs + ` == 0) or 0 * count(` + jobs + `)`, "Unread"}).with(
					override("Jobs", thresholds("text")))},
				{4, stat("Slowest scrape", "How long the slowest exporter's scrape takes, and its timeout. Prometheus exports the timeout only if it is told to: see the README, Dashboards and alerts.", "s", steps("blue"),
					query{`max(scrape_duration_seconds{$TARGET}` + ours + `)`, "scrape"},
					query{`min(scrape_timeout_seconds{$TARGET}` + ours + `) or 0 / (0 * count(zuora_exporter_build_info{$TARGET}))`, "timeout"}).with(
					override("scrape", property{"decimals", 1}),
					override("timeout", thresholds("text"), property{"mappings", []object{{"type": "special", "options": object{"match": "nan", "result": object{"text": "unknown", "color": "text", "index": 0}}}}}))},
				{3, stat("Quota left", "Share of the requests that Zuora allows a tenant, in the window nearest to exhaustion; of the tenant that has the least. All users of the tenant share it.", "percentunit", steps("text", 0, "red", .1, "orange", .25, "green"),
					query{`min(` + quota + `)`, ""})},
				{3, stat("Paused for", "How long until the last pause ends: the exporter pauses its requests to a tenant at a limit of Zuora.", "s", steps("text", 0, "green", 1, "orange"),
					query{`max(` + pause + `) or 0 * count(zuora_up{$TENANT})`, ""}).with(
					object{"matcher": object{"id": "byType", "options": "number"}, "properties": []property{{"decimals", 0}, {"mappings", mappings([3]string{"0", "none", "green"})}}})},
			}},
			row{height: 6, cells: []cell{{24, table("Tenants", "Cause: the most frequent reason among the tenant's unread jobs, and whose it is.",
				[]string{
					`1 - ` + tenantUp,
					`topk by (tenant) (1, ` + errors + `)`,
					`count by (tenant) (` + jobs + `) or 0 * ` + tenantUp,
					`count by (tenant) (` + jobs + ` == 0)`,
					age, quota, pause,
					`sum by (tenant) (rate(zuora_api_requests_total{$TENANT}[$__rate_interval]))`,
					latency("0.9", "tenant"),
				},
				column{"State", "Value #A", 80, colored(property{"mappings", mappings([3]string{"1", "Down", "red"}, [3]string{"0", "Up", "green"})})},
				column{"Tenant", "tenant", -180, nil},
				column{"Cause", "reason", 200, colored(property{"mappings", causes})},
				column{"Jobs", "Value #C", 90, nil},
				column{"Unread", "Value #D", 90, colored(thresholds("text", 1, "purple"))},
				column{"Oldest answer", "Value #E", 130, []property{unit("s"), {"decimals", 0}}},
				column{"Quota left", "Value #F", 110, colored(unit("percentunit"), property{"decimals", 0}, thresholds("text", 0, "red", .1, "orange", .25, "text"))},
				column{"Paused for", "Value #G", 110, colored(unit("s"), property{"decimals", 0}, thresholds("text", 0, "orange"))},
				column{"Requests/s", "Value #H", 110, []property{{"decimals", 2}, unit("short")}},
				column{"90 % within", "Value #I", 110, []property{unit("s"), {"decimals", 1}}},
			)}}},
			row{height: 6, cells: []cell{{24, firing("Firing alerts", "Those about tenants, reads and exporters, the most severe first. Click on a name to see its runbook.", alertsOfExporter)}}},
			heading("Reads"),
			row{height: 8, cells: []cell{
				{12, timeseries("Unread jobs", "Jobs that no exporter could read, by reason.", "short", query{errors, "{{tenant}} {{reason}}"}).calc("max", "Max")},
				{12, stateTimeline("Tenants", "Down: no token, or none of the jobs can be read. A gap: no exporter was scraped.",
					mappings([3]string{"0", "Down", "red"}, [3]string{"1", "Up", "green"}), query{tenantUp, "{{tenant}}"})},
			}},
			row{height: 8, cells: []cell{
				{12, timeseries("API requests", "Requests to Zuora per second, by HTTP status; error: no answer.", "reqps",
					query{`sum by (tenant, operation, code) (rate(zuora_api_requests_total{$TENANT}[$__rate_interval]))`, "{{tenant}} {{operation}} {{code}}"})},
				{12, timeseries("Latency", "From sending a request to the end of its answer: median and 99th percentile.", "s",
					query{latency("0.5", "tenant, operation"), "{{tenant}} {{operation}} 50 %"}, query{latency("0.99", "tenant, operation"), "{{tenant}} {{operation}} 99 %"}).calc("mean", "Mean")},
			}},
			heading("Limits"),
			row{height: 8, cells: []cell{
				{8, timeseries("Quota left", "Share of the requests that Zuora allows the tenant, in the window nearest to exhaustion. It jumps if another window is the nearest.", "percentunit",
					query{quota, "{{tenant}}"})},
				{8, timeseries("Pauses", "Time until the pause ends. Requests are paused because of Zuora's limits.", "s",
					query{`max by (tenant, operation) (zuora_api_paused_until_timestamp_seconds{$TENANT}) - time() > 0 or on (tenant) 0 * ` + tenantUp, "{{tenant}} {{operation}}"}).calc("max", "Max")},
				{8, timeseries("Concurrency left", "How many more requests the tenant may run at once, all its users together.", "short",
					query{`min by (tenant, type) (zuora_api_concurrency_limit_remaining_requests{$TENANT})`, "{{tenant}} {{type}}"})},
			}},
			heading("Exporters"),
			row{height: 8, cells: []cell{
				{8, timeseries("Scrape duration", "How long scrapes take, and the timeout, if Prometheus exports it (see Slowest scrape). Half a second before the timeout the exporter answers with what it has.", "s",
					query{`scrape_duration_seconds{$TARGET}` + ours, "{{instance}}"},
					query{`min(scrape_timeout_seconds{$TARGET}` + ours + `)`, "timeout"})},
				{8, timeseries("Memory", "Resident memory.", "bytes", query{`process_resident_memory_bytes{$TARGET}` + ours, "{{instance}}"})},
				{8, timeseries("CPU", "Seconds of CPU time per second.", "percentunit", query{`rate(process_cpu_seconds_total{$TARGET}[$__rate_interval])` + ours, "{{instance}}"})},
			}},
			row{height: 6, cells: []cell{{24, table("Versions", "The exporters that are scraped, what they were built from, and since when they run and work with their configuration.",
				[]string{
					`max by (job, instance, version, revision, goversion) (zuora_exporter_build_info{$TARGET})`,
					`max by (job, instance) (process_start_time_seconds{$TARGET}` + ours + `) * 1000`,
					`max by (job, instance) (zuora_exporter_config_last_reload_success_timestamp_seconds{$TARGET}) * 1000`,
					`max by (job, instance) (zuora_exporter_config_last_reload_successful{$TARGET})`,
				},
				column{"Instance", "instance", 220, nil},
				column{"Job", "job", 180, nil},
				column{"Version", "version", 120, nil},
				column{"Revision", "revision", -200, nil},
				column{"Go", "goversion", 110, nil},
				column{"Started", "Value #B", 160, []property{unit("dateTimeFromNow")}},
				column{"Configuration of", "Value #C", 160, []property{unit("dateTimeFromNow")}},
				column{"Last reload", "Value #D", 110, colored(property{"mappings", mappings([3]string{"0", "refused", "orange"}, [3]string{"1", "good", "green"})})},
			)}}},
		),
		alertsOfExporter,
		[]object{
			dataSources,
			variable("job", "Job", `label_values(zuora_up, job)`, visible),
			variable("instance", "Instance", `label_values(zuora_up{job=~"$job"}, instance)`, visible),
			variable("tenant", "Tenant", `label_values(zuora_up{$TARGET}, tenant)`, visible),
			variable("job_id", "Labeling job", `label_values(zuora_data_labeling_job_scrape_success{$TENANT}, job_id)`, hidden),
		},
		link("The migration", "/d/zuora-data-labeling", true))
}
