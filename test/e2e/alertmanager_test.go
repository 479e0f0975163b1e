package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// alertmanager is a running Alertmanager with the repository's example, and
// the webhooks that it calls.
type alertmanager struct {
	address string

	mu       sync.Mutex
	messages []message
}

// message is what a webhook is sent.
type message struct {
	path        string
	Status      string
	Receiver    string
	GroupLabels map[string]string
	Alerts      []alert
}

// startAlertmanager starts Debian's Alertmanager with the repository's example.
// Only its waiting time and its webhooks' addresses are changed.
func startAlertmanager(t *testing.T) *alertmanager {
	t.Helper()
	program := testutil.Tool(t, "prometheus-alertmanager")
	am := &alertmanager{address: freeAddress(t)}
	webhooks := httptest.NewServer(am)
	t.Cleanup(webhooks.Close)

	config := testutil.Read(t, "alerts", "alertmanager.example.yml")
	for old, replacement := range map[string]string{"http://localhost:5001": webhooks.URL, "group_wait: 30s": "group_wait: 1s"} {
		if !strings.Contains(config, old) {
			t.Fatalf("got no %q in the example", old)
		}
		config = strings.ReplaceAll(config, old, replacement)
	}
	dir := t.TempDir()
	file := testutil.Write(t, dir, "alertmanager.yml", config)
	runDaemon(t, "http://"+am.address+"/-/ready", program, "--config.file="+file,
		"--storage.path="+dir, "--web.listen-address="+am.address, "--cluster.listen-address=")
	return am
}

func (am *alertmanager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := message{path: r.URL.Path}
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	am.mu.Lock()
	defer am.mu.Unlock()
	am.messages = append(am.messages, m)
}

func (am *alertmanager) received() []message {
	am.mu.Lock()
	defer am.mu.Unlock()
	return slices.Clone(am.messages)
}

// From Zuora's answer to a message: two tenants' alerts come as one message per
// tenant and severity, whose links work.
func TestAlertsReachTheirReceivers(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	am := startAlertmanager(t)
	demo := start(t, "--demo")
	other := start(t, "--config.file="+writeConfig(t, newStandIn(t), "", zuoratest.SampleJobID))
	startPrometheus(t, scrapeConfig("2s", demo, other)+fmt.Sprintf("alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", am.address))

	const failed, timedOut = "ZuoraDataLabelingObjectsFailed", "ZuoraDataLabelingObjectsTimedOut"
	var messages []message
	eventuallyEqual(t, "messages", []string{
		"/chat zuora-chat firing map[tenant:demo] [" + timedOut + " ff80808186b966950186b97922e20006 12]",
		"/chat zuora-chat firing map[tenant:t] [" + timedOut + " " + zuoratest.SampleJobID + " 1]",
		"/pager zuora-pager firing map[tenant:demo] [" + failed + " ff80808186b966950186b97922e20004 47 " + failed + " ff80808186b966950186b97922e20006 37]",
		"/pager zuora-pager firing map[tenant:t] [" + failed + " " + zuoratest.SampleJobID + " 1]",
	}, func() []string {
		messages = am.received()
		var got []string
		for _, m := range messages {
			var alerts []string
			for _, a := range m.Alerts {
				alerts = append(alerts, a.Labels["alertname"]+" "+a.Labels["job_id"]+" "+count(a.Annotations["description"]))
			}
			slices.Sort(alerts)
			got = append(got, fmt.Sprint(m.path, " ", m.Receiver, " ", m.Status, " ", m.GroupLabels, " ", alerts))
		}
		slices.Sort(got)
		return got
	})
	for _, m := range messages {
		for _, a := range m.Alerts {
			checkLinks(t, a.Labels["alertname"], a.Labels, a.Annotations)
			if a.Labels["tenant"] != m.GroupLabels["tenant"] {
				t.Errorf("got the alert %v in the message of %s", a.Labels, m.GroupLabels)
			}
			// A configured label may decide whom to call.
			if a.Labels["tenant"] == "demo" && a.Labels["wave"] == "" || a.Labels["object_type"] == "" {
				t.Errorf("got the labels %v, want wave and object_type too", a.Labels)
			}
		}
	}
}

