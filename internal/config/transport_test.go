package config

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// transport returns the transport of the minimal tenant with more lines. The
// file is in dir. The connections end with the test.
func transport(t *testing.T, dir, lines string) http.RoundTripper {
	t.Helper()
	c, err := Parse(filepath.Join(dir, "test.yml"), []byte(minimal+lines))
	if err != nil {
		t.Fatal(err)
	}
	client, err := c.Tenants[0].ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Transport.(interface{ CloseIdleConnections() }).CloseIdleConnections)
	return client.Transport
}

// get returns the status and the body, or the error.
func get(rt http.RoundTripper, url string, timeout time.Duration) string {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(resp.StatusCode, " ", string(content))
}

func checkGet(t *testing.T, rt http.RoundTripper, url, want string) {
	t.Helper()
	if got := get(rt, url, 5*time.Second); !strings.Contains(got, want) {
		t.Errorf("GET %s: got %s, want %s", url, got, want)
	}
}

// tlsServer answers with the version of the protocol, and with the name of the
// client's certificate if there is one.
func tlsServer(t *testing.T, c testutil.Certificate, clients *x509.CertPool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			if r.Header.Get("Accept-Encoding") == "gzip" {
				w.Header().Set("Content-Encoding", "gzip")
				compressed := gzip.NewWriter(w)
				io.WriteString(compressed, "compressed")
				compressed.Close()
			}
		case "/headers":
			w.Header().Set("X-Large", strings.Repeat("x", 100<<10))
		case "/redirect":
			http.Redirect(w, r, "/gzip", http.StatusFound)
		default:
			io.WriteString(w, r.Proto)
			for _, peer := range r.TLS.PeerCertificates {
				io.WriteString(w, " "+peer.Subject.CommonName)
			}
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{c.Pair}}
	if clients != nil {
		server.TLS.ClientAuth, server.TLS.ClientCAs = tls.RequireAndVerifyClientCert, clients
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// proxy takes connections. It is silent until it works; then it is what work
// makes of a connection.
type proxy struct {
	address string
	works   atomic.Bool
	silent  atomic.Int32 // connections that wait for an answer
}

func newProxy(t *testing.T, work func(net.Conn)) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String()}
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
				if p.works.Load() {
					work(conn)
					return
				}
				p.silent.Add(1)
				defer p.silent.Add(-1)
				io.Copy(io.Discard, conn)
			})
		}
	})
	return p
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
		r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
		if _, password, _ := r.BasicAuth(); r.Method != http.MethodConnect || password != "hunter2" || r.Header.Get("X-Auth") != "hunter2" {
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
	certificate, client := testutil.NewCertificate(t), testutil.NewCertificate(t)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(client.CertPEM))
	open, strict := tlsServer(t, certificate, nil).URL, tlsServer(t, certificate, clients).URL
	client.Write(t, dir)
	testutil.Write(t, dir, "ca.pem", certificate.CertPEM)
	p := newProxy(t, connectTo(strings.TrimPrefix(open, "https://")))
	p.works.Store(true)
	const proxied = "https://only-the-proxy-knows.invalid"

	for _, tt := range []struct{ name, lines, url, want string }{
		{"unknown authority", "", open, "x509: "},
		{"ca_file", "    tls_config: {ca_file: ca.pem}\n", open, "200 HTTP/1.1"},
		{"another authority", "    tls_config: {ca_file: cert.pem}\n", open, "x509: "},
		{"insecure_skip_verify", unverified, open, "200 HTTP/1.1"},
		{"client certificate", "    tls_config: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}\n", strict, "200 HTTP/1.1 test"},
		{"no client certificate", "    tls_config: {ca_file: ca.pem}\n", strict, "certificate required"},

		{"proxy", unverified + header + "    proxy_url: http://user:hunter2@" + p.address + "\n", proxied, "200 HTTP/1.1"},
		{"proxy wants a header", unverified + "    proxy_url: http://user:hunter2@" + p.address + "\n", proxied, "proxyconnect tcp: the proxy refused: HTTP 407"},
		{"proxy wants another password", unverified + header + "    proxy_url: http://user:hunter2hunter2@" + p.address + "\n", proxied, "proxyconnect tcp: the proxy refused: HTTP 407"},
		{"no such proxy", unverified + header + "    proxy_url: http://user:hunter2@127.0.0.1:1\n", proxied, "proxyconnect tcp: dial tcp"},
		{"no_proxy", unverified + "    proxy_url: http://127.0.0.1:1\n    no_proxy: 127.0.0.1\n", open, "200 HTTP/1.1"},

		{"compressed answer", unverified, open + "/gzip", "200 compressed"},
		{"headers of 100 KiB", unverified, open + "/headers", "server response headers exceeded"},
		{"redirect", unverified, open + "/redirect", "302 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := get(transport(t, dir, tt.lines), tt.url, 5*time.Second)
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			checkNoMarker(t, got)
		})
	}
}

