package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// A reader of the log that goes away ends nothing.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	address := freeAddress(t)
	e := exec.Command(binary(), "--web.listen-address="+address, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	output, err := e.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Process.Kill()
		e.Wait()
	})
	lines := bufio.NewReader(output)
	for line := ""; !strings.Contains(line, "TLS is disabled"); {
		if line, err = lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	output.Close()
	for _, fault := range []zuoratest.Fault{zuoratest.Respond(500, "text/plain", "x"), {}, zuoratest.Respond(500, "text/plain", "x")} {
		s.SetFault(zuoratest.AnyJob, fault)
		for range 2 {
			resp, err := http.Get("http://" + address + "/metrics")
			if err != nil {
				t.Fatalf("got %v after a line that nobody read, want a page", err)
			}
			resp.Body.Close()
		}
	}
}

// A SIGHUP that comes during the first read of the file causes a reload after
// it.
func TestEarlySIGHUP(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	file := filepath.Join(t.TempDir(), "zuora_exporter.yml")
	rewriteConfig(t, file, s, "", zuoratest.SampleJobID)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	fifo(t, file)
	e := launch(t, "--web.listen-address=127.0.0.1:0", "--config.file="+file)
	pipe, err := os.OpenFile(file, os.O_WRONLY, 0) // returns once the exporter reads
	if err != nil {
		t.Fatal(err)
	}
	e.signal(t, syscall.SIGHUP)
	time.Sleep(50 * time.Millisecond)
	if err := os.Rename(file, file+".old"); err != nil {
		t.Fatal(err)
	}
	rewriteConfig(t, file, s, "", zuoratest.SampleJobID)
	if _, err := pipe.Write(content); err != nil {
		t.Fatal(err)
	}
	pipe.Close()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(e.output.String(), "Reloaded the configuration"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("got no reload within 10s")
		}
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
