package config

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
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
	rt, err := c.Tenants[0].NewTransport()
	if err != nil {
		t.Fatal(err)
	}
	idler, ok := rt.(interface{ CloseIdleConnections() })
	if !ok {
		t.Fatalf("got a %T, want one with CloseIdleConnections", rt)
	}
	t.Cleanup(idler.CloseIdleConnections)
	return rt
}

func get(rt http.RoundTripper, url string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(content), err
}

func checkGet(t *testing.T, rt http.RoundTripper, url, want string) {
	t.Helper()
	if status, body, err := get(rt, url); status != http.StatusOK || body != want || err != nil {
		t.Errorf("GET %s: got %d %q, %v, want %q", url, status, body, err, want)
	}
}

// tlsServer answers with the version of the protocol, and with the name of the
// client's certificate if there is one.
func tlsServer(t *testing.T, c testutil.Certificate, clients *x509.CertPool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
		for _, peer := range r.TLS.PeerCertificates {
			io.WriteString(w, " "+peer.Subject.CommonName)
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

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTransportCAFile(t *testing.T) {
	dir := t.TempDir()
	first, second := testutil.NewCertificate(t), testutil.NewCertificate(t)
	a, b := tlsServer(t, first, nil), tlsServer(t, second, nil)
	writeFile(t, filepath.Join(dir, "ca.pem"), first.CertPEM)
	rt := transport(t, dir, "    tls_config: {ca_file: ca.pem}\n")
	checkGet(t, rt, a.URL, "HTTP/1.1")
	if _, _, err := get(rt, b.URL); err == nil {
		t.Error("got an answer from a server of another CA, want an error")
	}

	// The CA changes.
	writeFile(t, filepath.Join(dir, "ca.pem"), second.CertPEM)
	checkGet(t, rt, b.URL, "HTTP/1.1")
	if _, _, err := get(rt, a.URL); err == nil {
		t.Error("got an answer from a server of the old CA, want an error")
	}

	if _, _, err := get(transport(t, dir, ""), a.URL); err == nil {
		t.Error("without ca_file: got an answer from a server of an unknown CA, want an error")
	}
	checkGet(t, transport(t, dir, "    tls_config: {insecure_skip_verify: true}\n"), a.URL, "HTTP/1.1")
}

func TestTransportClientCertificate(t *testing.T) {
	dir := t.TempDir()
	server, client := testutil.NewCertificate(t), testutil.NewCertificate(t)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(client.CertPEM))
	s := tlsServer(t, server, clients)
	for name, content := range map[string]string{"ca.pem": server.CertPEM, "cert.pem": client.CertPEM, "key.pem": client.KeyPEM} {
		writeFile(t, filepath.Join(dir, name), content)
	}
	checkGet(t, transport(t, dir, "    tls_config: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}\n"), s.URL, "HTTP/1.1 test")
	if _, _, err := get(transport(t, dir, "    tls_config: {ca_file: ca.pem}\n"), s.URL); err == nil {
		t.Error("without a client certificate: got an answer, want an error")
	}
}

// connectProxy opens tunnels for clients that know the password and the header.
func connectProxy(t *testing.T, tunnels *atomic.Int32) *httptest.Server {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
		if user, password, _ := request.BasicAuth(); r.Method != http.MethodConnect || user != "user" || password != "hunter2" || r.Header.Get("X-Auth") != "hunter2" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		upstream, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		tunnels.Add(1)
		io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() {
			defer client.Close()
			io.Copy(client, upstream)
		}()
		defer upstream.Close()
		io.Copy(upstream, client)
	}))
	t.Cleanup(proxy.Close)
	return proxy
}

func TestTransportProxy(t *testing.T) {
	var tunnels atomic.Int32
	server, proxy := tlsServer(t, testutil.NewCertificate(t), nil), connectProxy(t, &tunnels)
	address := strings.TrimPrefix(proxy.URL, "http://")
	const unverified = "    tls_config: {insecure_skip_verify: true}\n"
	const header = "    proxy_connect_header: {X-Auth: [hunter2]}\n"

	checkGet(t, transport(t, "", unverified+header+"    proxy_url: http://user:hunter2@"+address+"\n"), server.URL, "HTTP/1.1")
	if got := tunnels.Load(); got != 1 {
		t.Errorf("got %d tunnels, want 1", got)
	}

	const refused = "proxyconnect tcp: the proxy refused: HTTP 407"
	for lines, want := range map[string]string{
		"    proxy_url: http://user:hunter2@" + address + "\n":                 refused,
		header + "    proxy_url: http://user:hunter2hunter2@" + address + "\n": refused,
		header + "    proxy_url: http://user:hunter2@127.0.0.1:1\n":            "proxyconnect tcp: dial tcp",
	} {
		_, _, err := get(transport(t, "", unverified+lines), server.URL)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", lines, err, want)
			continue
		}
		checkNoMarker(t, err.Error())
	}

	// A proxy that answers nothing, or what is no HTTP.
	for answer, want := range map[string]string{"": "EOF", "hello\n": "malformed HTTP response"} {
		broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				io.WriteString(conn, answer)
				conn.Close()
			}
		}))
		defer broken.Close()
		_, _, err := get(transport(t, "", unverified+"    proxy_url: "+broken.URL+"\n"), server.URL)
		if proxy := "proxy " + strings.TrimPrefix(broken.URL, "http://") + ": "; err == nil || !strings.HasPrefix(err.Error(), proxy) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s%s", err, proxy, want)
		}
	}

	// no_proxy is an exception to the proxy.
	checkGet(t, transport(t, "", unverified+"    proxy_url: http://127.0.0.1:1\n    no_proxy: 127.0.0.1\n"), server.URL, "HTTP/1.1")
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
			var got []string
			for _, s := range parse(t, minimal+tt.lines).Tenants[0].ProxySecrets() {
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

// silent is a proxy or a server that takes connections, and is silent until it
// works; then it is what work makes of a connection.
type silent struct {
	address string
	works   atomic.Bool
	open    atomic.Int32 // connections, of which the client has closed none
}

func newSilent(t *testing.T, work func(net.Conn)) *silent {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silent{address: listener.Addr().String()}
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
				if s.works.Load() {
					work(conn)
					return
				}
				s.open.Add(1)
				defer s.open.Add(-1)
				io.Copy(io.Discard, conn)
			})
		}
	})
	return s
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

