package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// A scrape in progress keeps the configuration that it began with. A read in
// progress continues, and its answer serves the next scrape or probe.
func TestReload(t *testing.T) {
	t.Parallel()
	const settings = "refresh_interval: 1h"
	s, jobs := manyJobs(t, 2, 500*time.Millisecond)
	e := serve(t, s, settings, jobs[0])
	scraped, probed := e.begin(t, s, "/metrics"), e.begin(t, s, probeOf(jobs[1]))
	e.configure(t, s, settings, jobs[1])
	e.signal(t, syscall.SIGHUP)
	e.hasLogged(t, `msg="Reloaded the configuration" tenants=1 jobs=1 added=1 removed=1`)
	page := e.scrape(t)
	contains(t, page, jobRead(jobs[1]))
	if strings.Contains(page, jobs[0]) {
		t.Error("got the removed job, want it gone")
	}
	contains(t, <-scraped, jobRead(jobs[0]))
	contains(t, <-probed, jobRead(jobs[1]))
	contains(t, e.reload(t, s, settings), "0 jobs now, 0 added, 1 removed")
	contains(t, e.probe(t, jobs[1]), jobRead(jobs[1]))
	if n := s.Counters().JobRequests; n != 2 {
		t.Errorf("got %d requests, want one for each job", n)
	}
	e.reload(t, s, "request_timeout: 7s", jobs[0])
	scraped = e.begin(t, s, "/metrics")
	e.reload(t, s, "request_timeout: 8s") // another client
	contains(t, <-scraped, jobRead(jobs[0]))
}

// A changed file is reloaded by itself: also if a symbolic link is swapped, as
// Kubernetes does with a ConfigMap. One that is written slowly is loaded once it
// is complete, and a bad one leaves the one before in use.
func TestAutoReload(t *testing.T) {
	t.Parallel()
	s, jobs := manyJobs(t, 20, 0)
	dir := t.TempDir()
	data, link := filepath.Join(dir, "..data"), filepath.Join(dir, "..data_tmp")
	publish := func(version, job string) {
		t.Helper()
		must(t, os.Mkdir(filepath.Join(dir, version), 0o700), os.Symlink(version, link))
		testutil.Write(t, link, "zuora_exporter.yml", config(s, "", job))
		must(t, os.Rename(link, data))
	}
	publish("..1", zuoratest.SampleJobID)
	file := filepath.Join(data, "zuora_exporter.yml")
	e := start(t, "--config.file="+file, "--config.auto-reload-interval=400ms")
	publish("..2", jobs[0])
	e.hasLogged(t, "jobs=1 added=1 removed=1")
	publish("..3", "not a job")
	e.hasLogged(t, "configuration failed")
	contains(t, e.scrape(t), "zuora_exporter_config_last_reload_successful 0\n", jobRead(jobs[0]))
	for n := range jobs { // each part that ends with a line is valid
		testutil.Write(t, data, "zuora_exporter.yml", config(s, "", jobs[:n+1]...))
		time.Sleep(50 * time.Millisecond)
	}
	e.hasLogged(t, "jobs=20 added=19 removed=0")
	if n := strings.Count(e.output.String(), "Reloaded the configuration"); n != 2 {
		t.Errorf("got %d reloads, want 2", n)
	}
}

// A report that is interrupted ends as any command does.
func TestReportThatIsInterrupted(t *testing.T) {
	t.Parallel()
	s, jobs := manyJobs(t, 1, 0)
	s.SetFault(jobs[0], zuoratest.Hang())
	p := newProcess(binary(), "--config.check-api", "--config.file="+writeConfig(t, s, "", jobs...)).run(t)
	eventually(t, "a read in progress", func() bool { return s.Counters().JobRequests > 0 })
	p.signal(t, syscall.SIGTERM)
	p.exits(t, -1, 4*time.Second)
	if strings.Contains(p.output.String(), "panic") {
		t.Error("got a panic, want none")
	}
}

// fifo puts a named pipe in the place of a file: no reading of it ends until
// somebody writes to it.
func fifo(t *testing.T, file string) {
	t.Helper()
	must(t, os.RemoveAll(file), syscall.Mkfifo(file, 0o600))
}

// openFIFO returns once somebody reads the pipe.
func openFIFO(t *testing.T, file string) *os.File {
	t.Helper()
	pipe, err := os.OpenFile(file, os.O_WRONLY, 0)
	must(t, err)
	t.Cleanup(func() { pipe.Close() })
	return pipe
}

// A reload that hangs blocks neither pages nor the exit.
func TestReloadThatHangs(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(t *testing.T, e *exporter){
		"SIGHUP": func(t *testing.T, e *exporter) { e.signal(t, syscall.SIGHUP) },
		"POST":   func(t *testing.T, e *exporter) { go e.request(t.Context(), http.MethodPost, "/-/reload") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := serve(t, newStandIn(t), "", zuoratest.SampleJobID)
			fifo(t, e.file)
			ask(t, e)
			openFIFO(t, e.file)
			contains(t, e.scrape(t), isUp)
			e.signal(t, syscall.SIGTERM)
			e.exits(t, 0, 2*time.Second)
		})
	}
}

// A SIGHUP that comes during the first read of the file causes a reload after
// it.
func TestEarlySIGHUP(t *testing.T) {
	t.Parallel()
	content := config(newStandIn(t), "", zuoratest.SampleJobID)
	file := filepath.Join(t.TempDir(), "zuora_exporter.yml")
	fifo(t, file)
	p := newProcess(binary(), "--web.listen-address=127.0.0.1:0", "--config.file="+file).run(t)
	pipe := openFIFO(t, file)
	p.signal(t, syscall.SIGHUP)
	must(t, os.Remove(file))
	testutil.Write(t, filepath.Dir(file), filepath.Base(file), content)
	_, err := pipe.WriteString(content)
	must(t, err, pipe.Close())
	p.hasLogged(t, "Reloaded the configuration")
}

// The first signal lets scrapes in progress finish, the second ends all at once.
func TestShutdown(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]syscall.Signal{
		"SIGTERM": {syscall.SIGTERM}, "SIGINT": {syscall.SIGINT}, "SIGTERM twice": {syscall.SIGTERM, syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			s.SetLatency(time.Second)
			if len(signals) > 1 {
				s.SetFault(zuoratest.AnyJob, zuoratest.Hang()) // the scrape would take 9.5 s
			}
			e := serve(t, s, "request_timeout: 30s", zuoratest.SampleJobID)
			page := e.begin(t, s, "/metrics")
			e.signal(t, signals[0])
			e.hasLogged(t, "Shutting down")
			if len(signals) > 1 {
				e.signal(t, signals[1])
				e.exits(t, 128+15, 5*time.Second)
				return
			}
			contains(t, <-page, jobRead(zuoratest.SampleJobID))
			e.exits(t, 0, 5*time.Second)
		})
	}
}

// A reader of the log that goes away ends nothing.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	address := freeAddress(t)
	e := &exporter{URL: "http://" + address}
	e.process = newProcess(binary(), "--web.listen-address="+address, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	reader, writer, err := os.Pipe()
	must(t, err)
	e.cmd.Stderr = writer
	e.run(t)
	writer.Close()
	e.ready(t, func() bool {
		_, _, err := e.request(t.Context(), http.MethodGet, "/-/ready")
		return err == nil
	})
	reader.Close()
	for _, fault := range []zuoratest.Fault{zuoratest.Respond(500, "text/plain", "x"), {}, zuoratest.Respond(500, "text/plain", "x")} {
		s.SetFault(zuoratest.AnyJob, fault)
		for range 2 {
			e.scrape(t)
		}
	}
}
