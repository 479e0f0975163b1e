package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	for id, up := range map[string]int{zuoratest.SampleJobID: 1, runningJob: 1, unknownJob: 1, brokenJob: 0} {
		status, page := e.get(t, "/probe?tenant=t&target="+id)
		if status != 200 {
			t.Fatalf("got %d, want 200\n%s", status, page)
		}
		contains(t, page, fmt.Sprintf(`zuora_up{tenant="t"} %d`, up))
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "zuora_up{") && !regexp.MustCompile(`^zuora_data_labeling_job_.*job_id="`+id+`"`).MatchString(line) {
				t.Errorf("got %q, want only zuora_up and the job's metrics", line)
			}
		}
	}
	if strings.Contains(e.output.String(), unknownJob) {
		t.Error("got a log line about a job that is not configured, want it at debug only")
	}
	if page := e.scrape(t, "10"); strings.Contains(page, runningJob) {
		t.Error("got a probed job on /metrics, want configured jobs only")
	}
}

// explained fails if the explanation of a probe lacks something.
func (e *exporter) explained(t *testing.T, want ...string) {
	t.Helper()
	_, page := e.get(t, "/probe?debug=true&target="+zuoratest.SampleJobID)
	for _, want := range want {
		if !strings.Contains(page, want) {
			t.Errorf("got\n%s\nwant %q", page, want)
		}
	}
}

const explainedSample = "Read: status \"Completed\", object type \"Account\"\n"

// A probe tells what was sent.
func TestProbeExplained(t *testing.T) {
	t.Parallel()
	e := start(t, "--config.file="+writeConfig(t, newStandIn(t), ""))
	for _, token := range []string{"new", "kept"} {
		e.explained(t, "Token: "+token+"\n", "operation=data_labeling_job, HTTP 200, duration=", "Zuora-Request-Id=", "Zuora-Track-Id=",
			explainedSample, "\nzuora_up{tenant=\"t\"} 1\n")
	}
}

// What an error says in a shape that nobody documents is all that tells a person
// what to do.
func TestProbeExplainsErrors(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetFault(zuoratest.AnyJob, zuoratest.Respond(401, "text/plain", "Client IP 203.0.113.7 is not in the allowed login range"))
	start(t, "--config.file="+writeConfig(t, s, "")).explained(t, "Error: auth: ", "Client IP 203.0.113.7 is not in the allowed login range")
}

// A proxy that refuses is named.
func TestProbeByAProxyThatRefuses(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	s := zuoratest.NewTLSServer(testutil.NewCertificate(t).Pair)
	t.Cleanup(s.Close)
	e := start(t, "--config.file="+writeConfig(t, s, "proxy_url: "+proxy.URL))
	e.explained(t, "Error: unavailable: getting a token: ", "the proxy refused: HTTP 403\n")
}

// Two exporters share the jobs of a file by hashmod, as the README has it: each
// job is read by one of them.
func TestShardedProbes(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	s, jobs := manyJobs(t, 12, 0)
	file := testutil.Write(t, t.TempDir(), "jobs.json", `[{"targets":["`+strings.Join(jobs, `","`)+`"],"labels":{"zuora_tenant":"t"}}]`)
	config := "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n"
	for shard := range 2 {
		e := start(t, "--config.file="+writeConfig(t, s, ""))
		config += fmt.Sprintf(`
- job_name: zuora-%d
  metrics_path: /probe
  file_sd_configs: [{files: [%q]}]
  relabel_configs:
  - {source_labels: [__address__], modulus: 2, target_label: __tmp_shard, action: hashmod}
  - {source_labels: [__tmp_shard], regex: "%d", action: keep}
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {source_labels: [zuora_tenant], target_label: __param_tenant}
  - {regex: zuora_tenant, action: labeldrop}
  - {target_label: __address__, replacement: %q}
`, shard, file, shard, strings.TrimPrefix(e.URL, "http://"))
	}
	p := startPrometheus(t, config)
	eventually(t, "all jobs, each once", func() bool {
		return len(p.query(t, `zuora_data_labeling_job_status{status="Dispatched",tenant="t"} == 1`)) == 12
	})
	if n := len(p.query(t, `count by (job_id) (zuora_data_labeling_job_scrape_success) > 1`)); n > 0 {
		t.Errorf("got %d jobs that both exporters read, want none", n)
	}
	if n := len(p.query(t, `count by (job) (zuora_data_labeling_job_scrape_success)`)); n != 2 {
		t.Errorf("got %d exporters with jobs, want 2", n)
	}
	// Each probe is a target of its own: without an instance label they would
	// all write one series.
	if n := len(p.query(t, "up == 1")); n != 12 {
		t.Errorf("got %d targets that are up, want 12", n)
	}
	if n := s.Counters().TokensIssued; n != 2 {
		t.Errorf("got %d tokens, want 2: one for each exporter", n)
	}
}
