package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// fifo makes a named pipe: a file of which no reading ends until somebody
// writes to it.
func fifo(t *testing.T, name string) {
	t.Helper()
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A CA file on a file system that hangs keeps no page waiting. What was read
// serves meanwhile, and a reload to a good file helps at once.
func TestCAFileThatHangs(t *testing.T) {
	t.Parallel()
	certificate := testutil.NewCertificate(t)
	s := zuoratest.NewTLSServer(certificate.Pair)
	t.Cleanup(s.Close)
	s.SetSampleJob()
	s.SetJob(zuoratest.Job{ID: waitingJob, Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
	dir := t.TempDir()
	ca := testutil.Write(t, dir, "ca.pem", certificate.CertPEM)
	testutil.Write(t, dir, "good.pem", certificate.CertPEM)
	file := filepath.Join(dir, "zuora_exporter.yml")
	rewriteConfig(t, file, s, "tls_config: {ca_file: ca.pem}", zuoratest.SampleJobID)
	e := start(t, "--config.file="+file)
	contains(t, e.scrape(t, "5"), `zuora_up{tenant="t"} 1`)
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	fifo(t, ca)
	for range 3 {
		contains(t, e.scrape(t, "1"), `zuora_data_labeling_job_scrape_success{job_id="`+zuoratest.SampleJobID+`",tenant="t"} 1`,
			`zuora_data_labeling_job_scrape_duration_seconds{job_id="`+zuoratest.SampleJobID+`",tenant="t"} 0`)
		_, page := e.get(t, "/probe?target="+waitingJob, "X-Prometheus-Scrape-Timeout-Seconds", "1")
		contains(t, page, `zuora_up{tenant="t"} 0`, `zuora_data_labeling_job_scrape_error{job_id="`+waitingJob+`",reason="timeout",tenant="t"} 1`)
	}
	rewriteConfig(t, file, s, "tls_config: {ca_file: good.pem}", zuoratest.SampleJobID, waitingJob)
	if status, body := e.reload(t); status != 200 {
		t.Fatalf("got %d, want 200: %s", status, body)
	}
	contains(t, e.scrape(t, "1"), `zuora_up{tenant="t"} 1`, `zuora_data_labeling_job_scrape_success{job_id="`+waitingJob+`",tenant="t"} 1`)
	e.signal(t, syscall.SIGTERM)
	if code := e.exitCode(t, 5*time.Second); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// A reload that hangs blocks neither signals nor the exit.
func TestReloadThatHangs(t *testing.T) {
	testutil.Slow(t)
	for name, reload := range map[string]func(t *testing.T, e *exporter){
		"SIGHUP": func(t *testing.T, e *exporter) { e.signal(t, syscall.SIGHUP) },
		"POST":   func(t *testing.T, e *exporter) { go e.request(t.Context(), http.MethodPost, "/-/reload") },
	} {
		for _, end := range [][]syscall.Signal{{syscall.SIGTERM}, {syscall.SIGINT, syscall.SIGINT}} {
			t.Run(fmt.Sprint(name, end), func(t *testing.T) {
				t.Parallel()
				s := newStandIn(t)
				file := writeConfig(t, s, "", zuoratest.SampleJobID)
				e := start(t, "--config.file="+file)
				if err := os.Remove(file); err != nil {
					t.Fatal(err)
				}
				fifo(t, file)
				reload(t, e)
				time.Sleep(200 * time.Millisecond)
				contains(t, e.scrape(t, "5"), `zuora_up{tenant="t"} 1`)
				for _, signal := range end {
					_ = e.cmd.Process.Signal(signal) // it may have ended at the first
					time.Sleep(200 * time.Millisecond)
				}
				within := 12 * time.Second
				if len(end) > 1 {
					within = time.Second
				}
				if code := e.exitCode(t, within); code != 0 && len(end) == 1 {
					t.Errorf("exit code %d, want 0", code)
				}
			})
		}
	}
}

// Health checks by TCP on a TLS port are no news.
func TestHealthChecksOnATLSPort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testutil.NewCertificate(t).Write(t, dir)
	web := filepath.Join(dir, "web.yml")
	if err := os.WriteFile(web, []byte("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := start(t, "--config.file="+writeConfig(t, newStandIn(t), ""), "--web.config.file="+web)
	for range 50 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	time.Sleep(200 * time.Millisecond)
	if text := e.output.String(); strings.Contains(text, "level=warn") {
		t.Errorf("warnings:\n%s", text)
	}
}

// A bad option, or a file that is missing, ends the exporter with one sentence
// in the log's format.
func TestFatalErrors(t *testing.T) {
	t.Parallel()
	good := writeConfig(t, newStandIn(t), "")
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"two slashes":          {[]string{"--config.file=" + good, "--web.telemetry-path=//metrics"}, "clean path"},
		"an escape":            {[]string{"--config.file=" + good, "--web.telemetry-path=/prob%65"}, "clean path"},
		"a path that is taken": {[]string{"--config.file=" + good, "--web.telemetry-path=/probe"}, "is taken"},
		"a negative interval":  {[]string{"--config.file=" + good, "--config.auto-reload-interval=-1s"}, "below 0"},
		"no file":              {[]string{"--config.file=/nothing/here.yml"}, "--config.file, or try --demo"},
		"no file, JSON":        {[]string{"--config.file=/nothing/here.yml", "--log.format=json"}, `"level":"error"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, output := runOnce(t, tc.args...)
			lines := slices.Collect(strings.Lines(output))
			if last := lines[len(lines)-1]; code != 1 || !strings.Contains(last, tc.want) || !strings.Contains(last, "error") {
				t.Errorf("exit code %d and\n%swant 1 and, in an error line, %s", code, output, tc.want)
			}
		})
	}
}

// The file is reloaded by itself once it has changed: also if a symbolic link
// is swapped, as Kubernetes does with a ConfigMap.
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
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(e.scrape(t, "10"), runningJob); {
		if time.Now().After(deadline) {
			t.Fatal("not reloaded within 10 s")
		}
	}
	publish("..3", "not a job")
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(e.output.String(), "configuration failed"); {
		if time.Now().After(deadline) {
			t.Fatal("the bad file was not noticed within 10 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	if n := strings.Count(e.output.String(), "configuration failed"); n != 1 {
		t.Errorf("a bad file was tried %d times, want once", n)
	}
	contains(t, e.scrape(t, "10"), "zuora_exporter_config_last_reload_successful 0", `zuora_up{tenant="t"} 1`)
}

// A probe explains itself.
func TestProbeExplained(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, ""))
	path := "/probe?debug=true&target=" + zuoratest.SampleJobID
	for _, token := range []string{"new", "kept"} {
		_, page := e.get(t, path)
		for _, want := range []string{
			"Token: " + token + "\n", "operation=data_labeling_job, HTTP 200, duration=", "Zuora-Request-Id=", "Zuora-Track-Id=",
			"Read: status \"Completed\", object type \"Account\"\n", "\nzuora_up{tenant=\"t\"} 1\n",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q:\n%s", want, page)
			}
		}
	}
	s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(404, "application/json", `{"reasons":[{"code":50000040,"message":"The job does not exist"}]}`))
	if _, page := e.get(t, path); !strings.Contains(page, "Error: not_found: HTTP 404: 50000040: The job does not exist\n") {
		t.Errorf("the page does not tell the error:\n%s", page)
	}
}
