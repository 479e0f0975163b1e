package config

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
)

const (
	// A request's own deadline ends the wait for a connection but not the
	// attempt at one, so that has to be bounded too.
	dialTimeout         = 10 * time.Second
	tlsHandshakeTimeout = 10 * time.Second

	// Scrapes come every 15 to 60 seconds: connections outlive the pause and
	// a missed scrape, but not a tenant that is no longer asked.
	idleConnTimeout = 150 * time.Second

	// Zuora's headers are about 2 KiB; Go would read up to 10 MiB.
	maxResponseHeaderBytes = 64 << 10
)

// NewTransport returns a transport of its own for the tenant's requests, with
// the tenant's proxy and TLS settings. It follows no redirects, unpacks gzip,
// notices when the files of tls_config change, and has CloseIdleConnections,
// for which see http.Client. The error is about those files.
func (t *Tenant) NewTransport() (http.RoundTripper, error) {
	// A copy, as Proxy keeps a function in what it is called on, and a
	// function is never equal to another in SameClient.
	var proxy promconfig.ProxyConfig
	if t.proxy != nil {
		proxy = **t.proxy
	}
	proxyOf := proxy.Proxy()
	if proxyOf != nil {
		fromConfig := proxyOf
		proxyOf = func(r *http.Request) (*url.URL, error) {
			u, err := fromConfig(r)
			if err != nil { // it quotes the URL, which may hold a password
				return nil, errors.New("the proxy's URL in the environment is not valid")
			}
			return u, nil
		}
	}
	var tlsSettings promconfig.TLSConfig
	if t.tls != nil {
		tlsSettings = **t.tls
	}

	newTransport := func(tlsConfig *tls.Config) (http.RoundTripper, error) {
		return &http.Transport{
			Proxy:               proxyOf,
			ProxyConnectHeader:  proxy.GetProxyConnectHeader(),
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:     tlsConfig,
			TLSHandshakeTimeout: tlsHandshakeTimeout,
			// Without a maximum the transport dials whenever no connection is
			// idle at that moment, and ends up with more than can be in use.
			// A token request takes one of them for a moment; two leave one
			// to the jobs while it does.
			MaxConnsPerHost:     max(t.MaxConcurrentRequests, 2),
			MaxIdleConns:        t.MaxConcurrentRequests + 2,
			MaxIdleConnsPerHost: t.MaxConcurrentRequests + 2,
			IdleConnTimeout:     idleConnTimeout,
			// HTTP/1.1 only, as a dialer of one's own makes it without
			// ForceAttemptHTTP2: a connection that is lost takes one request
			// with it, not all.
			MaxResponseHeaderBytes: maxResponseHeaderBytes,
		}, nil
	}

	tlsConfig, err := promconfig.NewTLSConfig(&tlsSettings)
	if err != nil {
		return nil, err
	}
	files := promconfig.TLSRoundTripperSettings{
		CA:   fileReader(tlsSettings.CAFile),
		Cert: fileReader(tlsSettings.CertFile),
		Key:  fileReader(tlsSettings.KeyFile),
	}
	if files == (promconfig.TLSRoundTripperSettings{}) {
		return newTransport(tlsConfig)
	}
	return promconfig.NewTLSRoundTripper(tlsConfig, files, newTransport)
}

// fileReader returns nil, not a reader of no file, where path is empty.
func fileReader(path string) promconfig.SecretReader {
	if path == "" {
		return nil
	}
	return promconfig.NewFileSecret(path)
}
