package config

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

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
		{name: "nothing", client: true, credentials: true},
		{name: "jobs", old: "200ab", new: "200ac", client: true, credentials: true},
		{name: "labels", old: "wave", new: "team", client: true, credentials: true},
		{name: "refresh_interval", old: "30s", new: "1m", client: true, credentials: true},
		{name: "completed_refresh_interval", old: "1h", new: "2h", client: true, credentials: true},
		{name: "a default written out", old: "    proxy_url", new: "    max_concurrent_requests: 10\n    proxy_url", client: true, credentials: true},
		{name: "name", old: "prod", new: "test"},
		{name: "base_url", old: "rest.", new: "rest.eu."},
		{name: "client_id", old: "client_id: id", new: "client_id: other"},
		{name: "token_url", old: "https://h", new: "https://i"},
		{name: "client_secret", old: "s3cret", new: "secr3t", credentials: true},
		{name: "client_secret_file", old: "client_secret:", new: "client_secret_file:", credentials: true},
		{name: "endpoint_params", old: "a: b", new: "a: c", credentials: true},
		{name: "request_timeout", old: "5s", new: "6s", credentials: true},
		{name: "proxy_url", old: "user:pass", new: "user:word", credentials: true},
		{name: "proxy_connect_header", old: "[one]", new: "[two]", credentials: true},
		{name: "tls_config", old: "server_name: zuora", new: "server_name: other", credentials: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parse(t, file).Tenants[0], parse(t, strings.Replace(file, tt.old, tt.new, 1)).Tenants[0]
			// The tenant in use already has a transport.
			if _, err := a.ClientConfig(); err != nil {
				t.Fatal(err)
			}
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
    proxy_url: http://user:pass@proxy:3128
    no_proxy: localhost
    proxy_connect_header: {X-Auth: [one, two]}
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
    base_url: https://rest.eu.zuora.com
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
    proxy_from_environment: ""
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
		BaseURL: mustURL(t, "http://localhost:8080/gateway"), TokenURL: mustURL(t, "https://login.example.com/token?realm=zuora"),
		ClientID: "0123", Scopes: []string{"read", "write"}, EndpointParams: url.Values{"audience": {"zuora"}, "empty": {""}},
		EntityID: "11e643f4-a3ee-8bad-b061-0025904c756d", APIVersion: "341.0", RequestTimeout: 90 * time.Second,
		Secrets: []string{"pass", "dXNlcjpwYXNz"},
	}
	merged := us
	merged.ClientID = "other"
	jobs := []Job{
		{ID: jobA, Labels: map[string]string{"wave": "first", "team": "billing"}},
		{ID: jobB, Labels: map[string]string{"wave": "2", "started": "2025-08-12", "late": "yes"}},
		{ID: "AxBxCxD-000000000000000000000000"},
	}
	for i, want := range []struct {
		name               string
		concurrent         float64
		refresh, completed time.Duration
		jobs               []Job
		client             zuora.Config
	}{
		{"prod-us", 3, 30 * time.Second, 24 * time.Hour, jobs, us},
		{"defaults", 10, 0, 0, nil, zuora.Config{
			BaseURL: mustURL(t, "https://rest.eu.zuora.com"), TokenURL: mustURL(t, "https://rest.eu.zuora.com/oauth/token"),
			ClientID: "id", APIVersion: "2025-08-12", RequestTimeout: 5 * time.Second, RateLimitReserve: 0.05,
		}},
		{"merged", 3, 30 * time.Second, 24 * time.Hour, nil, merged},
	} {
		got := c.Tenants[i]
		if got.Name != want.name || got.MaxConcurrentRequests != want.concurrent {
			t.Errorf("got %s, %g, want %s, %g", got.Name, got.MaxConcurrentRequests, want.name, want.concurrent)
		}
		if a, b := time.Duration(got.RefreshInterval), time.Duration(got.CompletedRefreshInterval); a != want.refresh || b != want.completed {
			t.Errorf("%s: got the refresh intervals %s and %s, want %s and %s", want.name, a, b, want.refresh, want.completed)
		}
		client, err := got.ClientConfig()
		if err != nil {
			t.Fatal(err)
		}
		client.ClientSecret, client.Transport = nil, nil
		asText := cmp.Transformer("text", (*url.URL).String)
		if diff := cmp.Diff(want.client, client, asText, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", want.name, diff)
		}
		if diff := cmp.Diff(want.jobs, got.Jobs, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", want.name, diff)
		}
	}
}

func TestTokenURL(t *testing.T) {
	for base, want := range map[string]string{
		"https://h": "https://h/oauth/token", "https://h/a/b/": "https://h/a/b/oauth/token",
		"https://h/a%2Fb/": "https://h/a%2Fb/oauth/token", "http://[::1]:80": "http://[::1]:80/oauth/token", "https://v1/v10": "https://v1/v10/oauth/token",
	} {
		if got := parse(t, fileOf("base_url: "+base)).Tenants[0].OAuth2.TokenURL.String(); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
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
			if _, err := tenant.ClientConfig(); err != nil {
				t.Errorf("got no transport: %v", err)
			}
		}
	})
}
