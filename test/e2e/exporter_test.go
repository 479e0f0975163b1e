// Package e2e tests the exporter from outside: it runs the binary against a
// stand-in for Zuora and looks at what it answers and prints. Tests with
// Prometheus or Alertmanager run only if ZUORA_E2E=required.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

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

// process is a running program.
type process struct {
	cmd    *exec.Cmd
	output buffer // what it printed and logged
	exited chan struct{}
}

// newProcess is a program that run starts.
func newProcess(program string, args ...string) *process {
	p := &process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	return p
}

// run starts the program. It is killed when the test ends.
func (p *process) run(t *testing.T) *process {
	t.Helper()
	must(t, p.cmd.Start())
	go func() {
		defer close(p.exited)
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.exited
		if strings.Contains(p.output.String(), "DATA RACE") {
			t.Error("got a data race, want none")
		}
		if t.Failed() {
			t.Logf("the output of %s:\n%s", p.cmd.Path, &p.output)
		}
	})
	return p
}

// ready waits until the program is ready, or fails if it exits before.
func (p *process) ready(t *testing.T, is func() bool) {
	t.Helper()
	eventually(t, p.cmd.Path+" is ready", func() bool {
		select {
		case <-p.exited:
			t.Fatalf("%s exited (%s) before it was ready", p.cmd.Path, p.cmd.ProcessState)
		default:
		}
		return is()
	})
}

// signal sends a signal.
func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	must(t, p.cmd.Process.Signal(s))
}

// exits waits for the end, with this exit code.
func (p *process) exits(t *testing.T, code int, within time.Duration) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(within):
		t.Fatalf("%s still runs after %s", p.cmd.Path, within)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("got exit code %d, want %d", got, code)
	}
}

// hasLogged waits until the program has logged so.
func (p *process) hasLogged(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the log line "+text, func() bool { return strings.Contains(p.output.String(), text) })
}

// runOnce runs the exporter to its end.
func runOnce(t *testing.T, code int, args ...string) (output string) {
	t.Helper()
	p := newProcess(binary(), args...).run(t)
	p.exits(t, code, 30*time.Second)
	return p.output.String()
}

// exporter is a running exporter.
type exporter struct {
	*process
	URL   string
	file  string // its configuration
	pages buffer // all that it answered
}

// start starts the exporter on a free port and waits until it listens.
func start(t *testing.T, args ...string) *exporter {
	t.Helper()
	e := &exporter{process: newProcess(binary(), append(args, "--web.listen-address=127.0.0.1:0")...)}
	e.run(t)
	address := regexp.MustCompile(`msg="Listening on" address=(\S+)|"address":"([^"]+)".*"msg":"Listening on"`)
	e.ready(t, func() bool {
		m := address.FindStringSubmatch(e.output.String())
		if m != nil {
			e.URL = "http://" + m[1] + m[2]
		}
		return m != nil
	})
	return e
}

// address is the host and the port that the exporter listens on.
func (e *exporter) address() string { return strings.TrimPrefix(e.URL, "http://") }

// request sends a request, with these headers: names and values in turn.
func (e *exporter) request(ctx context.Context, method, path string, headers ...string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, nil)
	if err != nil {
		return 0, "", err
	}
	for header := range slices.Chunk(headers, 2) {
		req.Header.Set(header[0], header[1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.TeeReader(resp.Body, &e.pages))
	return resp.StatusCode, string(content), err
}

// page requests a page as Prometheus does, with its scrape timeout.
func (e *exporter) page(t *testing.T, path string, timeout time.Duration) string {
	t.Helper()
	begun := time.Now()
	status, body, err := e.request(t.Context(), http.MethodGet, path, "X-Prometheus-Scrape-Timeout-Seconds", fmt.Sprint(timeout.Seconds()))
	if took := time.Since(begun); took > timeout {
		t.Errorf("%s: got an answer after %s, want it within %s", path, took, timeout)
	}
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: got %d (error %v), want 200\n%s", path, status, err, body)
	}
	return body
}

func (e *exporter) scrape(t *testing.T) string {
	t.Helper()
	return e.page(t, "/metrics", 10*time.Second)
}

func (e *exporter) probe(t *testing.T, id string) string {
	t.Helper()
	return e.page(t, probeOf(id), 10*time.Second)
}

func probeOf(id string) string { return "/probe?target=" + id }

// begin requests a page and waits until the stand-in sees a request for a job.
// The page, or the error, comes when it is ready.
func (e *exporter) begin(t *testing.T, s *zuoratest.Server, path string) <-chan string {
	t.Helper()
	before := s.Counters().JobRequests
	page := make(chan string, 1)
	go func() {
		_, body, err := e.request(t.Context(), http.MethodGet, path)
		if err != nil {
			body = err.Error()
		}
		page <- body
	}()
	eventually(t, "a request for a job", func() bool { return s.Counters().JobRequests > before })
	return page
}

// reload has the exporter read a new configuration, and returns the answer.
func (e *exporter) reload(t *testing.T, s *zuoratest.Server, more string, jobs ...string) string {
	t.Helper()
	e.configure(t, s, more, jobs...)
	status, body, err := e.request(t.Context(), http.MethodPost, "/-/reload")
	if err != nil || status != http.StatusOK {
		t.Fatalf("reload: got %d %q (error %v), want 200", status, body, err)
	}
	return body
}

// must fails if there is an error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// contains fails if a text lacks something.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got\n%s\nwant %q", text, part)
		}
	}
}

// sum adds up the samples of a metric.
func sum(t *testing.T, page, name string) (total float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(`(?m)^`+name+`(?:\{.*\})? (\S+)$`).FindAllStringSubmatch(page, -1) {
		value, err := strconv.ParseFloat(m[1], 64)
		must(t, err)
		total += value
	}
	return total
}

// eventually waits for something that another process does.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	eventuallyEqual(t, what, true, is)
}

// eventuallyEqual waits until another process has the wanted result, and shows
// the last one if it does not come.
func eventuallyEqual[T any](t *testing.T, what string, want T, get func() T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		diff := cmp.Diff(want, get(), cmpopts.EquateEmpty())
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not seen within 30s: %s (-want +got):\n%s", what, diff)
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
