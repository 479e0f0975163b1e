package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// prometheus is a running Prometheus.
type prometheus struct{ URL string }

// startPrometheus starts Debian's Prometheus with a configuration, and with
// further flags.
func startPrometheus(t *testing.T, config string, flags ...string) *prometheus {
	t.Helper()
	program := testutil.Tool(t, "prometheus")
	dir := t.TempDir()
	file := testutil.Write(t, dir, "prometheus.yml", config)
	address := freeAddress(t)
	runDaemon(t, "http://"+address+"/-/ready", program, append(flags,
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)...)
	return &prometheus{URL: "http://" + address}
}

// runDaemon starts a program and waits until it answers at a URL. The program is
// killed when the test ends, or stopped before.
func runDaemon(t *testing.T, readyURL, program string, args ...string) (stop func()) {
	t.Helper()
	var output buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("%s's output:\n%s", filepath.Base(program), &output)
		}
	})
	eventually(t, filepath.Base(program)+" is ready", func() bool {
		select {
		case <-exited:
			t.Fatalf("%s exited (%s) before it was ready", filepath.Base(program), cmd.ProcessState)
		default:
		}
		resp, err := http.Get(readyURL)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-exited
	}
}

// scrapeConfig is a configuration of Prometheus with the rules. It scrapes the
// exporters as the job zuora.
func scrapeConfig(interval string, exporters ...*exporter) string {
	var targets []string
	for _, e := range exporters {
		targets = append(targets, strconv.Quote(strings.TrimPrefix(e.URL, "http://")))
	}
	return fmt.Sprintf(`
global: {scrape_interval: %s, scrape_timeout: %[1]s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
- job_name: zuora
  static_configs: [{targets: [%s]}]
`, interval, rulesFile(), strings.Join(targets, ","))
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

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not seen within 30s: %s", what)
		}
	}
}

// eventuallyEqual waits until another process has the wanted result, and shows
// the last one if it does not come.
func eventuallyEqual[T any](t *testing.T, what string, want T, get func() T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		diff := cmp.Diff(want, get(), cmpopts.EquateEmpty())
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not seen within 30s: %s (-want +got):\n%s", what, diff)
		}
	}
}

// getJSON reads what an HTTP API answers.
func getJSON(t *testing.T, url string, answer any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d (error %v), want 200 and JSON:\n%s", url, resp.StatusCode, err, body)
	}
}

// query returns the series that an expression has now.
func (p *prometheus) query(t *testing.T, expression string) []sample {
	t.Helper()
	var answer struct {
		Data struct{ Result []sample }
	}
	getJSON(t, p.URL+"/api/v1/query?query="+url.QueryEscape(expression), &answer)
	return answer.Data.Result
}

type sample struct {
	Metric map[string]string
	Value  [2]any   // the instant, and the value as a string
	Values [][2]any // of a range: each as above
}

// Two exporters share the jobs of a file by hashmod, as the README has it: each
// job is read by one of them.
func TestShardedProbes(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	s := newStandIn(t)
	var targets []string
	for i := range 12 {
		id := fmt.Sprintf("%032x", i+1)
		s.SetJob(zuoratest.Job{ID: id, ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
		targets = append(targets, `"`+id+`"`)
	}
	file := testutil.Write(t, t.TempDir(), "jobs.json", `[{"targets":[`+strings.Join(targets, ",")+`],"labels":{"zuora_tenant":"t"}}]`)
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

// A job that a reload removes is stale at once.
func TestReloadMakesAJobStale(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
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

// Prometheus can scrape with TLS and a password, and with nothing less.
func TestScrapeByTLSWithPassword(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	e, certificate := startWithPassword(t, "--config.file="+writeConfig(t, newStandIn(t), "", zuoratest.SampleJobID))
	dir := t.TempDir()
	certificate.Write(t, dir)
	config := "global: {scrape_interval: 1s}\nscrape_configs:\n"
	for job, how := range map[string]string{
		"right":          "scheme: https, basic_auth: {username: prometheus, password: change-me}, tls_config: {ca_file: %s/cert.pem}",
		"wrong password": "scheme: https, basic_auth: {username: prometheus, password: wrong}, tls_config: {ca_file: %s/cert.pem}",
		"no password":    "scheme: https, tls_config: {ca_file: %s/cert.pem}",
		"no trust":       "scheme: https, basic_auth: {username: prometheus, password: change-me}",
		"no TLS":         "basic_auth: {username: prometheus, password: change-me}",
	} {
		config += fmt.Sprintf("- {job_name: %q, static_configs: [{targets: [%q]}], %s}\n",
			job, strings.TrimPrefix(e.URL, "https://"), strings.ReplaceAll(how, "%s", dir))
	}
	p := startPrometheus(t, config)

	// The error of each target shows that it is down for its own reason.
	want := map[string]string{
		"right":          "up: ",
		"wrong password": "down: 401 Unauthorized",
		"no password":    "down: 401 Unauthorized",
		"no trust":       "down: unknown authority",
		"no TLS":         "down: 400 Bad Request",
	}
	eventuallyEqual(t, "the health of each target", want, func() map[string]string {
		var answer struct {
			Data struct {
				ActiveTargets []struct{ ScrapePool, Health, LastError string }
			}
		}
		getJSON(t, p.URL+"/api/v1/targets", &answer)
		got := map[string]string{}
		for _, target := range answer.Data.ActiveTargets {
			reason := target.LastError
			for _, known := range []string{"401 Unauthorized", "400 Bad Request", "unknown authority"} {
				if strings.Contains(reason, known) {
					reason = known
				}
			}
			got[target.ScrapePool] = target.Health + ": " + reason
		}
		return got
	})
	for _, s := range p.query(t, `count by (job) ({__name__=~"zuora_.+"})`) {
		if s.Metric["job"] != "right" {
			t.Errorf("%s: got %v series, want none", s.Metric["job"], s.Value[1])
		}
	}
	for line := range strings.Lines(e.output.String()) {
		if !strings.HasPrefix(line, "ts=") {
			t.Errorf("got the log line %q, want logfmt", line)
		}
	}
}
