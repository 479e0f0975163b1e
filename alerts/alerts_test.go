// Package alerts has nothing but tests, of the rules beside it.
package alerts

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const (
	rulesFile = "zuora.rules.yml"
	runbooks  = "docs/runbooks/alerts.md"
)

var rulesTestFiles = []string{"zuora.rules_test.yml", "zuora.rules_numbers_test.yml", "zuora.rules_hours_test.yml"}

// alerts returns the rules that are alerts. One that warns first and then pages is
// two.
func alerts(t *testing.T) []testutil.Rule {
	t.Helper()
	return slices.DeleteFunc(testutil.Rules(t), func(r testutil.Rule) bool { return r.Alert == "" })
}

func TestRulesFitEverywhere(t *testing.T) {
	groups := map[string]int{}
	for _, r := range testutil.Rules(t) {
		groups[r.Group]++
		// A label of ours would meet one that the operator gave to a job.
		if r.Record != "" && len(r.Labels) > 0 {
			t.Errorf("%s: got the labels %v, want none", r.Record, r.Labels)
		}
	}
	// Mimir and Grafana Cloud refuse a larger group.
	for name, n := range groups {
		if n > 20 {
			t.Errorf("the group %s: got %d rules, want at most 20", name, n)
		}
	}
}

func TestAlertsSayWhatToDo(t *testing.T) {
	for _, r := range alerts(t) {
		name := r.Alert
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || len(r.Labels) > 1 {
			t.Errorf("%s: got the labels %v, want a severity and no other", name, r.Labels)
		}
		if s := r.Annotations["summary"]; s == "" || strings.Contains(s, "{{") {
			t.Errorf("%s: got the summary %q, want one without labels", name, s)
		}
		// Without an exporter there are no labels.
		if d := r.Annotations["description"]; d == "" || !strings.Contains(d, "{{ $labels.") && name != "ZuoraExporterAbsent" {
			t.Errorf("%s: got the description %q, want one with labels", name, d)
		}
		if u, want := r.Annotations["runbook_url"], "https://github.com/zuora-exporter/zuora_exporter/blob/main/"+runbooks+"#"+name; u != want {
			t.Errorf("%s: got the runbook %q, want %s", name, u, want)
		}
		u, err := url.Parse(r.Annotations["dashboard_url"])
		if err != nil {
			t.Errorf("%s: got the dashboard %q, want a URL: %v", name, r.Annotations["dashboard_url"], err)
			continue
		}
		board := testutil.Read(t, "dashboards", strings.TrimPrefix(u.Path, "/d/")+".json")
		for parameter := range u.Query() {
			if variable, ok := strings.CutPrefix(parameter, "var-"); !ok || !strings.Contains(board, `"name": "`+variable+`"`) {
				t.Errorf("%s: got the parameter %s, want a variable of %s", name, parameter, u.Path)
			}
		}
	}
}

// Each alert has a section and each section its alert, in the order of the rules,
// and a row with its severities. Grafana's tables of alerts link to the sections.
func TestRunbooks(t *testing.T) {
	page := testutil.Read(t, runbooks)
	var sections, want []string
	for _, m := range regexp.MustCompile(`<a id="(\w+)"></a>\n\n### (\w+)\n`).FindAllStringSubmatch(page, -1) {
		sections = append(sections, m[1]+m[2])
	}
	severities := map[string]string{}
	for _, r := range alerts(t) {
		want = append(want, r.Alert+r.Alert)
		severities[r.Alert] = strings.TrimPrefix(severities[r.Alert]+", "+r.Labels["severity"], ", ")
	}
	if want = slices.Compact(want); !slices.Equal(sections, want) {
		t.Errorf("got the sections %q, want %q", sections, want)
	}
	for name, of := range severities {
		if row := "| [" + name + "](#" + name + ") | " + of + " |"; !strings.Contains(page, row) {
			t.Errorf("got no row %q", row)
		}
	}
	for file := range testutil.Dashboards(t) {
		if !strings.Contains(testutil.Read(t, "dashboards", file), runbooks+"#${__value.raw}\"") {
			t.Errorf("%s: got no link from an alert to its section", file)
		}
	}
}

