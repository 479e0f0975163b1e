package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestReloadBySignal(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	rewriteConfig(t, file, s, "", runningJob)
	e.signal(t, syscall.SIGHUP)
	e.hasLogged(t, `msg="Reloaded the configuration" tenants=1 jobs=1 added=1 removed=1`)
	page := e.scrape(t, "10")
	contains(t, page, jobRead(runningJob))
	if strings.Contains(page, zuoratest.SampleJobID) {
		t.Error("got the removed job, want it gone")
	}
}

func TestScrapeInProgressKeepsItsConfiguration(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetLatency(time.Second)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	page := e.begin(t, s, "/metrics")
	rewriteConfig(t, file, s, "request_timeout: 7s") // another client, and no jobs
	e.reload(t)
	contains(t, <-page, jobRead(zuoratest.SampleJobID))
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
}

// The secret is read again for every token.
func TestRotatedSecretNeedsNoRestart(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetTokenFault(zuoratest.Respond(200, "application/json", `{"access_token":"{token}","expires_in":2}`))
	dir := t.TempDir()
	testutil.Write(t, dir, "t.secret", zuoratest.ClientSecret)
	inline := fmt.Sprintf("client_secret: %q", zuoratest.ClientSecret)
	e := start(t, "--config.file="+testutil.Write(t, dir, "zuora_exporter.yml",
		strings.Replace(config(s, "", zuoratest.SampleJobID), inline, "client_secret_file: t.secret", 1)))
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
	s.SetSecret("rotated")
	testutil.Write(t, dir, "t.secret", "rotated\n")
	time.Sleep(2100 * time.Millisecond)
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
}

// The file is reloaded by itself once it has changed: also if a symbolic link
// is swapped, as Kubernetes does with a ConfigMap. A bad one is tried once, and
// the one before stays in use.
func TestAutoReload(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	dir := t.TempDir()
	publish := func(version, job string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		rewriteConfig(t, filepath.Join(dir, version, "zuora_exporter.yml"), s, "", job)
		link := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(version, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	publish("..1", zuoratest.SampleJobID)
	file := filepath.Join(dir, "zuora_exporter.yml")
	if err := os.Symlink("..data/zuora_exporter.yml", file); err != nil {
		t.Fatal(err)
	}
	e := start(t, "--config.file="+file, "--config.auto-reload-interval=50ms")
	publish("..2", runningJob)
	e.hasLogged(t, "Reloaded the configuration")
	publish("..3", "not a job")
	e.hasLogged(t, "configuration failed")
	time.Sleep(300 * time.Millisecond)
	if n := strings.Count(e.output.String(), "configuration failed"); n != 1 {
		t.Errorf("got %d tries of a bad file, want 1", n)
	}
	contains(t, e.scrape(t, "10"), "zuora_exporter_config_last_reload_successful 0", jobRead(runningJob))
}

// A file that is written slowly is loaded once it is complete. Here each part
// of it that ends with a line is valid.
func TestAutoReloadOfAFileWrittenSlowly(t *testing.T) {
	t.Parallel()
	s, jobs := manyJobs(t, 20, 0)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file, "--config.auto-reload-interval=500ms")
	for n := range jobs { // it takes a second, two or three looks
		rewriteConfig(t, file, s, "", jobs[:n+1]...)
		time.Sleep(60 * time.Millisecond)
	}
	e.hasLogged(t, "Reloaded the configuration")
	time.Sleep(time.Second)
	if n := strings.Count(e.output.String(), "Reloaded the configuration"); n != 1 || !strings.Contains(e.output.String(), "jobs=20 added=20 removed=1") {
		t.Errorf("got %d reloads, want one of 20 jobs:\n%s", n, e.output)
	}
}
