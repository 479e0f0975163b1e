// Package e2e tests the exporter from outside: it runs the binary against a
// stand-in for Zuora and looks at what it answers and prints. Tests with
// Prometheus or Alertmanager run only if ZUORA_E2E=required.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

var buildDir string

// race says that the tests have the race detector. The binary then has it, too.
var race = sync.OnceValue(func() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
})

func TestMain(m *testing.M) {
	var err error
	if buildDir, err = os.MkdirTemp("", "zuora_exporter"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(buildDir)
	os.Exit(code)
}

// binary is the path of the exporter, built once for all tests.
var binary = sync.OnceValue(func() string {
	// go test answers from its cache if no file that a test looked at has
	// changed: look at all files that go into the build.
	err := filepath.WalkDir(testutil.Path(), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		panic(err)
	}
	path := filepath.Join(buildDir, "zuora_exporter")
	build := exec.Command("go", "build", fmt.Sprintf("-race=%t", race()), "-o", path, testutil.Path())
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("go build: %s\n%s", err, out))
	}
	return path
})

// exporter is a running exporter.
type exporter struct {
	URL     string
	cmd     *exec.Cmd
	output  *buffer // what it printed and logged
	exited  chan struct{}
	exitErr error // once exited is closed
}

// start starts the exporter on a free port and waits until it listens.
func start(t *testing.T, args ...string) *exporter {
	t.Helper()
	e := launch(t, append([]string{"--web.listen-address=127.0.0.1:0"}, args...)...)
	address := regexp.MustCompile(`msg="Listening on" address=(\S+)|"address":"([^"]+)".*"msg":"Listening on"`)
	for deadline := time.Now().Add(30 * time.Second); ; {
		if m := address.FindStringSubmatch(e.output.String()); m != nil {
			e.URL = "http://" + m[1] + m[2]
			return e
		}
		select {
		case <-e.exited:
			t.Fatalf("the exporter exited (%v) before it listened:\n%s", e.exitErr, e.output)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the exporter does not listen after 30s:\n%s", e.output)
		}
	}
}

// launch starts the exporter. It is killed when the test ends.
func launch(t *testing.T, args ...string) *exporter {
	t.Helper()
	e := &exporter{cmd: exec.Command(binary(), args...), output: &buffer{}, exited: make(chan struct{})}
	e.cmd.Stdout, e.cmd.Stderr = e.output, e.output
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		e.exitErr = e.cmd.Wait()
		close(e.exited)
	}()
	t.Cleanup(func() {
		e.cmd.Process.Kill()
		<-e.exited
		if t.Failed() {
			t.Logf("the exporter's output:\n%s", e.output)
		}
		if strings.Contains(e.output.String(), "DATA RACE") {
			t.Errorf("got a data race, want none:\n%s", e.output)
		}
	})
	return e
}

// signal sends a signal.
func (e *exporter) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := e.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// exitCode waits for the end and returns the exit code.
func (e *exporter) exitCode(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-e.exited:
	case <-time.After(within):
		t.Fatalf("the exporter still runs after %s", within)
	}
	return e.cmd.ProcessState.ExitCode()
}

// runOnce runs the exporter to its end.
func runOnce(t *testing.T, args ...string) (code int, output string) {
	t.Helper()
	e := launch(t, args...)
	code = e.exitCode(t, 30*time.Second)
	return code, e.output.String()
}

// get requests a path, with these headers: names and values in turn.
func (e *exporter) get(t *testing.T, path string, headers ...string) (status int, body string) {
	t.Helper()
	status, body, err := e.request(t.Context(), http.MethodGet, path, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return status, body
}

func (e *exporter) request(ctx context.Context, method, path string, headers ...string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, nil)
	if err != nil {
		return 0, "", err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(content), err
}

// scrape requests /metrics as Prometheus does, with its scrape timeout.
func (e *exporter) scrape(t *testing.T, timeout string) string {
	t.Helper()
	status, body := e.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", timeout)
	if status != http.StatusOK {
		t.Fatalf("/metrics: got %d, want 200\n%s", status, body)
	}
	return body
}

// begin sends a request and waits until the stand-in sees one for a job. The
// page, or the error, comes when it is ready.
func (e *exporter) begin(t *testing.T, s *zuoratest.Server, path string) <-chan string {
	t.Helper()
	page := make(chan string, 1)
	go func() {
		_, body, err := e.request(t.Context(), http.MethodGet, path)
		if err != nil {
			body = err.Error()
		}
		page <- body
	}()
	for s.Counters().JobRequests == 0 {
		time.Sleep(time.Millisecond)
	}
	return page
}

// reload has the configuration read again, and returns the answer.
func (e *exporter) reload(t *testing.T) string {
	t.Helper()
	status, body, err := e.request(t.Context(), http.MethodPost, "/-/reload")
	if err != nil || status != http.StatusOK {
		t.Fatalf("reload: got %d %q (error %v), want 200", status, body, err)
	}
	return body
}

// hasLogged waits until the exporter has logged so.
func (e *exporter) hasLogged(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the log line "+text, func() bool { return strings.Contains(e.output.String(), text) })
}

// samples returns the lines of a page whose metric name matches.
func samples(page, name string) []string {
	var lines []string
	pattern := regexp.MustCompile(`^(?:` + name + `)[{ ]`)
	for line := range strings.Lines(page) {
		if pattern.MatchString(line) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// contains fails if a page lacks a line.
func contains(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+page, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("got\n%s\nwant %s", strings.Join(samples(page, name), "\n"), line)
		}
	}
}

// buffer is a bytes.Buffer for a process to write and a test to read.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