// Each alert has a test in which it fires and one in which it does not.
func TestEachAlertIsTested(t *testing.T) {
	alertname := regexp.MustCompile(`alertname="(\w+)"`)
	type test struct {
		Alertname, Expr string
		Alerts          []any `yaml:"exp_alerts"`
		Samples         []any `yaml:"exp_samples"`
	}
	tested := map[string]bool{} // the alert, and whether it fires
	for _, name := range rulesTestFiles {
		var file struct {
			Tests []struct {
				Alerts      []test `yaml:"alert_rule_test"`
				Expressions []test `yaml:"promql_expr_test"`
			}
		}
		if err := yaml.Unmarshal([]byte(testutil.Read(t, "alerts", name)), &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Tests {
			for _, one := range append(group.Alerts, group.Expressions...) {
				tested[fmt.Sprint(one.Alertname, len(one.Alerts) > 0)] = true
				for _, m := range alertname.FindAllStringSubmatch(one.Expr, -1) {
					tested[fmt.Sprint(m[1], len(one.Samples) > 0)] = true
				}
			}
		}
	}
	for _, r := range alerts(t) {
		for _, fires := range []bool{true, false} {
			if !tested[fmt.Sprint(r.Alert, fires)] {
				t.Errorf("got no test of %s in which it fires: %t", r.Alert, fires)
			}
		}
	}
}

func TestRulesPleaseTheLinter(t *testing.T) {
	testutil.Run(t, "promtool", "check", "rules", "--lint=all", "--lint-fatal", rulesFile)
}

// With the example for Alertmanager, news wakes nobody, and other alerts go where
// they went. What pages and what warns is in test/e2e.
func TestRoutes(t *testing.T) {
	for receiver, labels := range map[string][]string{
		"zuora-log": {"alertname=ZuoraDataLabelingSlow", "severity=info"},
		"others":    {"alertname=Watchdog", "severity=critical"},
	} {
		args := []string{"config", "routes", "test", "--config.file=alertmanager.example.yml", "--verify.receivers=" + receiver}
		testutil.Run(t, "amtool", append(args, labels...)...)
	}
}

// The rules do what their tests say.
func TestRules(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	testutil.Run(t, "promtool", append([]string{"test", "rules"}, rulesTestFiles...)...)
}

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
      - eval_time: 4259m
        expr: sum_over_time(begun[3d])
        exp_samples:
          - {labels: '{alertname="ZuoraDataLabelingObjectsFailed",job_id="lost"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingObjectsTimedOut",job_id="lost"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingStuck",job_id="stuck"}', value: 1}
          - {labels: '{alertname="ZuoraDataLabelingAcceptedTooLong",job_id="waits"}', value: 1}
          - {labels: '{alertname="ZuoraTenantDown"}', value: 1}
      - eval_time: 4259m
        expr: sum(zuora:data_labeling_job:lost_objects)
        exp_samples: [{labels: '{}', value: 2}]
`, testutil.Path("alerts", rulesFile), begun, weekend())
	testutil.Run(t, "promtool", "test", "rules", testutil.Write(t, dir, "weekend_test.yml", test))
}

// The values of a weekend, a minute each: an hour of peace, 120 times 20 minutes
// down and 10 up, and 10 hours down. What is read ends while the tenant is down.
func whileUp(first, perMinute int) string {
	values := fmt.Sprintf("%d+%dx59", first, perMinute)
	for minute := 80; minute < 61*60; minute += 30 {
		values += fmt.Sprintf(" stale _x19 %d+%dx9", first+perMinute*minute, perMinute)
	}
	return values + " stale"
}

func inTurn(up, down string) string {
	return up + "x59" + strings.Repeat(" "+down+"x19 "+up+"x9", 120) + " " + down + "x599"
}

// weekend are what Prometheus scrapes: jobs of /metrics, one that is probed, and
// the targets.
func weekend() string {
	const metrics, probe, name = `job="zuora",instance="e"`, `job="probes",instance="probed"`, "zuora_data_labeling_job_"
	var all strings.Builder
	series := func(name, labels, values string) {
		fmt.Fprintf(&all, "      - {series: '%s{%s}', values: %s}\n", name, labels, values)
	}
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
		labels := fmt.Sprintf(`tenant="t",job_id=%q,%s`, job.id, job.target)
		series(name+"scrape_success", labels, inTurn("1", "0"))
		series(name+"scrape_error", labels+`,reason="unavailable"`, "_x60"+strings.Repeat(" 1x19 stale _x9", 120)+" 1x599")
		series(name+"labeled_objects", labels, whileUp(job.labeled, job.atOnce))
		series(name+"failed_objects", labels, whileUp(job.lost, 0))
		series(name+"timeout_objects", labels, whileUp(job.lost, 0))
		series(name+"total_objects", labels, whileUp(job.labeled+2*job.lost+10_000*job.atOnce, 0))
		series(name+"status", labels+`,status="`+job.status+`"`, whileUp(1, 0))
	}
	for _, target := range []string{metrics, probe} {
		series("zuora_up", `tenant="t",`+target, inTurn("1", "0"))
		series("up", target, "1x4259")
	}
	series("zuora_exporter_build_info", metrics, "1x4259")
	series("scrape_duration_seconds", metrics, inTurn("1", "9.5")) // of 10: all reads time out
	return all.String()
}
