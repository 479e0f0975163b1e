package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// Each fault has a tenant of its own. It raises the alert that names it, and no
// other. A pending alert is enough: promtool tests the minutes until it fires.
func TestFaultsRaiseTheRightAlerts(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	const anyJob, token, down, refused = zuoratest.AnyJob, "the token", "ZuoraTenantDown", "ZuoraCredentialsRefused"
	unauthorized := zuoratest.Refuse(401, "90000011", "Authentication error")
	tooMany := zuoratest.TooManyRequests("Retry-After", "120")
	short := zuoratest.Fault{}.With("RateLimit-Limit", "1000", "RateLimit-Remaining", "40", "RateLimit-Reset", "3600")
	lost := zuoratest.Refuse(404, `"50000020"`, "The job does not exist")
	tenants := map[string]struct {
		of    string // has the fault
		fault zuoratest.Fault
		want  []string
	}{
		"well":                 {anyJob, zuoratest.Fault{}, nil},
		"429":                  {anyJob, tooMany, []string{down}},
		"429 for a token":      {token, tooMany, []string{down}},
		"401":                  {anyJob, unauthorized, []string{refused}},
		"401 for a token":      {token, unauthorized, []string{refused}},
		"hangs":                {anyJob, zuoratest.Hang(), []string{down}},
		"garbage":              {anyJob, zuoratest.Respond(200, "text/html", "<html>"), []string{down}},
		"hangs for one of two": {waitingJob, zuoratest.Hang(), []string{"ZuoraDataStale " + waitingJob}},
		"has lost one of two":  {waitingJob, lost, []string{"ZuoraDataLabelingJobUnknown " + waitingJob}},
		"short of requests":    {anyJob, short, []string{"ZuoraQuotaLow", "ZuoraRequestsPaused"}},
	}
	config := "tenants:\n"
	var want []string
	for name, tc := range tenants {
		// The first answer may cause a pause. By then the other job has been
		// requested, too.
		s, jobs := manyJobs(t, 2, 200*time.Millisecond)
		if s.SetFault(tc.of, tc.fault); tc.of == token {
			s.SetTokenFault(tc.fault)
		}
		config += tenant(name, s, "request_timeout: 1s", jobs...)
		for _, alert := range tc.want {
			want = append(want, name+": "+alert)
		}
	}
	slices.Sort(want)
	file := testutil.Write(t, t.TempDir(), "zuora_exporter.yml", config)
	p := startPrometheus(t, scrapeConfig("2s", start(t, "--config.file="+file)))

	// One bad read may pass.
	eventually(t, "three scrapes", func() bool { return len(p.query(t, "count_over_time(zuora_up[1m]) >= 3")) == len(tenants) })
	eventuallyEqual(t, "alerts, of a tenant or a job", want, func() (got []string) {
		for _, a := range p.alerts(t) {
			got = append(got, strings.TrimSpace(a.Labels["tenant"]+": "+a.Labels["alertname"]+" "+a.Labels["job_id"]))
			if text := fmt.Sprint(a.Annotations); strings.Contains(text, "<error") || strings.Contains(text, "{{") {
				t.Fatalf("%v: got %s, want the templates filled in", a.Labels, text)
			}
		}
		slices.Sort(got)
		return slices.Compact(got)
	})
}

// With the example of Prometheus's configuration, two exporters share the jobs
// of a file, each of which is a target of its own. One that is no job id raises
// an alert.
func TestExampleOfPrometheus(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	s, jobs := manyJobs(t, 12, 0)
	one, two := serve(t, s, ""), serve(t, s, "")
	targets := testutil.Write(t, t.TempDir(), "jobs.yml", `[{targets: [not-an-id, "`+strings.Join(jobs, `", "`)+`"], labels: {zuora_tenant: t}}]`)
	p := startPrometheus(t, strings.NewReplacer(
		"30s", "1s\n  evaluation_interval: 1s", "../alerts/zuora.rules.yml", rulesFile(), "/etc/prometheus/zuora-jobs/*.json", targets, "migration.example.com", "127.0.0.1:1",
		"localhost:10986", one.address(), "exporter-0:10986", one.address(), "exporter-1:10986", two.address(),
	).Replace(testutil.Read(t, "examples", "prometheus.yml")), "--enable-feature=native-histograms")
	const shards = `{job=~"zuora-shard-."}`
	eventuallyEqual(t, "targets, targets that are up, shards with jobs", []int{13, 12, 2}, func() (got []int) {
		for _, expr := range []string{"up" + shards, "up" + shards + " == 1", "count by (job) (zuora_data_labeling_job_scrape_success" + shards + " == 1)"} {
			got = append(got, len(p.query(t, expr)))
		}
		return got
	})
	// Prometheus scrapes by protobuf.
	eventuallyEqual(t, "native histograms of two exporters and operations", 4, func() int {
		return len(p.query(t, `histogram_count(zuora_api_request_duration_seconds{job="zuora-shards"})`))
	})
	eventually(t, "an alert about the target that is no job id", func() bool {
		return len(p.query(t, fmt.Sprintf(`ALERTS{alertname="ZuoraProbeRefused",severity="warning",job="zuora",instance=%q}`, one.address()))) == 1
	})
	if n := s.Counters().TokensIssued; n != 2 {
		t.Errorf("got %d tokens, want one for each exporter", n)
	}
}

// From Zuora's answer to Alertmanager, with the example of its configuration: two
// tenants' alerts are one message per tenant and severity. A job that still runs
// only warns.
func TestAlertsReachTheirReceivers(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	dir, address := t.TempDir(), freeAddress(t)
	startDaemon(t, "http://"+address, testutil.Tool(t, "prometheus-alertmanager"), "--config.file="+testutil.Path("alerts", "alertmanager.example.yml"),
		"--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
	// Nobody waits for the five minutes that a loss must last.
	rules := testutil.Write(t, dir, "zuora.rules.yml", strings.Replace(testutil.Read(t, "alerts", "zuora.rules.yml"), " for: 5m\n", " for: 1s\n", 2))
	scrapes := scrapeConfig("2s", start(t, "--demo"), serve(t, newStandIn(t), "", zuoratest.SampleJobID))
	startPrometheus(t, strings.ReplaceAll(scrapes, rulesFile(), rules)+
		fmt.Sprintf("alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", address))

	const failed, timedOut = "ZuoraDataLabelingObjectsFailed", "ZuoraDataLabelingObjectsTimedOut"
	eventuallyEqual(t, "messages", []string{
		"zuora-chat map[tenant:demo] [" + failed + " BillRun]",
		"zuora-pager map[tenant:demo] [" + failed + " PaymentRun " + timedOut + " PaymentRun]",
		"zuora-pager map[tenant:t] [" + failed + " Account " + timedOut + " Account]",
	}, func() (messages []string) {
		var groups []struct {
			Receiver struct{ Name string }
			Labels   map[string]string
			Alerts   []alert
		}
		getJSON(t, "http://"+address+"/api/v2/alerts/groups", &groups)
		for _, g := range groups {
			var alerts []string
			for _, a := range g.Alerts {
				alerts = append(alerts, a.Labels["alertname"]+" "+a.Labels["object_type"])
			}
			slices.Sort(alerts)
			messages = append(messages, fmt.Sprint(g.Receiver.Name, " ", g.Labels, " ", alerts))
		}
		slices.Sort(messages)
		return messages
	})
}
