package dashboards

// ours keeps, of series that every target has, those of a zuora_exporter: the
// variable job, at All, matches every job of the Prometheus.
const ours = ` and on (job, instance) zuora_exporter_build_info{$TARGET}`

// Exporter is the dashboard of the watching itself.
func Exporter() *Dashboard {
	upDown := words(word{"0", "Down", "red"}, word{"1", "Up", "green"})
	return dashboard("zuora-exporter", "Zuora exporter",
		"Whether the watching of Zuora's data labeling jobs works, and what it costs the tenant.",
		place(
			row{4, []panel{
				stat("Tenants down", "Tenants of which no job can be read.", "short",
					`count(max by (tenant) (zuora_up{$TENANT}) == 0) or vector(0)`, steps("green", 1., "red")),
				stat("Jobs unread", "Jobs that no exporter could read at its last scrape.", "short",
					`count(max by (tenant, job_id) (zuora_data_labeling_job_scrape_success{$JOB}) == 0) or vector(0)`, steps("green", 1., "orange")),
				stat("Age of data", "How old the oldest newest answer of a job is. With a refresh interval, as old as that is in order.", "s",
					`max(time() - max by (tenant, job_id) (zuora_data_labeling_job_last_success_timestamp_seconds{$JOB}))`, steps("green", 300., "orange", 900., "red")),
				stat("Quota left", "Of the requests that Zuora allows a tenant, in the window nearest to exhaustion, of the tenant that has the least. All that use the tenant share it.", "percentunit",
					`min(zuora_api_rate_limit_remaining_requests{$TENANT} / zuora_api_rate_limit_requests{$TENANT})`, steps("red", .1, "orange", .25, "green")),
				stat("Held back", "How long until requests are sent again that are held back because of Zuora's limits.", "s",
					`max(zuora_api_paused_until_timestamp_seconds{$TENANT} - time() > 0) or vector(0)`, steps("green", 1., "orange")),
				stat("Scrape duration", "Of the scrape timeout, of the exporter that is nearest to it. Prometheus has the timeout where it runs with extra-scrape-metrics; otherwise its default of 10 s is assumed.", "percentunit",
					`max((scrape_duration_seconds{$TARGET} / (scrape_timeout_seconds{$TARGET} or 10 + 0 * scrape_duration_seconds{$TARGET}))`+ours+`)`, steps("green", .8, "orange", .95, "red")),
				stat("Failed reloads", "Exporters that refused their newest configuration and go on with the one before.", "short",
					`count(zuora_exporter_config_last_reload_successful{$TARGET} == 0) or vector(0)`, steps("green", 1., "orange")),
				stat("Exporters", "Exporters that are scraped.", "short", `count(zuora_exporter_build_info{$TARGET}) or vector(0)`, steps("red", 1., "green")),
			}},
			row{6, []panel{
				stateTimeline("Tenants", "Up: a token could be had and a job read, or Zuora answered that it does not know it. A gap: the exporter was not scraped.", upDown,
					query{`max by (tenant) (zuora_up{$TENANT})`, "{{tenant}}"}),
				stateTimeline("Configuration", "Whether each exporter's last reload succeeded.",
					words(word{"0", "Refused", "orange"}, word{"1", "In use", "green"}),
					query{`max by (job, instance) (zuora_exporter_config_last_reload_successful{$TARGET})`, "{{instance}}"}),
			}},
			row{8, []panel{
				timeseries("Read failures", "Jobs that could not be read, by reason.", "short",
					query{`count by (tenant, reason) (max by (tenant, job_id, reason) (zuora_data_labeling_job_scrape_error{$JOB}) == 1)`, "{{tenant}} {{reason}}"}),
				timeseries("Age of data", "Of each tenant's oldest newest answer of a job.", "s",
					query{`max by (tenant) (time() - max by (tenant, job_id) (zuora_data_labeling_job_last_success_timestamp_seconds{$JOB}))`, "{{tenant}}"}),
			}},
			row{8, []panel{
				timeseries("API requests", "Requests sent to Zuora per second, by HTTP status; error: there was no answer.", "reqps",
					query{`sum by (tenant, operation, code) (rate(zuora_api_requests_total{$TENANT}[$__rate_interval]))`, "{{tenant}} {{operation}} {{code}}"}),
				timeseries("Latency", "From sending a request to the end of its answer: half, nine tenths and 99 of 100 are faster.", "s",
					quantile("0.5"), quantile("0.9"), quantile("0.99")),
			}},
			row{8, []panel{
				timeseries("Requests in flight", "Requests to Zuora under way at the time of the scrape.", "short",
					query{`sum by (tenant) (zuora_api_requests_in_flight{$TENANT})`, "{{tenant}}"}),
				timeseries("Slowest reads", "The ten jobs whose reading took longest, at each instant.", "s",
					query{`topk(10, max by (tenant, job_id) (zuora_data_labeling_job_scrape_duration_seconds{$JOB}))`, "{{tenant}} {{job_id}}"}),
			}},
			row{8, []panel{
				timeseries("Quota left", "Requests that the tenant has left in the window nearest to exhaustion, of those it is allowed.", "percentunit",
					query{`min by (tenant) (zuora_api_rate_limit_remaining_requests{$TENANT} / zuora_api_rate_limit_requests{$TENANT})`, "{{tenant}}"}),
				timeseries("Quota resets", "Until the window nearest to exhaustion begins anew, as of the newest answer that said so.", "s",
					query{`clamp_min(max by (tenant) (zuora_api_rate_limit_reset_timestamp_seconds{$TENANT}) - time(), 0)`, "{{tenant}}"}),
				timeseries("Concurrency left", "Further requests that the tenant could have run at once, and how many it may in all.", "short",
					query{`min by (tenant, type) (zuora_api_concurrency_limit_remaining_requests{$TENANT})`, "{{tenant}} {{type}} left"},
					query{`max by (tenant, type) (zuora_api_concurrency_limit_requests{$TENANT})`, "{{tenant}} {{type}} limit"}),
			}},
			row{8, []panel{
				timeseries("Held back by Zuora", "Until requests are sent again that are held back because of Zuora's limits. Empty while none are.", "s",
					query{`max by (tenant, operation) (zuora_api_paused_until_timestamp_seconds{$TENANT}) - time() > 0`, "{{tenant}} {{operation}}"}),
				timeseries("Token's life", "Until the access token in use ends. It is renewed 300 s before, or a tenth of its life.", "s",
					query{`max by (job, instance, tenant) (zuora_api_token_expiry_timestamp_seconds{$TENANT}) - time()`, "{{tenant}} {{instance}}"}),
				timeseries("Since the last reload", "Since the configuration in use was loaded.", "dtdurations",
					query{`time() - max by (job, instance) (zuora_exporter_config_last_reload_success_timestamp_seconds{$TARGET})`, "{{instance}}"}),
			}},
			row{8, []panel{
				timeseries("Scrape duration", "How long Prometheus's scrapes take, and their timeout, where Prometheus runs with extra-scrape-metrics. Half a second before it the exporter answers with what it has.", "s",
					query{`scrape_duration_seconds{$TARGET}` + ours, "{{instance}}"},
					query{`scrape_timeout_seconds{$TARGET}` + ours, "{{instance}} timeout"}),
				timeseries("Memory", "Resident memory, and the heap in use.", "bytes",
					query{`process_resident_memory_bytes{$TARGET}` + ours, "{{instance}} resident"},
					query{`go_memstats_heap_inuse_bytes{$TARGET}` + ours, "{{instance}} heap"}),
				timeseries("CPU", "Seconds of CPU time per second.", "percentunit",
					query{`rate(process_cpu_seconds_total{$TARGET}[$__rate_interval])` + ours, "{{instance}}"}),
			}},
			row{6, []panel{table("Versions", "The exporters that are scraped, and what they were built from.",
				[]string{`max by (job, instance, version, revision, goversion) (zuora_exporter_build_info{$TARGET})`, `max by (job, instance) (process_start_time_seconds{$TARGET}` + ours + `) * 1000`},
				[]column{
					{"Job", "job", nil},
					{"Instance", "instance", nil},
					{"Version", "version", nil},
					{"Revision", "revision", nil},
					{"Go", "goversion", nil},
					{"Started", "Value #B", []property{unit("dateTimeFromNow")}},
				}, "Version")}},
		),
		link("The migration", "/d/zuora-data-labeling", true))
}

func quantile(q string) query {
	return query{
		`histogram_quantile(` + q + `, sum by (le, tenant, operation) (rate(zuora_api_request_duration_seconds_bucket{$TENANT}[$__rate_interval])))`,
		"{{tenant}} {{operation}} " + q,
	}
}
