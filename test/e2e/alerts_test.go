package e2e

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func rulesFile() string { return testutil.Path("alerts", "zuora.rules.yml") }

// alert is what Prometheus and Alertmanager say of one.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	ActiveAt    string            `json:"activeAt,omitempty"` // Prometheus's
}

// alerts are those that Prometheus has, pending or firing.
func (p *prometheus) alerts(t *testing.T) []alert {
	t.Helper()
	var answer struct {
		Data struct{ Alerts []alert }
	}
	getJSON(t, p.URL+"/api/v1/alerts", &answer)
	return answer.Data.Alerts
}

// checkLinks fails if an alert's runbook, its dashboard, or a variable that it
// sets there does not exist. labels is nil if Prometheus has not filled in the
// annotations yet.
func checkLinks(t *testing.T, name string, labels, annotations map[string]string) {
	t.Helper()
	page, anchor, _ := strings.Cut(annotations["runbook_url"], "#")
	file, ok := strings.CutPrefix(page, "https://github.com/zuora-exporter/zuora_exporter/blob/main/")
	if !ok || !strings.Contains(testutil.Read(t, file), `<a id="`+anchor+`"></a>`) {
		t.Errorf("%s: got the runbook %q, want one that exists", name, annotations["runbook_url"])
	}
	link, err := url.Parse(annotations["dashboard_url"])
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	uid, _ := strings.CutPrefix(link.Path, "/d/")
	variables, ok := dashboardVariables(t)[uid]
	if !ok {
		t.Errorf("%s: got the dashboard %q, want one that exists", name, annotations["dashboard_url"])
		return
	}
	for parameter, values := range link.Query() {
		variable, ok := strings.CutPrefix(parameter, "var-")
		if !ok || !slices.Contains(variables, variable) {
			t.Errorf("%s: got the parameter %s, want a variable of the dashboard %s", name, parameter, uid)
		}
		if labels != nil && values[0] != labels[variable] {
			t.Errorf("%s: got %s=%s, want the value in the labels %v", name, parameter, values[0], labels)
		}
	}
}

// dashboardVariables returns the names of each dashboard's variables, by its uid.
func dashboardVariables(t *testing.T) map[string][]string {
	t.Helper()
	variables := map[string][]string{}
	for _, d := range readDashboards(t) {
		for _, v := range d.Templating.List {
			variables[d.UID] = append(variables[d.UID], v.Name)
		}
	}
	return variables
}

// A rule that loads may still fail at each evaluation, for example if a series
// matches two others. So each is evaluated on the demo's series.
func TestRulesWorkOnTheDemo(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	e := start(t, "--demo")
	p := startPrometheus(t, scrapeConfig("1s", e))
	eventually(t, "the demo's jobs", func() bool { return len(p.query(t, "zuora_data_labeling_job_scrape_success")) == 10 })
	seen := time.Now()

	var file struct {
		Groups []struct {
			Rules []struct{ Record, Alert string }
		}
	}
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "alerts", "zuora.rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, group := range file.Groups {
		for _, r := range group.Rules {
			want = append(want, r.Record+r.Alert+": ok")
		}
	}
	type rule struct {
		Type, Name, Health, LastError string
		LastEvaluation                time.Time
		Annotations                   map[string]string
	}
	var rules []rule
	eventuallyEqual(t, "all rules are well", want, func() []string {
		var answer struct {
			Data struct{ Groups []struct{ Rules []rule } }
		}
		getJSON(t, p.URL+"/api/v1/rules", &answer)
		rules = nil
		var got []string
		for _, group := range answer.Data.Groups {
			for _, r := range group.Rules {
				rules = append(rules, r)
				if r.LastEvaluation.After(seen) {
					got = append(got, r.Name+": "+r.Health+r.LastError)
				}
			}
		}
		return got
	})
	for _, r := range rules {
		if r.Type == "alerting" {
			checkLinks(t, r.Name, nil, r.Annotations)
		}
	}
}