// The files of tls_config are read again when they change. Without them there is
// no transport.
func TestTransportReadsFilesAgain(t *testing.T) {
	dir := t.TempDir()
	first, second := testutil.NewCertificate(t), testutil.NewCertificate(t)
	a, b := tlsServer(t, first, nil).URL, tlsServer(t, second, nil).URL
	ca := testutil.Write(t, dir, "ca.pem", first.CertPEM)
	file := minimal + "    tls_config: {ca_file: " + ca + "}\n"
	rt := transport(t, dir, "    tls_config: {ca_file: ca.pem}\n")
	checkGet(t, rt, a, "200 HTTP/1.1")
	checkGet(t, rt, b, "x509: ")
	testutil.Write(t, dir, "ca.pem", second.CertPEM)
	checkGet(t, rt, b, "200 HTTP/1.1")
	checkGet(t, rt, a, "x509: ")

	c := parse(t, file)
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tenants[0].ClientConfig(); err == nil {
		t.Error("without the file: got no error, want one")
	}
}

func TestProxySecrets(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://user:from%2Fthe%2Fenvironment@proxy:3128")
	t.Setenv("NO_PROXY", "")
	for _, tt := range []struct{ name, lines, want string }{
		{name: "no proxy"},
		{name: "no password", lines: "    proxy_url: http://user@proxy:3128\n"},
		{name: "password", lines: "    proxy_url: http://user:hunter%2F2@proxy:3128\n", want: "hunter/2,dXNlcjpodW50ZXIvMg=="},
		{name: "environment", lines: "    proxy_from_environment: true\n", want: "from/the/environment,dXNlcjpmcm9tL3RoZS9lbnZpcm9ubWVudA=="},
		{name: "headers", lines: "    proxy_url: http://proxy\n    proxy_connect_header: {A: [short, long enough, 'https://example.com/']}\n", want: "long enough"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client, err := parse(t, minimal+tt.lines).Tenants[0].ClientConfig()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range client.Secrets {
				if s != "" && !slices.Contains(got, s) {
					got = append(got, s)
				}
			}
			if s := strings.Join(got, ","); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

// A proxy or a server hangs before it has answered anything. Once it works, new
// requests do at once, however many attempts hang, and these end as well.
func TestTransportDialsThatHang(t *testing.T) {
	address := strings.TrimPrefix(tlsServer(t, testutil.NewCertificate(t), nil).URL, "https://")
	socks := func(conn net.Conn) { // version 5, no password, and whatever address
		io.ReadFull(conn, make([]byte, 3))
		io.WriteString(conn, "\x05\x00")
		io.ReadFull(conn, make([]byte, 10))
		io.WriteString(conn, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
		tunnel(conn, address)
	}
	for name, tt := range map[string]struct {
		work  func(net.Conn)
		lines string // the proxy's address follows
	}{
		"SOCKS5":    {socks, "    proxy_url: socks5://"},
		"CONNECT":   {connectTo(address), header + "    proxy_url: http://user:hunter2@"},
		"handshake": {func(conn net.Conn) { tunnel(conn, address) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, tt.work)
			lines, url := unverified+"    request_timeout: 500ms\n", "https://"+address
			if tt.lines != "" {
				lines += tt.lines + p.address + "\n"
			} else {
				url = "https://" + p.address
			}
			rt := transport(t, "", lines)
			var requests sync.WaitGroup
			for range 20 {
				requests.Go(func() {
					if got := get(rt, url, 100*time.Millisecond); !strings.Contains(got, "deadline exceeded") {
						t.Errorf("got %s, want none from a silent proxy", got)
					}
				})
			}
			requests.Wait()
			p.works.Store(true)
			begun := time.Now()
			checkGet(t, rt, url, "200 HTTP/1.1")
			if took := time.Since(begun); took > time.Second {
				t.Errorf("got an answer after %s, want it at once", took)
			}
			for begun := time.Now(); p.silent.Load() > 0; time.Sleep(10 * time.Millisecond) {
				if time.Since(begun) > 5*time.Second {
					t.Fatalf("got %d attempts that still hang, want none after the request timeout", p.silent.Load())
				}
			}
			// The deadline of the attempt is not that of the connection.
			time.Sleep(time.Until(begun.Add(600 * time.Millisecond)))
			p.works.Store(false)
			checkGet(t, rt, url, "200 HTTP/1.1")
		})
	}
}

// As many connections are kept as requests are sent at once.
func TestTransportKeepsConnections(t *testing.T) {
	const parallel = 10
	var opened atomic.Int32
	arrived := make(chan struct{}, parallel)
	answer := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-answer
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)

	rt := transport(t, "", "    max_concurrent_requests: 10\n")
	for range 3 {
		var round sync.WaitGroup
		for range parallel {
			round.Go(func() { checkGet(t, rt, server.URL, "200 ") })
		}
		for range parallel {
			<-arrived
		}
		for range parallel {
			answer <- struct{}{}
		}
		round.Wait()
	}
	if got := opened.Load(); got != parallel {
		t.Errorf("got %d connections, want %d", got, parallel)
	}
}

// A proxy that answers nothing, or what is no HTTP, is named.
func TestTransportBrokenProxy(t *testing.T) {
	server := tlsServer(t, testutil.NewCertificate(t), nil)
	for answer, want := range map[string]string{"": "EOF", "hello\n": "no valid answer"} {
		p := newProxy(t, func(conn net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, answer)
		})
		p.works.Store(true)
		got := get(transport(t, "", unverified+"    proxy_url: http://"+p.address+"\n"), server.URL, 10*time.Second)
		if named := "proxy " + p.address + ": "; !strings.HasPrefix(got, named) || !strings.Contains(got, want) {
			t.Errorf("got %q, want %s%s", got, named, want)
		}
	}
}
