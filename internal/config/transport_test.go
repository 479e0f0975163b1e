package config

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// clientOf returns a client with the transport of the minimal tenant with more
// lines. The file is in dir. The connections end with the test.
func clientOf(t *testing.T, dir, lines string) *http.Client {
	t.Helper()
	c, err := Parse(filepath.Join(dir, "test.yml"), []byte(minimal+lines))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: c.Tenants[0].ClientConfig().Transport, Timeout: 5 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// get returns the status and the body, or the error. It has to contain want.
func get(t *testing.T, c *http.Client, url, want string) (got string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		got = err.Error()
	} else {
		defer resp.Body.Close()
		content, _ := io.ReadAll(resp.Body)
		got = fmt.Sprint(resp.StatusCode, " ", string(content))
	}
	if !strings.Contains(got, want) {
		t.Errorf("GET %s: got %s, want %s", url, got, want)
	}
	return got
}

// tlsServer answers with the version of the protocol, and with the name of the
// client's certificate if there is one.
func tlsServer(t *testing.T, c testutil.Certificate) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/headers" {
			w.Header().Set("X-Large", strings.Repeat("x", 100<<10))
		}
		io.WriteString(w, r.Proto)
		for _, peer := range r.TLS.PeerCertificates {
			io.WriteString(w, " "+peer.Subject.CommonName)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{c.Pair}, ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// newProxy returns the address of a proxy, which is what work makes of its
// connections.
func newProxy(t *testing.T, work func(net.Conn)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	t.Cleanup(func() { listener.Close(); conns.Wait() })
	conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				defer context.AfterFunc(t.Context(), func() { conn.Close() })()
				work(conn)
			})
		}
	})
	return listener.Addr().String()
}

// tunnel relays to the address.
func tunnel(conn net.Conn, address string) {
	upstream, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	go func() {
		defer upstream.Close() // once the client has gone
		io.Copy(upstream, conn)
	}()
	io.Copy(conn, upstream)
}

// connectTo returns a proxy's work: a tunnel to the address for clients that know
// the password and the header, whatever they ask for.
func connectTo(address string) func(net.Conn) {
	return func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic dXNlcjpodW50ZXIy" || r.Header.Get("X-Auth") != "hunter2" {
			io.WriteString(conn, "HTTP/1.1 407 hunter2\r\n\r\n")
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		tunnel(conn, address)
	}
}

const (
	unverified = "    tls_config: {insecure_skip_verify: true}\n"
	header     = "    proxy_connect_header: {X-Auth: [hunter2]}\n"
)

func TestTransport(t *testing.T) {
	dir := t.TempDir()
	certificate := testutil.NewCertificate(t)
	server := tlsServer(t, certificate)
	certificate.Write(t, dir)
	p := newProxy(t, connectTo(strings.TrimPrefix(server, "https://")))
	t.Setenv("HTTPS_PROXY", "http://user:hunter2@"+p)
	t.Setenv("NO_PROXY", "")
	answering := func(answer string) string {
		return newProxy(t, func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, answer)
		})
	}
	silent, odd := answering(""), answering("hunter2\n")
	const proxied = "https://only-the-proxy-knows.invalid"

	for _, tt := range []struct{ name, lines, url, want string }{
		{"unknown authority", "", server, "x509: "},
		{"ca_file", "    tls_config: {ca_file: cert.pem}\n", server, "200 HTTP/1.1"},
		{"insecure_skip_verify", unverified, server, "200 HTTP/1.1"},
		{"client certificate", "    tls_config: {ca_file: cert.pem, cert_file: cert.pem, key_file: key.pem}\n", server, "200 HTTP/1.1 test"},
		{"proxy", unverified + header + "    proxy_url: http://user:hunter2@" + p + "\n", proxied, "200 HTTP/1.1"},
		{"proxy of the environment", unverified + header + "    proxy_from_environment: true\n", proxied, "200 HTTP/1.1"},
		{"proxy wants a header", unverified + "    proxy_url: http://user:hunter2@" + p + "\n", proxied, "proxyconnect tcp: the proxy refused: HTTP 407"},
		{"no such proxy", unverified + header + "    proxy_url: http://user:hunter2@127.0.0.1:1\n", proxied, "invalid\": proxyconnect tcp: dial tcp"},
		{"proxy that answers nothing", "    proxy_url: http://" + silent + "\n", proxied, "proxy " + silent + ": "},
		{"proxy that answers no HTTP", "    proxy_url: http://" + odd + "\n", proxied, "proxy " + odd + ": no valid answer"},
		{"no_proxy", unverified + "    proxy_url: http://127.0.0.1:1\n    no_proxy: 127.0.0.1\n", server, "200 HTTP/1.1"},
		{"headers of 100 KiB", unverified, server + "/headers", "server response headers exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checkNoMarker(t, get(t, clientOf(t, dir, tt.lines), tt.url, tt.want))
		})
	}
}

