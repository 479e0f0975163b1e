package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// With the example, the password is change-me. Health checks by TCP on the TLS port
// are no news.
func TestWebConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate := testutil.NewCertificate(t)
	certificate.Write(t, dir)
	web := testutil.Write(t, dir, "web-config.yml", testutil.Read(t, "examples", "web-config.yml"))
	e := start(t, "--demo", "--log.level=debug", "--web.config.file="+web)
	client := certificate.Client(t)
	for password, want := range map[string]int{"": 401, "wrong": 401, "change-me": 200} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+e.address()+"/metrics", nil)
		must(t, err)
		req.SetBasicAuth("prometheus", password)
		resp, err := client.Do(req)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("got %d with the password %q, want %d", resp.StatusCode, password, want)
		}
	}
	const checks = 50
	for range checks {
		conn, err := net.Dial("tcp", e.address())
		must(t, err)
		conn.Close()
	}
	line := regexp.MustCompile("level=debug .*TLS handshake error")
	eventuallyEqual(t, "health checks in the debug log", checks, func() int { return len(line.FindAllString(e.output.String(), -1)) })
}

// A client that announces a body and does not send it is disconnected after
// 30 s, on any path, with a password or without.
func TestBodyThatNeverComes(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	_, users, _ := strings.Cut(testutil.Read(t, "examples", "web-config.yml"), "basic_auth_users:")
	web := testutil.Write(t, t.TempDir(), "web.yml", "basic_auth_users:"+users)
	var waiting sync.WaitGroup
	for _, e := range []*exporter{start(t, "--demo"), start(t, "--demo", "--web.config.file="+web)} {
		for _, path := range []string{"/metrics", "/", "/nowhere", "/-/reload"} {
			waiting.Go(func() {
				conn, err := net.Dial("tcp", e.address())
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
