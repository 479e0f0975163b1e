// Package alerts has nothing but tests, of the rules beside it.
package alerts

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const (
	rulesFile        = "zuora.rules.yml"
	alertmanagerFile = "alertmanager.example.yml"
	runbooks         = "docs/runbooks/alerts.md"
)

var rulesTestFiles = []string{"zuora.rules_test.yml", "zuora.rules_numbers_test.yml", "zuora.rules_hours_test.yml"}

type rule struct {
	Record, Alert, Expr, For string
	Labels, Annotations      map[string]string
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func readRules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, rulesFile)), &file); err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for _, g := range file.Groups {
		// Mimir and Grafana Cloud refuse a larger group.
		if len(g.Rules) > 20 {
			t.Errorf("the group %s has %d rules, want 20 at most", g.Name, len(g.Rules))
		}
		rules = append(rules, g.Rules...)
	}
	return rules
}

// readAlerts returns the rules of each alert: one for each of its severities.
func readAlerts(t *testing.T) map[string][]rule {
	t.Helper()
	alerts := map[string][]rule{}
	for _, r := range readRules(t) {
		if r.Alert != "" {
			alerts[r.Alert] = append(alerts[r.Alert], r)
		}
	}
	if len(alerts) == 0 {
		t.Fatal("no alerts")
	}
	return alerts
}

func TestAlertsSayWhatToDo(t *testing.T) {
	for _, r := range readRules(t) {
		name := r.Alert
		if name == "" {
			// A label of ours would meet one that the operator gave to a job.
			if len(r.Labels) > 0 {
				t.Errorf("%s: got the labels %v, want none", r.Record, r.Labels)
			}
			continue
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) || len(r.Labels) > 1 {
			t.Errorf("%s: got the labels %v, want a severity and no other", name, r.Labels)
		}
		if s := r.Annotations["summary"]; s == "" || strings.Contains(s, "{{") {
			t.Errorf("%s: the summary %q", name, s)
		}
		// Without an exporter there are no labels.
		if d := r.Annotations["description"]; d == "" || !strings.Contains(d, "{{ $labels.") && name != "ZuoraExporterAbsent" {
			t.Errorf("%s: the description %q", name, d)
		}
		if u, want := r.Annotations["runbook_url"], "https://github.com/zuora-exporter/zuora_exporter/blob/main/"+runbooks+"#"+name; u != want {
			t.Errorf("%s: the runbook %q, want %s", name, u, want)
		}
		u, err := url.Parse(r.Annotations["dashboard_url"])
		if err != nil || u.Path != "/d/zuora-data-labeling" && u.Path != "/d/zuora-exporter" {
			t.Errorf("%s: the dashboard %q %v", name, r.Annotations["dashboard_url"], err)
		}
	}
}

// Each alert has a section and each section its alert, in the order of the rules,
// all of one shape, and a row with its severities.
func TestRunbooks(t *testing.T) {
	page := read(t, "../"+runbooks)
	shape := regexp.MustCompile(`(?s)^"(\w+)"></a>\n\n### (\w+)\n\n\*\*It means:.*\n\n\*\*At risk:.*\n\n\*\*Look at.*\n\n\*\*Do.*\n\n\*\*Escalate`)
	var sections, alerts []string
	for _, section := range strings.Split(page, "\n<a id=")[1:] {
		m := shape.FindStringSubmatch(section)
		if m == nil || m[1] != m[2] {
			t.Fatalf("got a section of another shape: <a id=%s", section)
		}
		sections = append(sections, m[1])
	}
	severities := map[string][]string{}
	for _, r := range readRules(t) {
		if r.Alert != "" {
			alerts = append(alerts, r.Alert)
			severities[r.Alert] = append(severities[r.Alert], r.Labels["severity"])
		}
	}
	if want := slices.Compact(alerts); !slices.Equal(sections, want) {
		t.Errorf("got the sections %q, want %q", sections, want)
	}
	for name, of := range severities {
		if row := "| [" + name + "](#" + name + ") | " + strings.Join(of, ", ") + " |"; !strings.Contains(page, row) {
			t.Errorf("got no row %q", row)
		}
	}
	// What Grafana's table of alerts links to.
	for _, file := range []string{"zuora-data-labeling.json", "zuora-exporter.json"} {
		if !strings.Contains(read(t, "../dashboards/"+file), runbooks+"#${__value.raw}\"") {
			t.Errorf("%s: got no link from an alert to its section", file)
		}
	}
}

// Each alert has a test in which it fires and one in which it does not.
func TestEachAlertIsTested(t *testing.T) {
	type tests struct {
		Tests []struct {
			Alerts []struct {
				Name string `yaml:"alertname"`
				Want []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
			Expressions []struct {
				Expr string
				Want []any `yaml:"exp_samples"`
			} `yaml:"promql_expr_test"`
		}
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	note := func(name string, want []any) {
		if len(want) > 0 {
			fires[name] = true
		} else {
			silent[name] = true
		}
	}
	for _, name := range rulesTestFiles {
		var file tests
		if err := yaml.Unmarshal([]byte(read(t, name)), &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Tests {
			for _, a := range group.Alerts {
				note(a.Name, a.Want)
			}
			for _, e := range group.Expressions {
				for _, m := range regexp.MustCompile(`alertname="(\w+)"`).FindAllStringSubmatch(e.Expr, -1) {
					note(m[1], e.Want)
				}
			}
		}
	}
	for name := range readAlerts(t) {
		if !fires[name] || !silent[name] {
			t.Errorf("%s: got a test that it fires: %t, that it does not: %t; want both", name, fires[name], silent[name])
		}
	}
}

func TestTools(t *testing.T) {
	for name, tc := range map[string]struct {
		program string
		args    []string
	}{
		"rules load and please the linter": {"promtool", []string{"check", "rules", "--lint=all", "--lint-fatal", rulesFile}},
		"Alertmanager's example loads":     {"amtool", []string{"check-config", alertmanagerFile}},
		"critical alerts wake somebody":    {"amtool", route("zuora-pager", "ZuoraTenantDown", "critical")},
		"warnings do not":                  {"amtool", route("zuora-chat", "ZuoraDataStale", "warning")},
		"nor does what is only news":       {"amtool", route("zuora-log", "ZuoraDataLabelingSlow", "info")},
		"other alerts go where they went":  {"amtool", route("others", "Watchdog", "critical")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testutil.Run(t, tc.program, tc.args...)
		})
	}
}

func route(receiver, alert, severity string) []string {
	return []string{
		"config", "routes", "test", "--config.file=" + alertmanagerFile, "--verify.receivers=" + receiver,
		"alertname=" + alert, "severity=" + severity, "tenant=t",
	}
}

// The rules do what their tests say.
func TestRules(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	testutil.Run(t, "promtool", append([]string{"test", "rules"}, rulesTestFiles...)...)
}
