package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestScrapeIsAnsweredInTime(t *testing.T) {
	s := newStandIn(t)
	for _, id := range []string{runningJob, waitingJob, oddJob} {
		s.SetFault(id, zuoratest.Hang())
	}
	e := start(t, "--config.file="+writeConfig(t, s, "max_concurrent_requests: 2", zuoratest.SampleJobID, runningJob, waitingJob, oddJob))
	begun := time.Now()
	page := e.scrape(t, "1")
	if took := time.Since(begun); took > time.Second {
		t.Errorf("got an answer after %s, want it within 1s", took)
	}
	contains(t, page, `zuora_up{tenant="t"} 1`,
		`zuora_data_labeling_job_labeled_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="t"} 9`,
		`zuora_data_labeling_job_scrape_error{job_id="`+runningJob+`",reason="timeout",tenant="t"} 1`,
		`zuora_data_labeling_job_scrape_error{job_id="`+waitingJob+`",reason="timeout",tenant="t"} 1`,
		`zuora_data_labeling_job_scrape_error{job_id="`+oddJob+`",reason="timeout",tenant="t"} 1`)
	if lines := samples(page, "zuora_data_labeling_job_scrape_duration_seconds"); len(lines) != 3 {
		t.Errorf("got %d durations, want 3: one job had no time to begin\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

func TestScrapeTimeoutHeader(t *testing.T) {
	s := newStandIn(t)
	s.SetFault(zuoratest.AnyJob, zuoratest.Hang())
	e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 30s", zuoratest.SampleJobID), "--scrape.timeout-offset=700ms")
	for header, want := range map[string]time.Duration{
		"1":    500 * time.Millisecond, // never less than half
		"2":    1300 * time.Millisecond,
		"2.5":  1800 * time.Millisecond,
		"1e-3": 500 * time.Microsecond,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			e.scrape(t, header)
			if took := time.Since(begun); took < want || took > want+900*time.Millisecond {
				t.Errorf("got an answer after %s, want %s", took, want)
			}
		})
	}
}

func TestNoTokenNoData(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetSecret("another")
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	for range 5 {
		contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 0`,
			`zuora_data_labeling_job_scrape_error{job_id="`+zuoratest.SampleJobID+`",reason="auth",tenant="t"} 1`)
	}
	if n := s.Counters(); n.TokenRequests != 1 || n.JobRequests != 0 {
		t.Errorf("got %d token and %d job requests, want 1 and 0", n.TokenRequests, n.JobRequests)
	}
	s.SetSecret(zuoratest.ClientSecret)
	time.Sleep(1100 * time.Millisecond)
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
}

func TestBadConfigurationEndsInOneSentence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct{ content, want string }{
		"an unknown key":    {"tenants:\n- name: t\n  base_uri: x\n", `bad.yml:3: tenants[0].base_uri: `},
		"a bad duration":    {"tenants:\n- name: t\n  request_timeout: soon\n", `bad.yml:3: tenants[0].request_timeout: `},
		"not YAML":          {"tenants: [", `bad.yml`},
		"nothing":           {"", `bad.yml`},
		"a pasted password": {"tenants:\n- name: t\n  proxy_url: http://u:hunter2@:x\n", `bad.yml:3: tenants[0].proxy_url: `},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, "bad.yml")
			if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, check := range [][]string{{}, {"--config.check"}} {
				code, output := runOnce(t, append(check, "--config.file="+file)...)
				if code != 1 || !strings.Contains(output, tc.want) || strings.Count(output, "\n") != 1 || strings.Contains(output, "hunter2") {
					t.Errorf("got exit code %d, want 1 and a sentence with %q:\n%s", code, tc.want, output)
				}
			}
		})
	}
	if code, output := runOnce(t, "--config.file="+dir+"/none.yml"); code != 1 || strings.Count(output, "\n") != 1 {
		t.Errorf("a missing file: got exit code %d, want 1 and a sentence:\n%s", code, output)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	code, help := runOnce(t, "--help")
	for _, flag := range []string{
		"config.file", "config.check", "config.check-api", "config.auto-reload-interval", "demo",
		"scrape.timeout-offset", "web.telemetry-path", "web.enable-pprof", "web.listen-address", "web.config.file", "web.systemd-socket", "log.level", "log.format", "version",
	} {
		if code != 0 || !regexp.MustCompile(`--(\[no-\])?`+regexp.QuoteMeta(flag)+`\b`).MatchString(help) {
			t.Errorf("--help: got exit code %d, want 0 and --%s:\n%s", code, flag, help)
		}
	}
	for _, bad := range []string{"--nonsense", "--log.level=loud", "--scrape.timeout-offset=x", "--web.telemetry-path=metrics", "--web.telemetry-path=/-/ready"} {
		if code, output := runOnce(t, "--demo", "--web.listen-address=127.0.0.1:0", bad); code != 1 || strings.Contains(output, "goroutine") {
			t.Errorf("%s: got exit code %d, want 1 without a stack trace:\n%s", bad, code, output)
		}
	}
}

func TestTelemetryPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/elsewhere", "/"} {
		e := start(t, "--demo", "--web.telemetry-path="+path)
		if status, page := e.get(t, path); status != 200 || !strings.Contains(page, "zuora_up") {
			t.Errorf("%s: got %d, want 200 and the metrics", path, status)
		}
		if status, _ := e.get(t, "/metrics"); status != 404 {
			t.Errorf("/metrics: got %d, want 404", status)
		}
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	e := start(t, "--demo")
	before := e.scrape(t, "10")
	if n := len(samples(before, "zuora_data_labeling_job_scrape_success")); n != 9 {
		t.Errorf("got %d jobs, want 9", n)
	}
	for what, pattern := range map[string]string{
		"waiting job":              `_status\{.*status="Accepted".*\} 1`,
		"a running job":            `_status\{.*status="Dispatched".*\} 1`,
		"a completed job":          `_status\{.*status="Completed".*\} 1`,
		"an undocumented state":    `_status\{.*status="Suspended".*\} 1`,
		"an unknown job":           `_scrape_error\{.*reason="not_found".*\} 1`,
		"failures":                 `_failed_objects\{.*PaymentRun.*\} [1-9]`,
		"timeouts":                 `_timeout_objects\{.*PaymentRun.*\} [1-9]`,
		"limits":                   `zuora_api_rate_limit_remaining_requests\{.*\} [1-9]`,
		"a tenant that can be had": `zuora_up\{.*\} 1`,
	} {
		if !regexp.MustCompile(pattern).MatchString(before) {
			t.Errorf("the demo shows no %s, want %s", what, pattern)
		}
	}
	moving := func(page string) float64 {
		lines := samples(page, "zuora_data_labeling_job_labeled_objects")
		var sum float64
		for _, line := range lines {
			v, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += v
		}
		return sum
	}
	for deadline := time.Now().Add(10 * time.Second); moving(e.scrape(t, "10")) <= moving(before); {
		if time.Now().After(deadline) {
			t.Fatal("got the same counts for 10s, want a job that moves")
		}
		time.Sleep(200 * time.Millisecond)
	}
	if !strings.Contains(e.output.String(), "/metrics") {
		t.Errorf("got no address of /metrics in\n%s", e.output)
	}
}

func TestShutdownFinishesScrapes(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t, zuoratest.WithLatency(time.Second))
			e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
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
			e.signal(t, sig)
			contains(t, <-page, `zuora_data_labeling_job_scrape_success{job_id="`+zuoratest.SampleJobID+`",tenant="t"} 1`)
			if code := e.exitCode(t, 10*time.Second); code != 0 {
				t.Errorf("got exit code %d, want 0", code)
			}
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	s := newStandIn(t)
	s.SetFault(zuoratest.AnyJob, zuoratest.Hang())
	e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 30s", zuoratest.SampleJobID))
	go e.request(t.Context(), http.MethodGet, "/metrics")
	for s.Counters().JobRequests == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	e.signal(t, syscall.SIGTERM)
	for !strings.Contains(e.output.String(), "Shutting down") {
		time.Sleep(5 * time.Millisecond)
	}
	begun := time.Now()
	e.signal(t, syscall.SIGTERM)
	if e.exitCode(t, 5*time.Second); time.Since(begun) > time.Second {
		t.Errorf("got the exit after %s, want it within 1s", time.Since(begun))
	}
}
