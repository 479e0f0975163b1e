package exporter

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t *testing.T, file string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("test.yml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// tenantOf returns a tenant of the stand-in, to which more lines may be added.
func tenantOf(standIn *zuoratest.Server, name, secret string, jobs ...string) string {
	return fmt.Sprintf("- name: %s\n  base_url: %s\n  oauth2: {client_id: %q, client_secret: %q}\n  jobs: [%s]\n",
		name, standIn.URL, zuoratest.ClientID, secret, strings.Join(jobs, ", "))
}

// A reload takes the whole file or nothing. A tenant keeps its token and its
// connection if nothing but its jobs and intervals change.
func TestReload(t *testing.T) {
	const other = "00000000000000000000000000000001"
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	standIn.SetSampleJob()
	standIn.SetJob(zuoratest.Job{ID: other, Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
	tenant := func(name, job string, settings ...string) string {
		return tenantOf(standIn, name, zuoratest.ClientSecret, "{id: "+job+"}") + "  " + strings.Join(settings, "\n  ") + "\n"
	}
	told := regexp.MustCompile(`(?m)(?:scrape_success\{.*|last_reload_successful) \d$`) // of a page
	read := func(name, job string) string {
		return fmt.Sprintf(`scrape_success{job_id="%s",tenant="%s"} 1`, job, name)
	}
	const intervals, version = "refresh_interval: 1ms\n  completed_refresh_interval: 1ms", `api_version: "341.0"`
	const good = "last_reload_successful 1"

	file := tenant("t", zuoratest.SampleJobID)
	load := func() (*config.Config, error) { return config.Parse("test.yml", []byte("tenants:\n"+file)) }
	e, err := New(t.Context(), parse(t, "tenants:\n"+file), load, server.Options{TelemetryPath: "/metrics", Logger: log.NewNopLogger()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.start(&config.Config{}) // closes the connections
	scrape := func() []string {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return told.FindAllString(w.Body.String(), -1)
	}
	scrape()
	for _, step := range []struct {
		name, file string
		want       string   // the changes, or the error
		on         []string // the page
		tokens     int      // requested since the start, each on a connection of its own
	}{
		{"the same", file, "1 job now, 0 added, 0 removed", []string{read("t", zuoratest.SampleJobID), good}, 1},
		{"another job", tenant("t", other), "1 job now, 1 added, 1 removed", []string{read("t", other), good}, 1},
		{"intervals", tenant("t", other, intervals), "1 job now, 0 added, 0 removed", []string{read("t", other), good}, 1},
		{"a version", tenant("t", other, version), "1 job now, 0 added, 0 removed", []string{read("t", other), good}, 2},
		{"one more tenant", tenant("t", other, version) + tenant("u", other), "2 jobs now, 1 added, 0 removed", []string{read("t", other), read("u", other), good}, 3},
		{"one tenant less", tenant("u", other), "1 job now, 0 added, 1 removed", []string{read("u", other), good}, 3},
		{"a bad file", tenant("u", "1"), `test.yml:5: tenants[0].jobs[0].id: `, []string{read("u", other), "last_reload_successful 0"}, 3},
		{"the good one again", tenant("u", other), "1 job now, 0 added, 0 removed", []string{read("u", other), good}, 3},
	} {
		file = step.file
		got, err := e.Reload()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.name, got, step.want)
		}
		if diff := cmp.Diff(step.on, scrape()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", step.name, diff)
		}
		if n := standIn.Counters(); n.TokenRequests != step.tokens || n.Connections != step.tokens {
			t.Errorf("%s: got %d tokens and %d connections, want %d of each", step.name, n.TokenRequests, n.Connections, step.tokens)
		}
	}
}