// Each fault has a tenant of its own. It raises the alert that names it, and no
// other. A pending alert is enough: promtool tests the minutes until it fires.
func TestFaultsRaiseTheRightAlerts(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	const (
		down, stale = "ZuoraTenantDown", "ZuoraDataStale"
		refused     = "ZuoraCredentialsRefused"
		paused      = "ZuoraRequestsPaused"
	)
	anyJob := func(f zuoratest.Fault) func(*zuoratest.Server) {
		return func(s *zuoratest.Server) { s.SetFault(zuoratest.AnyJob, f) }
	}
	unauthorized := zuoratest.Refuse(401, "90000011", "Authentication error")
	tooMany := zuoratest.TooManyRequests("Retry-After", "120")
	tenants := map[string]struct {
		spoil func(*zuoratest.Server)
		want  []string
	}{
		"well":                 {func(*zuoratest.Server) {}, nil},
		"429":                  {anyJob(tooMany), []string{down}},
		"429 for a token":      {func(s *zuoratest.Server) { s.SetTokenFault(tooMany) }, []string{down}},
		"401":                  {anyJob(unauthorized), []string{refused}},
		"401 for a token":      {func(s *zuoratest.Server) { s.SetTokenFault(unauthorized) }, []string{refused}},
		"hangs":                {anyJob(zuoratest.Hang()), []string{down}},
		"garbage":              {anyJob(zuoratest.Respond(200, "text/html", "<html>")), []string{down}},
		"hangs for one of two": {func(s *zuoratest.Server) { s.SetFault(waitingJob, zuoratest.Hang()) }, []string{stale}},
		"has lost one of two": {func(s *zuoratest.Server) {
			s.SetFault(waitingJob, zuoratest.Refuse(404, `"50000020"`, "The job does not exist"))
		}, []string{"ZuoraDataLabelingJobUnknown"}},
		"short of requests": {func(s *zuoratest.Server) {
			// The first answer is below the exporter's reserve already. By then
			// the other job has been requested, too.
			s.SetLatency(200 * time.Millisecond)
			s.SetFault(zuoratest.AnyJob, zuoratest.Fault{}.With("RateLimit-Limit", "1000", "RateLimit-Remaining", "40", "RateLimit-Reset", "3600"))
		}, []string{"ZuoraQuotaLow", paused}},
	}

	config := "tenants:\n"
	want := map[string][]string{}
	for name, tenant := range tenants {
		s := newStandIn(t)
		for _, id := range []string{runningJob, waitingJob} {
			s.SetJob(zuoratest.Job{ID: id, ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Ramp{Rate: 1, Total: 10}.At(time.Minute))})
		}
		tenant.spoil(s)
		content, err := os.ReadFile(writeConfig(t, s, "request_timeout: 1s", runningJob, waitingJob))
		if err != nil {
			t.Fatal(err)
		}
		config += strings.NewReplacer("tenants:\n", "", "name: t\n", `name: "`+name+"\"\n").Replace(string(content))
		if len(tenant.want) > 0 {
			want[name] = tenant.want
		}
	}
	file := testutil.Write(t, t.TempDir(), "zuora_exporter.yml", config)
	p := startPrometheus(t, scrapeConfig("2s", start(t, "--config.file="+file)))

	// One bad read may pass.
	eventually(t, "three scrapes", func() bool { return len(p.query(t, "count_over_time(zuora_up[1m]) >= 3")) == len(tenants) })
	var alerts []alert
	eventuallyEqual(t, "alerts by tenant", want, func() map[string][]string {
		alerts = p.alerts(t)
		got := map[string][]string{}
		for _, a := range alerts {
			tenant := a.Labels["tenant"]
			got[tenant] = append(got[tenant], a.Labels["alertname"])
		}
		for tenant, names := range got {
			slices.Sort(names)
			got[tenant] = slices.Compact(names)
		}
		return got
	})
	for _, a := range alerts {
		name := a.Labels["alertname"]
		checkLinks(t, name, a.Labels, a.Annotations)
		if text := a.Annotations["summary"] + a.Annotations["description"]; strings.Contains(text, "<error") || strings.Contains(text, "{{") {
			t.Errorf("%s: got the text %q, want its template filled in", name, text)
		}
		if strings.HasSuffix(a.Labels["tenant"], "one of two") && a.Labels["job_id"] != waitingJob {
			t.Errorf("%s: got the labels %v, want the job %s", name, a.Labels, waitingJob)
		}
	}

	if got := p.query(t, "zuora_api_paused_until_timestamp_seconds > time()"); len(got) != 3 {
		t.Errorf("paused: %v", got)
	}
}

// A target that is no job id raises an alert, whether somebody scrapes /metrics or
// not.
func TestWrongTargetRaisesAnAlert(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	e := start(t, "--config.file="+writeConfig(t, newStandIn(t), ""))
	address := strings.TrimPrefix(e.URL, "http://")
	probes := fmt.Sprintf(`
- job_name: probes
  metrics_path: /probe
  static_configs: [{targets: [%s, not-an-id]}]
  relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: %q}
`, zuoratest.SampleJobID, address)
	for name, tc := range map[string]struct {
		config string
		want   map[string]string
	}{
		"/metrics is scraped": {
			scrapeConfig("1s", e) + probes,
			map[string]string{"alertname": "ZuoraProbeRefused", "severity": "warning", "job": "zuora", "instance": address},
		},
		"nobody scrapes /metrics": {
			scrapeConfig("1s") + probes,
			map[string]string{"alertname": "ZuoraProbeRefused", "severity": "warning", "job": "probes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPrometheus(t, tc.config)
			eventuallyEqual(t, "alerts about the probes", []map[string]string{tc.want}, func() (got []map[string]string) {
				for _, a := range p.alerts(t) {
					if !strings.HasPrefix(a.Labels["alertname"], "ZuoraDataLabeling") {
						got = append(got, a.Labels)
					}
				}
				return got
			})
		})
	}
}
