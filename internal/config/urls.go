package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

var (
	baseURL  = kind[*url.URL]{"URL", object{"type": "string", "pattern": "^https?://[^@?#]+$", "not": object{"pattern": "[^/]/v1/*$"}}, readBaseURL}
	tokenURL = kind[*url.URL]{"URL", object{"type": "string", "pattern": `^https?://[^@?#]+(\?[^#]*)?$`}, readURL}
	proxyURL = kind[promconfig.URL]{"URL: `http`, `https`, `socks5` or `socks5h`", object{"type": "string", "pattern": "^((https?|socks5h?)://[^/?#]+/*)?$"}, readProxyURL}
)

// anyURL reads a URL that has a host and one of the schemes.
func anyURL(v value, schemes ...string) (*url.URL, error) {
	text, err := v.text()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		return nil, v.errorf("must be a URL with a host and one of the schemes %s", strings.Join(schemes, ", "))
	}
	if _, err := strconv.ParseUint(u.Port(), 10, 16); err != nil && u.Port() != "" {
		return nil, v.errorf("has a port above 65535")
	}
	return u, nil
}

// readURL reads the URL of a server that gets the secret or a token.
func readURL(v value) (*url.URL, error) {
	u, err := anyURL(v, "http", "https")
	if err != nil {
		return nil, err
	}
	// An @ in what seems to be the path follows a password with a slash.
	beforeQuery, _, _ := strings.Cut(v.node.Value, "?")
	switch {
	case strings.Contains(beforeQuery, "@"):
		return nil, v.errorf("must not have a user name or password")
	case strings.Contains(v.node.Value, "#"):
		return nil, v.errorf("must not have a fragment")
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		v.warn("http:// sends secrets unencrypted; use https://")
	}
	return u, nil
}

func readBaseURL(v value) (*url.URL, error) {
	u, err := readURL(v)
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" || u.ForceQuery {
		return nil, v.errorf("must not have a query")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	if strings.HasSuffix(u.Path, "/v1") {
		return nil, v.errorf("must not end in /v1, because the exporter adds it")
	}
	return u, nil
}

// readProxyURL reads a URL that may have a password. As in Prometheus, an empty
// one means no proxy.
func readProxyURL(v value) (promconfig.URL, error) {
	text, err := v.text()
	if err != nil || text == "" {
		return promconfig.URL{}, err
	}
	u, err := anyURL(v, "http", "https", "socks5", "socks5h")
	if err != nil {
		return promconfig.URL{}, err
	}
	// If a password has one of these, net/http takes its beginning for the host
	// and the port, which it shows.
	if strings.Trim(u.Path, "/") != "" || strings.ContainsAny(text, "?#") {
		return promconfig.URL{}, v.errorf("must end after the host and the port; in a password, write / ? # as %%2F %%3F %%23")
	}
	return promconfig.URL{URL: u}, nil
}

// defaultTokenURL does not use JoinPath, which makes a relative path, and so an
// invalid request, if the base has no path.
func defaultTokenURL(base *url.URL) *url.URL {
	u := *base
	u.Path += "/oauth/token"
	if u.RawPath != "" {
		u.RawPath += "/oauth/token"
	}
	return &u
}
