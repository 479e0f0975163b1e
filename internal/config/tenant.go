package config

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	promconfig "github.com/prometheus/common/config"
)

func readTenants(v value) ([]*Tenant, error) {
	names := map[string]int{}
	tenants, err := list(v, func(v value) (*Tenant, error) { return readTenant(v, names) })
	if err == nil && len(tenants) == 0 {
		err = v.errorf("must have at least one tenant")
	}
	return tenants, err
}

// readTenant reads one tenant. It adds its name to names, which has the lines
// of those before.
func readTenant(v value, names map[string]int) (*Tenant, error) {
	t := &Tenant{
		APIVersion:            DefaultAPIVersion,
		RequestTimeout:        DefaultRequestTimeout,
		MaxConcurrentRequests: DefaultMaxConcurrentRequests,
		RateLimitReserve:      DefaultRateLimitReserve,
	}
	proxy, tls := &promconfig.ProxyConfig{}, &promconfig.TLSConfig{}
	t.proxy, t.tls = &proxy, &tls
	readName := func(v value) (err error) {
		if t.Name, err = v.nonEmpty(); err != nil {
			return err
		}
		if strings.ContainsFunc(t.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return v.errorf("must hold printable characters only")
		}
		if line, taken := names[t.Name]; taken {
			return v.errorf("is also the name of the tenant on line %d", line)
		}
		names[t.Name] = v.line
		return nil
	}
	err := v.mapping(map[string]func(value) error{
		"name":                       readName,
		"base_url":                   into(&t.BaseURL, readBaseURL),
		"oauth2":                     into(&t.OAuth2, readOAuth2),
		"entity_id":                  into(&t.EntityID, readEntityID),
		"api_version":                into(&t.APIVersion, readAPIVersion),
		"request_timeout":            into(&t.RequestTimeout, readRequestTimeout),
		"max_concurrent_requests":    into(&t.MaxConcurrentRequests, readMaxConcurrentRequests),
		"refresh_interval":           into(&t.RefreshInterval, value.duration),
		"completed_refresh_interval": into(&t.CompletedRefreshInterval, value.duration),
		"rate_limit_reserve":         into(&t.RateLimitReserve, readRateLimitReserve),
		"proxy_url":                  into(&proxy.ProxyURL, readProxyURL),
		"no_proxy":                   into(&proxy.NoProxy, value.text),
		"proxy_from_environment":     into(&proxy.ProxyFromEnvironment, value.boolean),
		"proxy_connect_header":       into(&proxy.ProxyConnectHeader, readProxyConnectHeader),
		"tls_config":                 into(&tls, readTLSConfig),
		"jobs":                       into(&t.Jobs, readJobs),
	}, "name", "base_url", "oauth2")
	if err != nil {
		return nil, err
	}
	if err := proxy.Validate(); err != nil {
		return nil, v.errorf("%w", err)
	}
	if t.OAuth2.TokenURL == nil {
		t.OAuth2.TokenURL = defaultTokenURL(t.BaseURL)
	}
	return t, nil
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
	return u, nil
}

// defaultTokenURL does without JoinPath, which makes a relative path where the
// base has none, and with it an invalid request.
func defaultTokenURL(base *url.URL) *url.URL {
	u := *base
	u.Path += "/oauth/token"
	if u.RawPath != "" {
		u.RawPath += "/oauth/token"
	}
	return &u
}

var visibleASCII = regexp.MustCompile(`^[!-~]+$`)

func readEntityID(v value) (string, error) {
	id, err := v.text()
	if err == nil && !visibleASCII.MatchString(id) {
		err = v.errorf("must be visible ASCII characters")
	}
	return id, err
}

var numericVersion = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

func readAPIVersion(v value) (string, error) {
	version, err := v.text()
	if err != nil {
		return "", err
	}
	if _, err := time.Parse(time.DateOnly, version); err != nil && !numericVersion.MatchString(version) {
		return "", v.errorf("must be a date such as %s or a number such as 341.0", DefaultAPIVersion)
	}
	return version, nil
}

func readRequestTimeout(v value) (time.Duration, error) {
	timeout, err := v.duration()
	if err == nil && timeout == 0 {
		err = v.errorf("must be more than 0s")
	}
	return timeout, err
}

func readMaxConcurrentRequests(v value) (int, error) {
	text, err := v.text()
	if err != nil {
		return 0, err
	}
	// Far from the largest integer, so that adding to it needs no care.
	n, err := strconv.ParseUint(text, 10, strconv.IntSize-2)
	if err != nil || n == 0 {
		return 0, v.errorf("must be a whole number from 1 up")
	}
	return int(n), nil
}

func readRateLimitReserve(v value) (float64, error) {
	text, err := v.text()
	if err != nil {
		return 0, err
	}
	share, err := strconv.ParseFloat(text, 64)
	// Not a number is neither at least 0 nor below 1.
	if err != nil || !(share >= 0 && share < 1) {
		return 0, v.errorf("must be a number from 0 to below 1")
	}
	return share, nil
}
