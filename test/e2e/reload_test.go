package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func (e *exporter) reload(t *testing.T) (status int, body string) {
	t.Helper()
	status, body, err := e.request(t.Context(), http.MethodPost, "/-/reload")
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func TestReloadChangesJobs(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	contains(t, e.scrape(t, "10"), "zuora_exporter_config_last_reload_successful 1")
	rewriteConfig(t, file, s, "", runningJob)
	if status, body := e.reload(t); status != 200 {
		t.Fatalf("got %d, want 200: %s", status, body)
	}
	page := e.scrape(t, "10")
	contains(t, page, `zuora_data_labeling_job_total_objects{job_id="`+runningJob+`",object_type="Product",tenant="t"} 500`,
		"zuora_exporter_config_last_reload_successful 1")
	if strings.Contains(page, zuoratest.SampleJobID) {
		t.Error("got the removed job, want it gone")
	}
	if n := s.Counters(); n.TokensIssued != 1 || n.Connections != 1 {
		t.Errorf("got %d tokens and %d connections, want 1 and 1 for an unchanged tenant", n.TokensIssued, n.Connections)
	}
	if status, _ := e.get(t, "/-/reload"); status != 405 {
		t.Errorf("GET /-/reload: got %d, want 405", status)
	}
}

func TestReloadBySignal(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	rewriteConfig(t, file, s, "", runningJob)
	e.signal(t, syscall.SIGHUP)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(e.scrape(t, "10"), runningJob); {
		if time.Now().After(deadline) {
			t.Fatal("got no reload within 10s")
		}
	}
}

func TestBadReloadLeavesTheOldConfiguration(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	for name, content := range map[string]string{
		"an unknown key":   "tenants:\n- nome: hunter2\n",
		"a secret in line": "tenants:\n- name: t\n  base_url: http://x\n  oauth2: {client_id: x, client_secret: [hunter2]}\n",
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		status, body := e.reload(t)
		if status != 500 || !strings.Contains(body, "zuora_exporter.yml:") || strings.Count(body, "\n") != 1 || strings.Contains(body, "hunter2") {
			t.Errorf("%s: got %d %q, want 500 and a sentence without the value", name, status, body)
		}
		contains(t, e.scrape(t, "10"), "zuora_exporter_config_last_reload_successful 0", `zuora_up{tenant="t"} 1`,
			`zuora_data_labeling_job_labeled_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="t"} 9`)
	}
	rewriteConfig(t, file, s, "", zuoratest.SampleJobID)
	if status, body := e.reload(t); status != 200 {
		t.Errorf("got %d, want 200: %s", status, body)
	}
	contains(t, e.scrape(t, "10"), "zuora_exporter_config_last_reload_successful 1")
}

func TestReloadOfAChangedOrRemovedTenant(t *testing.T) {
	t.Parallel()
	s, other := newStandIn(t), newStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	one, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	two := strings.NewReplacer("tenants:\n", "", "name: t", "name: other", s.URL, other.URL).Replace(string(one))
	if err := os.WriteFile(file, []byte(string(one)+two), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, "--config.file="+file)
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`, `zuora_up{tenant="other"} 1`)

	rewriteConfig(t, file, s, "request_timeout: 7s", zuoratest.SampleJobID)
	if status, body := e.reload(t); status != 200 {
		t.Fatalf("got %d, want 200: %s", status, body)
	}
	page := e.scrape(t, "10")
	if strings.Contains(page, `tenant="other"`) {
		t.Errorf("got series of a removed tenant, want none:\n%s", strings.Join(samples(page, "zuora_.*"), "\n"))
	}
	if n := s.Counters(); n.TokensIssued != 2 || n.Connections != 2 {
		t.Errorf("got %d tokens and %d connections, want 2 and 2 for a changed tenant", n.TokensIssued, n.Connections)
	}
}

func TestScrapeInProgressKeepsItsConfiguration(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, zuoratest.WithLatency(time.Second))
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	page := make(chan string, 1)
	go func() {
		_, body, err := e.request(t.Context(), http.MethodGet, "/metrics")
		if err != nil {
			body = err.Error()
		}
		page <- body
	}()
	for s.Counters().JobRequests == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	rewriteConfig(t, file, s, "request_timeout: 7s") // another client, and no jobs
	if status, body := e.reload(t); status != 200 {
		t.Fatalf("got %d, want 200: %s", status, body)
	}
	contains(t, <-page, `zuora_data_labeling_job_labeled_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="t"} 9`)
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
}

// Everything at once, then a signal: for the race detector.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID, runningJob, unknownJob)
	e := start(t, "--config.file="+file)
	var group sync.WaitGroup
	for _, ask := range []func(){
		func() { e.request(t.Context(), http.MethodGet, "/metrics") },
		func() { e.request(t.Context(), http.MethodGet, "/probe?target="+runningJob) },
		func() { e.request(t.Context(), http.MethodGet, "/probe?target="+waitingJob) },
		func() { e.request(t.Context(), http.MethodGet, "/") },
		func() { e.request(t.Context(), http.MethodPost, "/-/reload") },
		func() { e.cmd.Process.Signal(syscall.SIGHUP) },
	} {
		for range 3 {
			group.Go(func() {
				for range 30 {
					ask()
				}
			})
		}
	}
	group.Wait()
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`, "zuora_exporter_config_last_reload_successful 1")
	e.signal(t, syscall.SIGTERM)
	if code := e.exitCode(t, 15*time.Second); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}

func TestRotatedSecretNeedsNoRestart(t *testing.T) {
	t.Parallel()
	s := newStandIn(t, zuoratest.WithTokenLife(2*time.Second))
	dir := t.TempDir()
	secret := filepath.Join(dir, "t.secret")
	write := func(content string) {
		if err := os.WriteFile(secret, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(zuoratest.ClientSecret)
	file := filepath.Join(dir, "zuora_exporter.yml")
	rewriteConfig(t, file, s, "", zuoratest.SampleJobID)
	config, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	withFile := strings.Replace(string(config), `client_secret: "`+zuoratest.ClientSecret+`"`, "client_secret_file: t.secret", 1)
	if err := os.WriteFile(file, []byte(withFile), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, "--config.file="+file)
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
	s.SetSecret("rotated")
	write("rotated\n")
	time.Sleep(2100 * time.Millisecond)
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
}