// The files of tls_config are read again when they change.
func TestTransportReadsFilesAgain(t *testing.T) {
	dir := t.TempDir()
	first, second := testutil.NewCertificate(t), testutil.NewCertificate(t)
	a, b := tlsServer(t, first), tlsServer(t, second)
	testutil.Write(t, dir, "ca.pem", first.CertPEM)
	client := clientOf(t, dir, "    tls_config: {ca_file: ca.pem}\n")
	get(t, client, a, "200 HTTP/1.1")
	get(t, client, b, "x509: ")
	testutil.Write(t, dir, "ca.pem", second.CertPEM)
	get(t, client, b, "200 HTTP/1.1")
	get(t, client, a, "x509: ")
}

// A proxy or a server hangs before it has answered anything. Once it works, new
// requests do at once, however many attempts hang, and these end as well.
func TestTransportDialsThatHang(t *testing.T) {
	address := strings.TrimPrefix(tlsServer(t, testutil.NewCertificate(t)), "https://")
	socks := func(conn net.Conn) { // version 5, no password, and whatever address
		io.ReadFull(conn, make([]byte, 3))
		io.WriteString(conn, "\x05\x00")
		io.ReadFull(conn, make([]byte, 10))
		io.WriteString(conn, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
		tunnel(conn, address)
	}
	for name, tt := range map[string]struct {
		work  func(net.Conn)
		proxy string // the address follows
	}{
		"SOCKS5":    {socks, "    proxy_url: socks5://"},
		"CONNECT":   {connectTo(address), header + "    proxy_url: http://user:hunter2@"},
		"handshake": {func(conn net.Conn) { tunnel(conn, address) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hangs atomic.Bool
			var waiting atomic.Int32 // connections that wait for an answer
			hangs.Store(true)
			p := newProxy(t, func(conn net.Conn) {
				if !hangs.Load() {
					tt.work(conn)
					return
				}
				waiting.Add(1)
				defer waiting.Add(-1)
				io.Copy(io.Discard, conn)
			})
			lines, url := unverified+"    request_timeout: 500ms\n", "https://"+p
			if tt.proxy != "" {
				lines, url = lines+tt.proxy+p+"\n", "https://"+address
			}
			client := clientOf(t, "", lines)
			var requests sync.WaitGroup
			for range 20 {
				requests.Go(func() {
					impatient := &http.Client{Transport: client.Transport, Timeout: 100 * time.Millisecond}
					get(t, impatient, url, " exceeded")
				})
			}
			requests.Wait()
			hangs.Store(false)
			begun := time.Now()
			get(t, client, url, "200 HTTP/1.1")
			if took := time.Since(begun); took > time.Second {
				t.Errorf("got an answer after %s, want it at once", took)
			}
			for ; waiting.Load() > 0; time.Sleep(10 * time.Millisecond) {
				if time.Since(begun) > 5*time.Second {
					t.Fatalf("got %d attempts that still hang, want none after the request timeout", waiting.Load())
				}
			}
			// The deadline of the attempt is not that of the connection.
			time.Sleep(time.Until(begun.Add(600 * time.Millisecond)))
			hangs.Store(true)
			get(t, client, url, "200 HTTP/1.1")
		})
	}
}

// As many connections are kept as requests are sent at once.
func TestTransportKeepsConnections(t *testing.T) {
	const parallel = 10
	var opened atomic.Int32
	var arrived sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)

	client := clientOf(t, "", "    max_concurrent_requests: 10\n")
	for range 3 {
		arrived.Add(parallel)
		var round sync.WaitGroup
		for range parallel {
			round.Go(func() { get(t, client, server.URL, "200 ") })
		}
		round.Wait()
	}
	if got := opened.Load(); got != parallel {
		t.Errorf("got %d connections, want %d", got, parallel)
	}
}
