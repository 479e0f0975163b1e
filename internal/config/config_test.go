package config

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const minimal = `tenants:
  - name: prod
    base_url: https://rest.zuora.com
    oauth2: {client_id: id, client_secret: a-secret-of-prod}
`

const (
	jobA = "ff80808186b966950186b97922e200ab"
	jobB = "00000000000000000000000000000012"
)

// fileOf returns a file: the minimal one with more lines, from line 5 on, or with
// another base_url (line 3) or oauth2 (line 4), or the text itself.
func fileOf(text string) string {
	lines := strings.SplitAfter(minimal, "\n")
	switch {
	case strings.HasPrefix(text, " "):
		lines = append(lines, text)
	case strings.HasPrefix(text, "base_url:"):
		lines[2] = "    " + text + "\n"
	case strings.HasPrefix(text, "oauth2:"):
		lines[3] = "    " + text + "\n"
	default:
		return text
	}
	return strings.Join(lines, "")
}

// said returns the configuration, if it is valid, and the error or the warnings.
func said(name, data string) (*Config, string) {
	c, err := Parse(name, []byte(data))
	if err != nil {
		return nil, err.Error()
	}
	text := ""
	for _, warning := range c.Warnings {
		text += "\nwarning: " + warning
	}
	return c, strings.TrimPrefix(text, "\n")
}

