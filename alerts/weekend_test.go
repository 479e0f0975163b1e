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
	dir := t.TempDir()
	begun := testutil.Write(t, dir, "begun.yml", `
groups:
  - name: begun
    rules:
      - record: begun
        expr: >-
          count by (alertname, job_id) (
            ALERTS{alertstate="firing"} unless on (alertname, job_id) ALERTS{alertstate="firing"} offset 2m
          )
`)
	test := fmt.Sprintf(`
rule_files: [%q, %q]
group_eval_order: [zuora-data-labeling, zuora-watch, begun]
evaluation_interval: 2m
tests:
  - interval: 1m
    input_series:
%s    promql_expr_test:
      - eval_time: %dm
        expr: sum_over_time(begun[3d])
        exp_samples:
          - {labels: '{alertname="ZuoraDataLabelingObjectsFailed",job_id="lost"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingObjectsTimedOut",job_id="lost"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingStuck",job_id="stuck"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingAcceptedTooLong",job_id="waits"}', value: 1}
          - {labels: '{alertname="ZuoraTenantDown"}', value: 1}
      - eval_time: %[4]dm
        expr: sum(zuora:data_labeling_job:lost_objects)
        exp_samples: [{labels: '{}', value: 2}]
      - eval_time: %[4]dm
        expr: count(ALERTS{alertname=~"ZuoraDataLabelingObjects(Failed|TimedOut)",alertstate="firing",severity="critical"})
        exp_samples: [{labels: '{}', value: 2}]
`, testutil.Path("alerts", rulesFile), begun, weekendSeries(), weekendMinutes-1)
	testutil.Run(t, "promtool", "test", "rules", testutil.Write(t, dir, "weekend_test.yml", test))
}

// weekendMinutes are an hour of peace, the 60 hours and the 10.
const weekendMinutes = (1 + 60 + 10) * 60

func weekendUp(minute int) bool {
	return minute < 60 || minute < 61*60 && (minute-60)%30 >= 20
}

// weekendSeries are what Prometheus scrapes, a sample a minute: jobs of /metrics,
// one that is probed, and the targets.
func weekendSeries() string {
	var all strings.Builder
	series := func(name, labels string, value func(minute int) string) {
		fmt.Fprintf(&all, "      - series: '%s{%s}'\n        values:", name, labels)
		for minute := range weekendMinutes {
			all.WriteString(" " + value(minute))
		}
		all.WriteString("\n")
	}
	always := func(value string) func(int) string { return func(int) string { return value } }
	answers := func(minute int) string {
		if weekendUp(minute) {
			return "1"
		}
		return "0"
	}
	const metrics, probe = `job="zuora",instance="e"`, `job="probes",instance="probed"`
	for _, job := range []struct {
		id, target, status    string
		labeled, lost, atOnce int // labeled: at the beginning; atOnce: further ones each minute
	}{
		{"lost", metrics, "Completed", 9, 1, 0},
		{"runs", metrics, "Dispatched", 0, 0, 1},
		{"stuck", metrics, "Dispatched", 7, 0, 0},
		{"waits", metrics, "Accepted", 0, 0, 0},
		{"probed", probe, "Dispatched", 0, 0, 1},
	} {
		const name = "zuora_data_labeling_job_"
		labels := fmt.Sprintf(`tenant="t",job_id=%q,%s`, job.id, job.target)
		whileUp := func(first, perMinute int) func(int) string {
			return whileTrue(weekendUp, func(minute int) int { return first + perMinute*minute })
		}
		series(name+"scrape_success", labels, answers)
		series(name+"scrape_error", labels+`,reason="unavailable"`,
			whileTrue(func(minute int) bool { return !weekendUp(minute) }, func(int) int { return 1 }))
		series(name+"labeled_objects", labels, whileUp(job.labeled, job.atOnce))
		series(name+"failed_objects", labels, whileUp(job.lost, 0))
		series(name+"timeout_objects", labels, whileUp(job.lost, 0))
		series(name+"total_objects", labels, whileUp(job.labeled+2*job.lost+10_000*job.atOnce, 0))
		for _, status := range []string{"Accepted", "Dispatched", "Completed"} {
			is := 0
			if status == job.status {
				is = 1
			}
			series(name+"status", labels+`,status="`+status+`"`, whileUp(is, 0))
		}
	}
	for _, target := range []string{metrics, probe} {
		series("zuora_up", `tenant="t",`+target, answers)
		series("up", target, always("1"))
	}
	series("zuora_exporter_build_info", metrics, always("1"))
	series("scrape_duration_seconds", metrics, func(minute int) string {
		if weekendUp(minute) {
			return "1"
		}
		return "9.5" // of 10: all reads time out
	})
	return all.String()
}

// whileTrue has a value while is says so, and then ends, as a count does.
func whileTrue(is func(minute int) bool, value func(minute int) int) func(minute int) string {
	return func(minute int) string {
		switch {
		case is(minute):
			return fmt.Sprint(value(minute))
		case is(minute - 1):
			return "stale"
		}
		return "_"
	}
}
