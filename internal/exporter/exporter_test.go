package exporter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a configuration file in a string.
type source struct {
	mu   sync.Mutex
	text string
}

func (s *source) set(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = text
}

func (s *source) get() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

func (s *source) load() (*config.Config, error) { return config.Parse("test.yml", []byte(s.get())) }

// tenantOf configures the sample job of the stand-in.
func tenantOf(standIn *zuoratest.Server, settings ...string) string {
	text := fmt.Sprintf("tenants:\n- name: t\n  base_url: %s\n  oauth2: {client_id: %q, client_secret: %q}\n", standIn.URL, zuoratest.ClientID, zuoratest.ClientSecret)
	for _, s := range settings {
		text += "  " + s + "\n"
	}
	return text + "  jobs: [{id: " + zuoratest.SampleJobID + "}]\n"
}

func newExporter(t *testing.T, s *source) *Exporter {
	t.Helper()
	cfg, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(cfg, s.load, server.Options{TelemetryPath: "/metrics", Logger: log.NewNopLogger()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func get(e *Exporter, path string) (status int, body string) {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func reload(t *testing.T, e *Exporter) {
	t.Helper()
	if _, err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A scrape finishes with what it began with, however many reloads happen
// meanwhile.
func TestReloadsDuringAScrape(t *testing.T) {
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	standIn.SetSampleJob()
	s := &source{text: tenantOf(standIn)}
	e := newExporter(t, s)
	standIn.SetLatency(200 * time.Millisecond)
	for i := range 10 {
		s.set(tenantOf(standIn, fmt.Sprintf("request_timeout: %dms", 4000+i)))
		reload(t, e)
		before := standIn.Counters().TokenRequests
		page := make(chan string)
		go func() {
			_, body := get(e, "/metrics")
			page <- body
		}()
		for standIn.Counters().TokenRequests == before {
			time.Sleep(time.Millisecond)
		}
		reload(t, e) // leaves the tenant as it is
		s.set(tenantOf(standIn, fmt.Sprintf("request_timeout: %dms", 5000+i)))
		reload(t, e) // changes it
		if body := <-page; strings.Contains(body, "scrape_error{") {
			t.Fatalf("the scrape failed: %s", grep(body, "scrape_error{"))
		}
	}
}

func grep(text, part string) (found []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}

// A tenant keeps its token if nothing but its jobs and intervals change.
func TestReloadKeepsTheTenant(t *testing.T) {
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	standIn.SetSampleJob()
	s := &source{text: tenantOf(standIn)}
	e := newExporter(t, s)
	get(e, "/metrics")
	for _, step := range []struct {
		settings []string
		tokens   int
	}{
		{nil, 1},
		{[]string{"refresh_interval: 1m", "completed_refresh_interval: 1h"}, 1},
		{[]string{"api_version: 341.0"}, 2},
		{[]string{"api_version: 341.0"}, 2},
	} {
		s.set(tenantOf(standIn, step.settings...))
		changes, err := e.Reload(t.Context())
		if want := "1 job now, 0 added, 0 removed"; err != nil || changes != want {
			t.Errorf("%q: got %q and the error %v, want %q", step.settings, changes, err, want)
		}
		get(e, "/metrics")
		if got := standIn.Counters().TokenRequests; got != step.tokens {
			t.Errorf("%q: got %d token requests in all, want %d", step.settings, got, step.tokens)
		}
	}
}

// A bad file leaves all as it was, and says so.
func TestBadReload(t *testing.T) {
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	standIn.SetSampleJob()
	s := &source{text: tenantOf(standIn)}
	e := newExporter(t, s)
	s.set("tenants: []")
	if _, err := e.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "test.yml:1: tenants") {
		t.Errorf("got the error %v, want one that names file, line and key", err)
	}
	_, body := get(e, "/metrics")
	for _, want := range []string{`scrape_success{job_id="` + zuoratest.SampleJobID + `",tenant="t"} 1`, "zuora_exporter_config_last_reload_successful 0"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	s.set(tenantOf(standIn))
	reload(t, e)
	if _, body := get(e, "/metrics"); !strings.Contains(body, "zuora_exporter_config_last_reload_successful 1") {
		t.Errorf("the page does not tell that the reload succeeded:\n%s", body)
	}
}
