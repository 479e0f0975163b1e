package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a net.Listener whose connections are made in memory, by dial.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (p pipes) Close() error { close(p); return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p <- server
	return client
}

// A client that does not read is disconnected 30 s after sending begins. One
// that reads slowly for less than that gets its page.
func TestClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := make(pipes)
		srv := &http.Server{Handler: newHandler(t, Options{}, good, jobs(500)...)}
		go func() { _ = srv.Serve(listener) }()
		defer srv.Close()

		for _, path := range []string{"/metrics", "/", "/-/healthy"} {
			conn := listener.dial()
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			time.Sleep(29 * time.Second)
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Errorf("%s: got %v after 29 s, want the page", path, err)
			}
			time.Sleep(2 * time.Second)
			if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: got %v after 31 s, want the connection's end", path, err)
			}
			conn.Close()
		}

		// The deadline is gone with its page: a kept connection serves on.
		conn := listener.dial()
		reader := bufio.NewReader(conn)
		for range 3 {
			fmt.Fprintf(conn, "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
			resp, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || string(body) != "zuora_exporter is healthy.\n" {
				t.Errorf("got %q (error %v), want a healthy exporter", body, err)
			}
			time.Sleep(time.Minute)
		}
		conn.Close()
	})
}

// What each page answers, and what it asks Zuora.
func TestRequests(t *testing.T) {
	const id = "ff80808186b966950186b97922e200ab"
	for name, tc := range map[string]struct {
		method, path string
		site         string // that the request comes from
		options      Options
		status       int
		body         string // a part of it
		reads        int
		reloads      int
	}{
		"a scrape":                     {method: "GET", path: "/metrics", status: 200, body: "scrape_success{", reads: 1},
		"a target for the wrong page":  {method: "GET", path: "/metrics?target=" + id, status: 400, body: "target belongs to /probe: set metrics_path"},
		"HEAD asks nothing":            {method: "HEAD", path: "/metrics", status: 200},
		"POST":                         {method: "POST", path: "/metrics", status: 405},
		"another telemetry path":       {method: "GET", path: "/elsewhere", options: Options{TelemetryPath: "/elsewhere"}, status: 200, body: "scrape_success{", reads: 1},
		"nothing at the usual one":     {method: "GET", path: "/metrics", options: Options{TelemetryPath: "/elsewhere"}, status: 404},
		"metrics at the root":          {method: "GET", path: "/", options: Options{TelemetryPath: "/"}, status: 200, body: "scrape_success{", reads: 1},
		"a probe":                      {method: "GET", path: "/probe?target=" + id, status: 200, body: "scrape_success{", reads: 1},
		"HEAD of a probe asks nothing": {method: "HEAD", path: "/probe?target=" + id, status: 200},
		"HEAD of a bad probe":          {method: "HEAD", path: "/probe?target=1", status: 400},
		"a probe explained":            {method: "GET", path: "/probe?debug=true&target=" + id, status: 200, body: "Metrics:\n# HELP", reads: 1},
		"a probe not explained":        {method: "GET", path: "/probe?debug=false&target=" + id, status: 200, body: "# HELP", reads: 1},
		"a bad debug":                  {method: "GET", path: "/probe?debug=yes&target=" + id, status: 400, body: "true or false"},
		"no target":                    {method: "GET", path: "/probe", status: 400, body: `"target", a job id, is missing`},
		"a target that is a path":      {method: "GET", path: "/probe?target=../../../../../../../../etc/passw", status: 400, body: "job id"},
		"a bad escape":                 {method: "GET", path: "/probe?target=%zz", status: 400, body: "is missing"},
		"two targets":                  {method: "GET", path: "/probe?target=a&target=b", status: 400, body: "2 times"},
		"no such tenant":               {method: "GET", path: "/probe?tenant=%0a&target=" + id, status: 400, body: `no tenant "\n"`},
		"landing page asks nothing":    {method: "GET", path: "/", status: 200, body: ">Jobs not read<"},
		"healthy":                      {method: "GET", path: "/-/healthy", status: 200, body: "healthy"},
		"ready":                        {method: "GET", path: "/-/ready", status: 200, body: "ready"},
		"reload":                       {method: "POST", path: "/-/reload", status: 200, body: "was reloaded: 1 job now", reloads: 1},
		"a reload that fails":          {method: "POST", path: "/-/reload?fail", status: 500, body: "was not reloaded: because", reloads: 1},
		"reload by GET":                {method: "GET", path: "/-/reload", status: 405},
		"reload by another site":       {method: "POST", path: "/-/reload", site: "cross-site", status: 403},
		"profiles":                     {method: "GET", path: "/debug/pprof/cmdline", options: Options{EnablePprof: true}, status: 200},
		"profiles that are off":        {method: "GET", path: "/debug/pprof/cmdline", status: 404},
	} {
		t.Run(name, func(t *testing.T) {
			reads, reloads := 0, 0
			tc.options.Reload = func() (string, error) {
				reloads++
				if strings.HasSuffix(tc.path, "?fail") {
					return "", errors.New("because")
				}
				return "1 job now", nil
			}
			handler := newHandler(t, tc.options, func(id string) (*zuora.DataLabelingJob, error) {
				reads++
				return good(id)
			}, collector.ConfiguredJob{ID: id})
			w, r := httptest.NewRecorder(), httptest.NewRequest(tc.method, tc.path, nil)
			r.Header.Set("Sec-Fetch-Site", tc.site)
			handler.ServeHTTP(w, r)
			body := w.Body.String()
			if w.Code != tc.status || !strings.Contains(body, tc.body) {
				t.Errorf("got %d and %q, want %d and %q", w.Code, body, tc.status, tc.body)
			}
			if reads != tc.reads || reloads != tc.reloads {
				t.Errorf("got %d reads and %d reloads, want %d and %d", reads, reloads, tc.reads, tc.reloads)
			}
			if tc.status != http.StatusBadRequest || !strings.HasPrefix(tc.path, "/probe") {
				return
			}
			if strings.Count(body, "\n") != 1 {
				t.Errorf("got %q, want a sentence", body)
			}
			w = httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
			if want := "zuora_exporter_probes_refused_total 1\n"; !strings.Contains(w.Body.String(), want) {
				t.Errorf("got\n%s\nwant %s", w.Body, want)
			}
		})
	}
}