func parse(t *testing.T, data string) *Config {
	t.Helper()
	c, err := Parse("dir/test.yml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// After a reload, a tenant keeps its token and its connections if only jobs and
// refresh intervals differ, and its pauses if Zuora sees the same client.
func TestSame(t *testing.T) {
	const file = `tenants:
  - name: prod
    base_url: https://rest.zuora.com
    oauth2: {client_id: id, client_secret: s3cret, token_url: https://h/token, endpoint_params: {a: b}}
    request_timeout: 5s
    proxy_url: http://user:pass@proxy:3128
    proxy_connect_header: {X-Auth: [one]}
    tls_config: {server_name: zuora}
    refresh_interval: 30s
    completed_refresh_interval: 1h
    jobs:
      - id: ff80808186b966950186b97922e200ab
        labels: {wave: first}
`
	for _, tt := range []struct {
		name, old, new      string
		client, credentials bool
	}{
		{name: "lines", old: "\n", new: "\n\n", client: true, credentials: true},
		{name: "jobs", old: "200ab", new: "200ac", client: true, credentials: true},
		{name: "refresh_interval", old: "30s", new: "1m", client: true, credentials: true},
		{name: "completed_refresh_interval", old: "1h", new: "2h", client: true, credentials: true},
		{name: "a default written out", old: "    proxy_url", new: "    max_concurrent_requests: 10\n    proxy_url", client: true, credentials: true},
		{name: "name", old: "prod", new: "test"},
		{name: "base_url", old: "rest.", new: "rest.eu."},
		{name: "client_id", old: "client_id: id", new: "client_id: other"},
		{name: "token_url", old: "https://h", new: "https://i"},
		{name: "client_secret", old: "s3cret", new: "secr3t", credentials: true},
		{name: "request_timeout", old: "5s", new: "6s", credentials: true},
		{name: "proxy_connect_header", old: "[one]", new: "[two]", credentials: true},
		{name: "tls_config", old: "server_name: zuora", new: "server_name: other", credentials: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parse(t, file).Tenants[0], parse(t, strings.Replace(file, tt.old, tt.new, 1)).Tenants[0]
			a.ClientConfig() // the tenant in use already has a client
			if one, other := a.SameClient(b), b.SameClient(a); one != tt.client || other != tt.client {
				t.Errorf("same client: got %t and, the other way round, %t, want %t", one, other, tt.client)
			}
			if got := a.SameCredentials(b); got != tt.credentials {
				t.Errorf("same credentials: got %t, want %t", got, tt.credentials)
			}
		})
	}
}

// Every key, and white space, byte order marks, keys without a value and
// aliases as they are meant.
func TestParse(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://user:from%2Fenvironment@proxy:3128")
	t.Setenv("NO_PROXY", "")
	c := parse(t, "\ufeff"+`
tenants:
  - &us
    name: prod-us
    base_url: " http://localhost:8080/gateway// "
    oauth2: &oauth2
      client_id: 0123
      client_secret_file: prod-us.secret
      token_url: https://login.example.com/token?realm=zuora
      scopes: [read, write, ""]
      endpoint_params: {audience: zuora, empty: ""}
    entity_id: "\ufeff11e643f4-a3ee-8bad-b061-0025904c756d"
    api_version: 341.0
    request_timeout: 1m30s
    max_concurrent_requests: 3
    refresh_interval: 30s
    completed_refresh_interval: 1d
    rate_limit_reserve: 0
    proxy_url: http://user:pass%2Fword@proxy:3128
    no_proxy: localhost
    proxy_connect_header: {X-Auth: [short, long enough, "https://example.com/"]}
    tls_config:
      server_name: zuora.internal
      insecure_skip_verify: true
      min_version: TLS12
      max_version: TLS13
    jobs:
      - id: ff80808186b966950186b97922e200ab
        labels: {wave: first, team: billing}
      -
      - id: 00000000000000000000000000000012
        labels: {wave: 2, started: 2025-08-12, late: yes}
      - {id: AxBxCxD-000000000000000000000000}
  - name: defaults
    base_url: https://rest.eu.zuora.com/v10/a%2Fb/
    oauth2:
      client_id: id
      client_secret: |
        a-secret
    entity_id: ""
    api_version:
    request_timeout: " "
    max_concurrent_requests: ""
    refresh_interval: ""
    rate_limit_reserve: ~
    proxy_url: ""
    proxy_from_environment: true
    tls_config:
    jobs:
      # - id: ff80808186b966950186b97922e200ab
  - <<: *us
    name: merged
    oauth2: {<<: *oauth2, client_id: other}
    jobs: []
`)
	if want := []string{"late", "started", "team", "wave"}; !slices.Equal(c.LabelNames, want) {
		t.Errorf("label names: got %q, want %q", c.LabelNames, want)
	}
	us := zuora.Config{
		BaseURL:  &url.URL{Scheme: "http", Host: "localhost:8080", Path: "/gateway"},
		TokenURL: &url.URL{Scheme: "https", Host: "login.example.com", Path: "/token", RawQuery: "realm=zuora"},
		ClientID: "0123", Scopes: []string{"read", "write"}, EndpointParams: map[string]string{"audience": "zuora", "empty": ""},
		EntityID: "11e643f4-a3ee-8bad-b061-0025904c756d", APIVersion: "341.0", RequestTimeout: 90 * time.Second,
		Secrets: []string{"dXNlcjpwYXNzL3dvcmQ=", "long enough", "pass/word"},
	}
	merged := us
	merged.ClientID = "other"
	eu := zuora.Config{
		BaseURL:  &url.URL{Scheme: "https", Host: "rest.eu.zuora.com", Path: "/v10/a/b", RawPath: "/v10/a%2Fb"},
		TokenURL: &url.URL{Scheme: "https", Host: "rest.eu.zuora.com", Path: "/v10/a/b/oauth/token", RawPath: "/v10/a%2Fb/oauth/token"},
		ClientID: "id", APIVersion: "2025-08-12", RequestTimeout: 5 * time.Second, RateLimitReserve: 0.05,
		Secrets: []string{"dXNlcjpmcm9tL2Vudmlyb25tZW50", "from/environment"},
	}
	jobs := []Job{
		{ID: jobA, Labels: map[string]string{"wave": "first", "team": "billing"}},
		{ID: jobB, Labels: map[string]string{"wave": "2", "started": "2025-08-12", "late": "yes"}},
		{ID: "AxBxCxD-000000000000000000000000"},
	}
	type tenant struct {
		Name               string
		Concurrent         float64
		Refresh, Completed string
		Jobs               []Job
		Client             zuora.Config
	}
	want := []tenant{
		{"prod-us", 3, "30s", "1d", jobs, us},
		{"defaults", 10, "0s", "0s", nil, eu},
		{"merged", 3, "30s", "1d", nil, merged},
	}
	var got []tenant
	for _, x := range c.Tenants {
		client := x.ClientConfig()
		client.ClientSecret, client.Transport = nil, nil
		slices.Sort(client.Secrets)
		client.Secrets = slices.Compact(client.Secrets)
		got = append(got, tenant{x.Name, x.MaxConcurrentRequests, x.RefreshInterval.String(), x.CompletedRefreshInterval.String(), x.Jobs, client})
	}
	if diff := cmp.Diff(want, got, cmp.Transformer("text", (*url.URL).String), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// Whatever a file says, it is refused in one line, or can be used.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "---", minimal, minimal + "---\n", "tenants: &t [*t]", "tenants: [{<<: &x {<<: *x}}]", "a: |2-\n", "!!map {? {a: b}}",
		minimal + "    jobs: [{id: &x " + jobA + ", labels: {a: x, b: 1}}, {id: *x}]\n",
		minimal + "    entity_id: !!binary aGk=\n    api_version: 341.0\n    tls_config: {ca_file: x, min_version: TLS12}\n",
		minimal + "    proxy_url: http://u:p@h:1\n    no_proxy: x\n    proxy_connect_header: {a: [b, \"c\\nd\"]}\n",
		minimal + "    request_timeout: 1m30s\n    max_concurrent_requests: 3\n    rate_limit_reserve: .inf\n",
		"a: *b", "%YAML 1.1\n---\n", "? [a, b]\n: !c d", "  \"a\r", "\ufefftenants:\r\n", "\xff\xfe",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		c, err := Parse("test.yml", []byte(data))
		if err != nil {
			if message := err.Error(); !strings.HasPrefix(message, "test.yml:") || strings.ContainsAny(message, "\r\n") {
				t.Errorf("got the error %q, want one line that begins with test.yml:", message)
			}
			return
		}
		for _, tenant := range c.Tenants {
			if client := tenant.ClientConfig(); client.Transport == nil || client.TokenURL == nil {
				t.Errorf("got the client %v, want a transport and a URL for tokens", client)
			}
		}
	})
}
