package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// prometheus is a running Prometheus.
type prometheus struct{ URL string }

// startPrometheus starts Debian's Prometheus with a configuration, and with
// further flags.
func startPrometheus(t *testing.T, config string, flags ...string) *prometheus {
	t.Helper()
	program := required(t, "prometheus")
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	var output buffer
	cmd := exec.Command(program, append(flags, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus's output:\n%s", &output)
		}
	})
	p := &prometheus{URL: "http://" + address}
	eventually(t, "Prometheus is ready", func() bool {
		resp, err := http.Get(p.URL + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// freeAddress returns an address of the loopback interface that nobody
// listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits for what another process does in its own time.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// query returns the series that an expression has now, as "labels value".
func (p *prometheus) query(t *testing.T, expression string) []sample {
	t.Helper()
	resp, err := http.Get(p.URL + "/api/v1/query?query=" + url.QueryEscape(expression))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct{ Result []sample }
	}
	if err := json.Unmarshal(body, &answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %v\n%s", expression, resp.StatusCode, err, body)
	}
	return answer.Data.Result
}

type sample struct {
	Metric map[string]string
	Value  [2]any // the instant, and the value as a string
}

// Two exporters share the jobs of a file by hashmod, as the README has it: each
// job is read by one of them.
func TestShardedProbes(t *testing.T) {
	required(t, "prometheus")
	s := newStandIn(t)
	var targets []string
	for i := range 12 {
		id := fmt.Sprintf("%032x", i+1)
		s.SetJob(zuoratest.Job{ID: id, ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
		targets = append(targets, `"`+id+`"`)
	}
	file := filepath.Join(t.TempDir(), "jobs.json")
	if err := os.WriteFile(file, []byte(`[{"targets":[`+strings.Join(targets, ",")+`],"labels":{"zuora_tenant":"t"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
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
		return len(p.query(t, `zuora_data_labeling_job_status{status="Accepted",tenant="t"} == 1`)) == 12
	})
	if n := len(p.query(t, `count by (job_id) (zuora_data_labeling_job_scrape_success) > 1`)); n > 0 {
		t.Errorf("%d jobs are read by both", n)
	}
	if n := len(p.query(t, `count by (job) (zuora_data_labeling_job_scrape_success)`)); n != 2 {
		t.Errorf("%d exporters have jobs", n)
	}
	// Each probe is a target of its own: without an instance label they would
	// all write one series.
	if n := len(p.query(t, "up == 1")); n != 12 {
		t.Errorf("%d targets are up", n)
	}
	if n := s.Counters().TokensIssued; n != 2 {
		t.Errorf("%d tokens for two exporters", n)
	}
}

// A job that is taken out by a reload is stale at once.
func TestReloadMakesAJobStale(t *testing.T) {
	required(t, "prometheus")
	s := scriptedStandIn(t)
	file := writeConfig(t, s, "", zuoratest.SampleJobID, runningJob)
	e := start(t, "--config.file="+file)
	p := startPrometheus(t, fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: zuora, static_configs: [{targets: [%q]}]}]\n", strings.TrimPrefix(e.URL, "http://")))
	seen := func() int { return len(p.query(t, "zuora_data_labeling_job_labeled_objects")) }
	eventually(t, "both jobs", func() bool { return seen() == 2 })
	rewriteConfig(t, file, s, "", runningJob)
	e.reload(t)
	eventually(t, "one job", func() bool { return seen() == 1 })
}
