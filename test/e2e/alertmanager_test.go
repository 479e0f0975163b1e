package e2e

import (
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
// tenant and severity, whose links work. A job that still runs only warns.
func TestAlertsReachTheirReceivers(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	am := startAlertmanager(t)
	demo := start(t, "--demo")
	other := start(t, "--config.file="+writeConfig(t, newStandIn(t), "", zuoratest.SampleJobID))
	// Nobody waits for the five minutes that a loss must last.
	rules := testutil.Write(t, t.TempDir(), "zuora.rules.yml",
		strings.Replace(testutil.Read(t, "alerts", "zuora.rules.yml"), " for: 5m\n", " for: 1s\n", 2))
	config := strings.ReplaceAll(scrapeConfig("2s", demo, other), rulesFile(), rules)
	startPrometheus(t, config+fmt.Sprintf("alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}\n", am.address))

	const failed, timedOut = "ZuoraDataLabelingObjectsFailed", "ZuoraDataLabelingObjectsTimedOut"
	var messages []message
	eventuallyEqual(t, "messages", []string{
		"/chat zuora-chat firing map[tenant:demo] [" + failed + " ff80808186b966950186b97922e20004 47]",
		"/pager zuora-pager firing map[tenant:demo] [" + failed + " ff80808186b966950186b97922e20006 37 " + timedOut + " ff80808186b966950186b97922e20006 12]",
		"/pager zuora-pager firing map[tenant:t] [" + failed + " " + zuoratest.SampleJobID + " 1 " + timedOut + " " + zuoratest.SampleJobID + " 1]",
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
			if a.Labels["object_type"] == "" {
				t.Errorf("got the labels %v, want object_type too", a.Labels)
			}
		}
	}
}

// count is the number of objects in a description.
func count(description string) string {
	words := strings.Fields(description)
	if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "objects") }); i > 0 {
		return words[i-1]
	}
	return "none in: " + description
}
