package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
)

const (
	// The deadline of a request ends the wait for a connection, but not the
	// attempt to make one, so the attempt has its own timeouts.
	dialTimeout         = 10 * time.Second
	tlsHandshakeTimeout = 10 * time.Second

	// Scrapes come every 15 to 60 seconds: connections survive one missed
	// scrape, but end soon if nobody asks any more.
	idleConnTimeout = 150 * time.Second

	// Zuora's headers are about 2 KiB; Go would read up to 10 MiB.
	maxResponseHeaderBytes = 64 << 10
)

// NewTransport returns a new transport with the tenant's proxy and TLS settings.
// It follows no redirect, notices when the files of tls_config change, and has
// CloseIdleConnections, which http.Client describes. The error is about those
// files, which it reads within 10 s.
func (t *Tenant) NewTransport() (http.RoundTripper, error) {
	return within(readLimit, t.newTransport, fmt.Errorf("no end of a file of tls_config within %v", readLimit))
}

func (t *Tenant) newTransport() (http.RoundTripper, error) {
	c := t.connection()
	proxyOf := c.proxy.Proxy()
	if proxyOf != nil {
		fromConfig := proxyOf
		proxyOf = func(r *http.Request) (*url.URL, error) {
			u, err := fromConfig(r)
			if err != nil { // It quotes the URL, which may have a password.
				return nil, errors.New("the proxy's URL in the environment is not valid")
			}
			return u, nil
		}
	}

	newTransport := func(tlsConfig *tls.Config) (http.RoundTripper, error) {
		return &http.Transport{
			Proxy:               proxyOf,
			ProxyConnectHeader:  c.proxy.GetProxyConnectHeader(),
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:     tlsConfig,
			TLSHandshakeTimeout: tlsHandshakeTimeout,
			// Without a maximum the transport dials whenever no connection is
			// idle at that moment, and ends up with more than it can use. It is
			// two at least, because a token request must not stop the jobs.
			MaxConnsPerHost:     max(c.maxConcurrentRequests, 2),
			MaxIdleConns:        c.maxConcurrentRequests + 2,
			MaxIdleConnsPerHost: c.maxConcurrentRequests + 2,
			IdleConnTimeout:     idleConnTimeout,
			// With a DialContext and without ForceAttemptHTTP2 the transport
			// uses HTTP/1.1 only, so a lost connection fails one request, not
			// all.
			MaxResponseHeaderBytes: maxResponseHeaderBytes,
		}, nil
	}

	tlsConfig, err := promconfig.NewTLSConfig(&c.tls)
	if err != nil {
		return nil, err
	}
	files := promconfig.TLSRoundTripperSettings{
		CA:   fileReader(c.tls.CAFile),
		Cert: fileReader(c.tls.CertFile),
		Key:  fileReader(c.tls.KeyFile),
	}
	if files == (promconfig.TLSRoundTripperSettings{}) {
		return newTransport(tlsConfig)
	}
	return promconfig.NewTLSRoundTripper(tlsConfig, files, newTransport)
}

// ProxySecrets returns what no text may repeat: the passwords of the proxies
// that the tenant's requests use, and the values of proxy_connect_header from 8
// characters on, because shorter ones may be any word.
func (t *Tenant) ProxySecrets() []string {
	c := t.connection()
	var secrets []string
	if proxyOf := c.proxy.Proxy(); proxyOf != nil {
		for _, u := range []*url.URL{c.zuora.BaseURL, c.zuora.TokenURL} {
			if proxy, err := proxyOf(&http.Request{URL: u}); err == nil && proxy != nil {
				password, _ := proxy.User.Password()
				secrets = append(secrets, password)
			}
		}
	}
	for _, values := range c.proxy.ProxyConnectHeader {
		for _, value := range values {
			if len(value) >= 8 {
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
