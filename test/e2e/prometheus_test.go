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
	for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
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
