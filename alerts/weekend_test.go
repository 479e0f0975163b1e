package alerts

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// A weekend of maintenance: for 60 hours the tenant is down for 20 minutes and up
// for 10, and then down for 10 hours. It costs a handful of messages and not
// hundreds, and what is lost is known to the end.
func TestWeekend(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	const minutes = (1 + 60 + 10) * 60
	up := func(minute int) bool {
		return minute < 60 || minute < 61*60 && (minute-60)%30 >= 20
	}
	begun := testutil.Write(t, t.TempDir(), "begun.yml", `
groups:
  - name: begun
    rules:
      - record: begun
        expr: >-
          count by (alertname, job_id) (
            ALERTS{alertstate="firing"} unless on (alertname, job_id) ALERTS{alertstate="firing"} offset 2m
          )
`)
	var test strings.Builder
	series := func(name string, value func(minute int) string) {
		fmt.Fprintf(&test, "      - series: '%s'\n        values:", name)
		for minute := range minutes {
			test.WriteString(" " + value(minute))
		}
		test.WriteString("\n")
	}
	// whileUp is there while the tenant answers, and then ends, as a count does.
	whileUp := func(value func(minute int) int) func(int) string {
		return func(minute int) string {
			switch {
			case up(minute):
				return fmt.Sprint(value(minute))
			case up(minute - 1):
				return "stale"
			}
			return "_"
		}
	}
	always := func(value int) func(int) int { return func(int) int { return value } }
	since := func(minute int) int { return minute }
	answers := func(minute int) string {
		if up(minute) {
			return "1"
		}
		return "0"
	}
	fails := func(minute int) string {
		switch {
		case !up(minute):
			return "1"
		case minute > 0 && !up(minute-1):
			return "stale"
		}
		return "_"
	}

	fmt.Fprintf(&test, "rule_files: [%q, %q]\ngroup_eval_order: [zuora-data-labeling, zuora-watch, begun]\nevaluation_interval: 2m\ntests:\n  - interval: 1m\n    input_series:\n", testutil.Path("alerts", rulesFile), begun)
	for _, job := range []struct {
		id, scraped, status string
		labeled             func(int) int
		failed, total       int
	}{
		{"lost", `job="zuora",instance="e"`, "Completed", always(9), 1, 11},
		{"runs", `job="zuora",instance="e"`, "Dispatched", since, 0, 1_000_000},
		{"stuck", `job="zuora",instance="e"`, "Dispatched", always(7), 0, 100},
		{"waits", `job="zuora",instance="e"`, "Accepted", always(0), 0, 100},
		{"probed", `job="probes",instance="probed"`, "Dispatched", since, 0, 1_000_000},
	} {
		labels := fmt.Sprintf(`tenant="t",job_id=%q,%s`, job.id, job.scraped)
		const name = "zuora_data_labeling_job_"
		series(name+"scrape_success{"+labels+"}", answers)
		series(name+"scrape_error{"+labels+`,reason="unavailable"}`, fails)
		series(name+"labeled_objects{"+labels+"}", whileUp(job.labeled))
		series(name+"failed_objects{"+labels+"}", whileUp(always(job.failed)))
		series(name+"timeout_objects{"+labels+"}", whileUp(always(job.failed)))
		series(name+"total_objects{"+labels+"}", whileUp(always(job.total)))
		for _, status := range []string{"Accepted", "Dispatched", "Completed"} {
			is := 0
			if status == job.status {
				is = 1
			}
			series(name+"status{"+labels+`,status="`+status+`"}`, whileUp(always(is)))
		}
	}
	for _, scraped := range []string{`job="zuora",instance="e"`, `job="probes",instance="probed"`} {
		series(`zuora_up{tenant="t",`+scraped+"}", answers)
		series("up{"+scraped+"}", func(int) string { return "1" })
	}
	series(`zuora_exporter_build_info{job="zuora",instance="e"}`, func(int) string { return "1" })
	series(`scrape_duration_seconds{job="zuora",instance="e"}`, func(minute int) string {
		if up(minute) {
			return "1"
		}
		return "9.5" // of 10: all reads time out
	})

	fmt.Fprintf(&test, `    promql_expr_test:
      - eval_time: %dm
        expr: sum_over_time(begun[3d])
        exp_samples:
          - {labels: '{alertname="ZuoraDataLabelingObjectsFailed",job_id="lost"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingObjectsTimedOut",job_id="lost"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingStuck",job_id="stuck"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingAcceptedTooLong",job_id="waits"}', value: 1}
          - {labels: '{alertname="ZuoraTenantDown"}', value: 1}
      - eval_time: %[1]dm
        expr: sum(zuora:data_labeling_job:lost_objects)
        exp_samples: [{labels: '{}', value: 2}]
      - eval_time: %[1]dm
        expr: count(ALERTS{alertname=~"ZuoraDataLabelingObjects(Failed|TimedOut)",alertstate="firing",severity="critical"})
        exp_samples: [{labels: '{}', value: 2}]
`, minutes-1)
	testutil.Run(t, "promtool", "test", "rules", testutil.Write(t, t.TempDir(), "weekend_test.yml", test.String()))
}