// A proxy or a server hangs before it has answered anything. Once it works, new
// requests do at once, however many attempts hang, and these end as well.
func TestTransportDialsThatHang(t *testing.T) {
	server := tlsServer(t, testutil.NewCertificate(t), nil)
	address := strings.TrimPrefix(server.URL, "https://")
	socks := func(conn net.Conn) { // version 5, no password, and whatever address
		io.ReadFull(conn, make([]byte, 3))
		io.WriteString(conn, "\x05\x00")
		io.ReadFull(conn, make([]byte, 10))
		io.WriteString(conn, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
		tunnel(conn, address)
	}
	connect := func(conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			tunnel(conn, address)
		}
	}
	for name, tt := range map[string]struct {
		work  func(net.Conn)
		proxy string
	}{
		"SOCKS5":    {socks, "socks5://"},
		"CONNECT":   {connect, "http://"},
		"handshake": {func(conn net.Conn) { tunnel(conn, address) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hanging := newSilent(t, tt.work)
			lines, url := "    request_timeout: 1s\n    tls_config: {insecure_skip_verify: true}\n", server.URL
			if tt.proxy != "" {
				lines += "    proxy_url: " + tt.proxy + hanging.address + "\n"
			} else {
				url = "https://" + hanging.address
			}
			rt := transport(t, "", lines)
			var requests sync.WaitGroup
			for range 20 {
				requests.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					defer cancel()
					req, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
					if resp, err := rt.RoundTrip(req); err == nil {
						resp.Body.Close()
						t.Error("got an answer, want none from a silent proxy")
					}
				})
			}
			requests.Wait()
			hanging.works.Store(true)
			begun := time.Now()
			checkGet(t, rt, url, "HTTP/1.1")
			if took := time.Since(begun); took > time.Second {
				t.Errorf("got an answer after %s, want it at once", took)
			}
			for begun := time.Now(); hanging.open.Load() > 0; time.Sleep(10 * time.Millisecond) {
				if time.Since(begun) > 5*time.Second {
					t.Fatalf("got %d attempts that still hang, want none after the request timeout", hanging.open.Load())
				}
			}
			// The deadline of the attempt is not that of the connection.
			time.Sleep(time.Until(begun.Add(1200 * time.Millisecond)))
			hanging.works.Store(false)
			checkGet(t, rt, url, "HTTP/1.1")
		})
	}
}

func TestTransportKeepsConnections(t *testing.T) {
	const parallel = 10
	var opened, closed atomic.Int32
	barrier := make(chan *sync.WaitGroup, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		// No request of a round is answered before all of them have arrived.
		all := <-barrier
		barrier <- all
		all.Done()
		all.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)

	rt := transport(t, "", "    max_concurrent_requests: 10\n")
	for range 20 {
		all := new(sync.WaitGroup)
		all.Add(parallel)
		barrier <- all
		var round sync.WaitGroup
		for range parallel {
			round.Go(func() {
				if _, _, err := get(rt, server.URL); err != nil {
					t.Error(err)
				}
			})
		}
		round.Wait()
		<-barrier
	}
	if got := opened.Load(); got > parallel {
		t.Errorf("got %d connections, want %d at most", got, parallel)
	}
	if got := closed.Load(); got != 0 {
		t.Errorf("got %d closed connections, want none", got)
	}
}

func TestTransportAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gzip":
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("Accept-Encoding: got %q, want gzip", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			compressed := gzip.NewWriter(w)
			io.WriteString(compressed, "hello")
			compressed.Close()
		case "/headers":
			w.Header().Set("X-Large", strings.Repeat("x", 100<<10))
		case "/redirect":
			http.Redirect(w, r, "/gzip", http.StatusFound)
		}
	}))
	t.Cleanup(server.Close)
	rt := transport(t, "", "")
	checkGet(t, rt, server.URL+"/gzip", "hello")
	if _, _, err := get(rt, server.URL+"/headers"); err == nil {
		t.Error("headers of 100 KiB: got no error, want one")
	}
	if status, _, err := get(rt, server.URL+"/redirect"); status != http.StatusFound || err != nil {
		t.Errorf("redirect: got %d, %v, want 302", status, err)
	}
}

func TestTransportWithoutFiles(t *testing.T) {
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	writeFile(t, ca, testutil.NewCertificate(t).CertPEM)
	c, err := Parse(filepath.Join(dir, "test.yml"), []byte(minimal+"    tls_config: {ca_file: ca.pem}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(ca); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Tenants[0].NewTransport(); err == nil {
		t.Error("without the file: got no error, want one")
	}
}
