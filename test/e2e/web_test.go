package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The landing page asks Zuora nothing, and escapes what it said.
func TestLandingPage(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	s.SetJob(zuoratest.Job{ID: oddJob, ObjectType: `<img src=x onerror="a()">`, Script: zuoratest.Constant(zuoratest.Answer{Status: "<script>a()</script>", Total: new(int64(4)), Labeled: new(int64(9))})})
	s.SetFault(brokenJob, zuoratest.Refuse(400, `"50000020"`, `</td><script>b()</script>`))
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, oddJob, brokenJob, unknownJob))
	_, before := e.get(t, "/")
	if strings.Count(before, "never read") != 4 {
		t.Errorf("before any scrape: got\n%s\nwant four jobs never read", before)
	}
	e.scrape(t, "10")
	_, page := e.get(t, "/")
	if n := s.Counters().JobRequests; n != 4 {
		t.Errorf("got %d requests, want the scrape's 4", n)
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") {
		t.Errorf("got Zuora's text unescaped:\n%s", page)
	}
	for _, want := range []string{"9 labeled, 1 failed, 1 timed out, 0 remaining", "The job does not exist", "not_found", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("got\n%s\nwant %q", page, want)
		}
	}
}

// With the example's web configuration, whose password is change-me, a password
// guards all that shows data.
func TestPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate := testutil.NewCertificate(t)
	certificate.Write(t, dir)
	e := start(t, "--demo", "--web.config.file="+testutil.Write(t, dir, "web-config.yml", testutil.Read(t, "examples", "web-config.yml")))
	client := certificate.Client(t)
	for path, status := range map[string]int{"/": 200, "/metrics": 200, "/probe?target=ff80808186b966950186b97922e20001": 200, "/-/reload": 405, "/debug/pprof/": 404} {
		for password, want := range map[string]int{"": 401, "wrong": 401, "change-me": status} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(e.URL, "http://", "https://", 1)+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if password != "" {
				req.SetBasicAuth("prometheus", password)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("%s with the password %q: got %d, want %d", path, password, resp.StatusCode, want)
			}
		}
	}
}

// Health checks by TCP on a TLS port are no news.
func TestHealthChecksOnATLSPort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testutil.NewCertificate(t).Write(t, dir)
	web := testutil.Write(t, dir, "web.yml", "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	e := start(t, "--demo", "--web.config.file="+web)
	for range 50 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	time.Sleep(200 * time.Millisecond)
	if text := e.output.String(); strings.Contains(text, "level=warn") {
		t.Errorf("got warnings, want none:\n%s", text)
	}
}

// A client that announces a body and does not send it is disconnected after
// 30 s, on any path, with a password or without.
func TestBodyThatNeverComes(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	web := testutil.Write(t, t.TempDir(), "web.yml", "basic_auth_users: {prometheus: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n")
	var waiting sync.WaitGroup
	for _, e := range []*exporter{start(t, "--demo"), start(t, "--demo", "--web.config.file="+web)} {
		for _, path := range []string{"/metrics", "/", "/nowhere", "/-/reload"} {
			waiting.Go(func() {
				conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", path)
				begun := time.Now()
				_ = conn.SetReadDeadline(begun.Add(40 * time.Second))
				if _, err := io.Copy(io.Discard, conn); err != nil {
					t.Errorf("%s%s: got %v after %s, want the connection's end after 30s", e.URL, path, err, time.Since(begun))
				}
			})
		}
	}
	waiting.Wait()
}