// count is the number of objects in a description.
func count(description string) string {
	words := strings.Fields(description)
	if i := slices.Index(words, "objects."); i > 0 {
		return words[i-1]
	}
	return "none in: " + description
}

// post sends alerts, in this order, as Prometheus does.
func (am *alertmanager) post(t *testing.T, alerts ...alert) {
	t.Helper()
	body, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+am.address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, want 200 OK for %s", resp.Status, body)
	}
}

// inhibited returns, for each alert, the name of the one that inhibits it, if any.
func (am *alertmanager) inhibited(t *testing.T) map[string]string {
	t.Helper()
	var alerts []struct {
		alert
		Fingerprint string
		Status      struct{ InhibitedBy []string }
	}
	getJSON(t, "http://"+am.address+"/api/v2/alerts", &alerts)
	names := map[string]string{}
	for _, a := range alerts {
		names[a.Fingerprint] = a.Labels["alertname"]
	}
	by := map[string]string{}
	for _, a := range alerts {
		var sources []string
		for _, fingerprint := range a.Status.InhibitedBy {
			sources = append(sources, names[fingerprint])
		}
		by[a.String()] = strings.Join(sources, " ")
	}
	return by
}

func (a alert) String() string {
	return strings.Join([]string{a.Labels["alertname"], a.Labels["tenant"], a.Labels["job_id"]}, "/")
}

// An alert that follows from another is not sent. Nothing inhibits the alerts
// about a job's objects, and nothing another tenant's or exporter's.
func TestInhibition(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	am := startAlertmanager(t)
	const (
		absent, exporterDown, down, stale = "ZuoraExporterAbsent", "ZuoraExporterDown", "ZuoraTenantDown", "ZuoraDataStale"
		refused, paused                   = "ZuoraCredentialsRefused", "ZuoraRequestsPaused"
		failed, timedOut, unaccounted     = "ZuoraDataLabelingObjectsFailed", "ZuoraDataLabelingObjectsTimedOut", "ZuoraDataLabelingObjectsUnaccounted"
	)
	// Each case is a tenant of its own. A source stands behind what it
	// inhibits: when the last has its effect, so have all before it.
	var alerts []alert
	want := map[string]string{}
	for _, c := range []struct{ tenant, job, alert, by string }{
		{"", "", "Watchdog", ""},
		{"well", "1", failed, ""},
		{"down", "1", failed, ""},
		{"down", "1", timedOut, ""},
		{"down", "2", unaccounted, ""},
		{"down", "2", stale, down},
		{"down", "", down, ""},
		{"one job is stale", "1", failed, ""},
		{"one job is stale", "1", stale, ""},
		{"paused", "1", failed, ""},
		{"paused", "2", stale, paused},
		{"paused", "", paused, ""},
		{"paused and down", "", down, ""}, // more severe than its cause
		{"paused and down", "", paused, ""},
		{"refused", "1", failed, ""},
		{"refused", "1", stale, refused},
		{"refused", "", down, refused},
		{"", "", exporterDown, ""},
		{"", "", absent, ""},
		{"refused", "", refused, ""},
	} {
		a := alert{Labels: map[string]string{"alertname": c.alert, "tenant": c.tenant, "job_id": c.job, "job": "zuora"}}
		alerts = append(alerts, a)
		want[a.String()] = c.by
		// The same-named tenant of another exporter, of which nothing is wrong.
		other := alert{Labels: map[string]string{"alertname": stale, "tenant": c.tenant, "job_id": "other exporter", "job": "other"}}
		alerts = append(alerts, other)
		want[other.String()] = ""
	}
	am.post(t, alerts...)
	eventuallyEqual(t, "what inhibits each", want, func() map[string]string { return am.inhibited(t) })
}
