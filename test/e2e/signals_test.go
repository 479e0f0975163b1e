package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// fifo puts a named pipe in the place of a file: no reading of it ends until
// somebody writes to it.
func fifo(t *testing.T, file string) {
	t.Helper()
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A reader of the log that goes away ends nothing.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	e := &exporter{URL: "http://" + freeAddress(t)}
	e.cmd = exec.Command(binary(), "--web.listen-address="+strings.TrimPrefix(e.URL, "http://"), "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	output, err := e.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.cmd.Process.Kill()
		e.cmd.Wait()
	})
	lines := bufio.NewReader(output)
	for line := ""; !strings.Contains(line, "TLS is disabled"); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	output.Close()
	for _, fault := range []zuoratest.Fault{zuoratest.Respond(500, "text/plain", "x"), {}, zuoratest.Respond(500, "text/plain", "x")} {
		s.SetFault(zuoratest.AnyJob, fault)
		for range 2 {
			e.scrape(t, "10")
		}
	}
}

// A SIGHUP that comes during the first read of the file causes a reload after
// it.
func TestEarlySIGHUP(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID)
	fifo(t, file)
	e := launch(t, "--web.listen-address=127.0.0.1:0", "--config.file="+file)
	pipe, err := os.OpenFile(file, os.O_WRONLY, 0) // returns once the exporter reads
	if err != nil {
		t.Fatal(err)
	}
	e.signal(t, syscall.SIGHUP)
	time.Sleep(50 * time.Millisecond)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	rewriteConfig(t, file, s, "", zuoratest.SampleJobID)
	if _, err := pipe.WriteString(config(s, "", zuoratest.SampleJobID)); err != nil {
		t.Fatal(err)
	}
	pipe.Close()
	e.hasLogged(t, "Reloaded the configuration")
}

func TestShutdownFinishesScrapes(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			s.SetLatency(time.Second)
			e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
			page := e.begin(t, s, "/metrics")
			e.signal(t, sig)
			contains(t, <-page, jobRead(zuoratest.SampleJobID))
			if code := e.exitCode(t, 10*time.Second); code != 0 {
				t.Errorf("got exit code %d, want 0", code)
			}
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetFault(zuoratest.AnyJob, zuoratest.Hang())
	e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 30s", zuoratest.SampleJobID))
	e.begin(t, s, "/metrics")
	e.signal(t, syscall.SIGTERM)
	e.hasLogged(t, "Shutting down")
	e.signal(t, syscall.SIGTERM)
	e.exitCode(t, 2*time.Second) // the scrape would take 9.5 s
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
			file := writeConfig(t, newStandIn(t), "", zuoratest.SampleJobID)
			e := start(t, "--config.file="+file)
			fifo(t, file)
			ask(t, e)
			pipe, err := os.OpenFile(file, os.O_WRONLY, 0) // returns once the exporter reads
			if err != nil {
				t.Fatal(err)
			}
			defer pipe.Close()
			contains(t, e.scrape(t, "5"), `zuora_up{tenant="t"} 1`)
			e.signal(t, syscall.SIGTERM)
			if code := e.exitCode(t, 2*time.Second); code != 0 {
				t.Errorf("got exit code %d, want 0", code)
			}
		})
	}
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
