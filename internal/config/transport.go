package config

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// newTransport returns a new transport with the tenant's proxy and TLS settings.
// It follows no redirect, notices when the files of tls_config change, and has
// CloseIdleConnections, which http.Client describes.
func (t *Tenant) newTransport() (http.RoundTripper, error) {
	newTransport := func(tlsConfig *tls.Config) (http.RoundTripper, error) {
		return bounded{&http.Transport{
			Proxy:                  t.proxy,
			ProxyConnectHeader:     t.GetProxyConnectHeader(),
			OnProxyConnectResponse: checkProxy,
			TLSClientConfig:        tlsConfig,
			// With a DialContext and without ForceAttemptHTTP2 the transport
			// uses HTTP/1.1 only, so a lost connection fails one request, not
			// all.
			DialContext: t.dial,
			// As many connections as reads are used at once, and one for a token.
			MaxIdleConns:        int(t.MaxConcurrentRequests) + 1,
			MaxIdleConnsPerHost: int(t.MaxConcurrentRequests) + 1,
			// Scrapes come every 15 to 60 seconds: connections survive one missed
			// scrape, but end soon if nobody asks any more.
			IdleConnTimeout:        150 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, // Zuora's are about 2 KiB; Go would read up to 10 MiB
		}}, nil
	}
	tlsConfig, err := promconfig.NewTLSConfig((*promconfig.TLSConfig)(&t.TLS))
	if err != nil {
		return nil, err
	}
	files := promconfig.TLSRoundTripperSettings{
		CA:   fileReader(t.TLS.CAFile),
		Cert: fileReader(t.TLS.CertFile),
		Key:  fileReader(t.TLS.KeyFile),
	}
	return promconfig.NewTLSRoundTripper(tlsConfig, files, newTransport)
}

// proxy returns the proxy of a request; nil if there is none.
func (t *Tenant) proxy(r *http.Request) (*url.URL, error) {
	settings := t.ProxyConfig // a copy: with what Proxy keeps in it, it would equal no other
	if proxyOf := settings.Proxy(); proxyOf != nil {
		return proxyOf(r)
	}
	return nil, nil
}

// dial returns a connection that ends after the request timeout unless a request
// has got it. net/http detaches a dial from the request that caused it; that
// request's end is not the end of a proxy or a server that hangs.
func (t *Tenant) dial(ctx context.Context, network, address string) (net.Conn, error) {
	deadline := time.Now().Add(time.Duration(t.RequestTimeout))
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(deadline)
}

// bounded is a transport that takes the dialer's deadline off a connection that a
// request gets. If it gets none, the error names the proxy.
type bounded struct{ *http.Transport }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	connected := false
	answer, err := b.Transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) {
			connected = true
			_ = got.Conn.SetDeadline(time.Time{})
		},
	})))
	if _, named := errors.AsType[*net.OpError](err); err == nil || connected || named {
		return answer, err
	}
	if proxy, _ := b.Proxy(r); proxy != nil {
		if strings.Contains(err.Error(), "malformed") { // it quotes what the proxy says
			err = errors.New("no valid answer")
		}
		err = fmt.Errorf("through the proxy %s: %w", proxy.Host, err)
	}
	return nil, err
}

// checkProxy tells a proxy's refusal from other errors, and shows nothing of it
// but the status: net/http would make an error of the proxy's own words.
func checkProxy(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: fmt.Errorf("the proxy refused: HTTP %d", answer.StatusCode)}
}

// proxySecrets returns what no text may repeat: the passwords of the proxies
// that the tenant's requests use, also in the form in which they are sent, and
// the values of proxy_connect_header that may be secrets.
func (t *Tenant) proxySecrets() (secrets []string) {
	for _, u := range []*url.URL{t.BaseURL.URL, t.OAuth2.TokenURL.URL} {
		proxy, _ := t.proxy(&http.Request{URL: u})
		if proxy == nil {
			continue
		}
		if password, set := proxy.User.Password(); set {
			sent := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
			secrets = append(secrets, password, sent)
		}
	}
	for _, values := range t.ProxyConnectHeader {
		for _, value := range values {
			if zuora.MayBeSecret(string(value)) {
				secrets = append(secrets, string(value))
			}
		}
	}
	return secrets
}

// fileReader returns nil, not a reader of no file, if the path is empty.
func fileReader(path string) promconfig.SecretReader {
	if path == "" {
		return nil
	}
	return promconfig.NewFileSecret(path)
}
