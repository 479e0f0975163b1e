package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestSameClient(t *testing.T) {
	const file = `tenants:
  - name: prod
    base_url: https://rest.zuora.com
    oauth2: {client_id: id, client_secret: s3cret, endpoint_params: {a: b}}
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
	tests := []struct {
		name, old, new string
		same           bool
	}{
		{name: "nothing", same: true},
		{name: "jobs", old: "200ab", new: "200ac", same: true},
		{name: "labels", old: "wave", new: "team", same: true},
		{name: "refresh_interval", old: "30s", new: "1m", same: true},
		{name: "completed_refresh_interval", old: "1h", new: "2h", same: true},
		{name: "name", old: "prod", new: "test"},
		{name: "base_url", old: "rest.", new: "rest.eu."},
		{name: "client_id", old: "client_id: id", new: "client_id: other"},
		{name: "client_secret", old: "s3cret", new: "secr3t"},
		{name: "client_secret_file", old: "client_secret:", new: "client_secret_file:"},
		{name: "client_secret_env", old: "client_secret:", new: "client_secret_env:"},
		{name: "a default written out", old: "    proxy_url", new: "    max_concurrent_requests: 10\n    proxy_url", same: true},
		{name: "endpoint_params", old: "a: b", new: "a: c"},
		{name: "request_timeout", old: "5s", new: "6s"},
		{name: "proxy_url", old: "user:pass", new: "user:word"},
		{name: "proxy_connect_header", old: "[one]", new: "[two]"},
		{name: "tls_config", old: "server_name: zuora", new: "server_name: other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := parse(t, file).Tenants[0], parse(t, strings.Replace(file, tt.old, tt.new, 1)).Tenants[0]
			// The tenant in use already has a transport.
			if _, err := a.NewTransport(); err != nil {
				t.Fatal(err)
			}
			if got := a.SameClient(b); got != tt.same {
				t.Errorf("got %t, want %t", got, tt.same)
			}
			if got := b.SameClient(a); got != tt.same {
				t.Errorf("the other way round: got %t, want %t", got, tt.same)
			}
			if len(a.Jobs) != 1 || a.RefreshInterval != 30*time.Second {
				t.Errorf("after comparing: got %d jobs and a refresh interval of %v, want 1 and 30s", len(a.Jobs), a.RefreshInterval)
			}
		})
	}
}

// A tenant keeps its pauses if Zuora sees the same client.
func TestSameCredentials(t *testing.T) {
	const file = `tenants:
  - name: prod
    base_url: https://rest.zuora.com
    oauth2: {client_id: id, client_secret: a-secret, token_url: https://h/token}
    max_concurrent_requests: 10
    proxy_url: http://proxy
`
	for old, same := range map[string]bool{
		"10": true, "a-secret": true, "proxy\n": true, "prod": false, "rest": false, "id,": false, "h/token": false,
	} {
		a, b := parse(t, file).Tenants[0], parse(t, strings.Replace(file, old, "1"+old, 1)).Tenants[0]
		if got := a.SameCredentials(b); got != same {
			t.Errorf("%q changed: got %t, want %t", old, got, same)
		}
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
      - {id: A.B_C~D-000000000000000000000000}
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
	us := tenant{
		Name: "prod-us", BaseURL: promconfig.URL{URL: mustURL(t, "http://localhost:8080/gateway")},
		OAuth2: oauth2{
			ClientID: "0123", ClientSecretFile: "dir/prod-us.secret",
			TokenURL: promconfig.URL{URL: mustURL(t, "https://login.example.com/token?realm=zuora")},
			Scopes:   []string{"read", "write"}, EndpointParams: map[string]string{"audience": "zuora", "empty": ""},
		},
		EntityID: "11e643f4-a3ee-8bad-b061-0025904c756d", APIVersion: "341.0",
		RequestTimeout: model.Duration(90 * time.Second), MaxConcurrentRequests: 3,
		RefreshInterval: model.Duration(30 * time.Second), CompletedRefreshInterval: model.Duration(24 * time.Hour),
		Proxy: promconfig.ProxyConfig{
			ProxyURL: promconfig.URL{URL: mustURL(t, "http://user:pass@proxy:3128")}, NoProxy: "localhost",
			ProxyConnectHeader: promconfig.ProxyHeader{"X-Auth": {"one", "two"}},
		},
		TLS: tlsConfig{
			ServerName: "zuora.internal", InsecureSkipVerify: true,
			MinVersion: promconfig.TLSVersions["TLS12"], MaxVersion: promconfig.TLSVersions["TLS13"],
		},
		Jobs: []Job{
			{ID: jobA, Labels: map[string]string{"wave": "first", "team": "billing"}},
			{ID: jobB, Labels: map[string]string{"wave": "2", "started": "2025-08-12", "late": "yes"}},
			{ID: "A.B_C~D-000000000000000000000000"},
		},
	}
	eu := tenant{
		Name: "defaults", BaseURL: promconfig.URL{URL: mustURL(t, "https://rest.eu.zuora.com")},
		OAuth2: oauth2{
			ClientID: "id", ClientSecret: "a-secret",
			TokenURL: promconfig.URL{URL: mustURL(t, "https://rest.eu.zuora.com/oauth/token")},
		},
		APIVersion: "2025-08-12", RequestTimeout: model.Duration(5 * time.Second),
		MaxConcurrentRequests: 10, RateLimitReserve: 0.05,
	}
	merged := us
	merged.Name, merged.OAuth2.ClientID, merged.Jobs = "merged", "other", []Job{}
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	for i, want := range []tenant{us, eu, merged} {
		if diff := cmp.Diff(want, c.Tenants[i].settings(), everything); diff != "" {
			t.Errorf("want -, got +:\n%s", diff)
		}
	}

	got := *c.Tenants[0]
	got.settings, got.Zuora.ClientSecret = nil, nil
	want := Tenant{
		Name: "prod-us", MaxConcurrentRequests: 3, RefreshInterval: 30 * time.Second, CompletedRefreshInterval: 24 * time.Hour, Jobs: us.Jobs,
		Zuora: zuora.Config{
			BaseURL: us.BaseURL.URL, TokenURL: us.OAuth2.TokenURL.URL, ClientID: "0123", Scopes: []string{"read", "write"},
			EndpointParams: url.Values{"audience": {"zuora"}, "empty": {""}}, EntityID: us.EntityID, APIVersion: "341.0", RequestTimeout: 90 * time.Second,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTokenURL(t *testing.T) {
	for base, want := range map[string]string{
		"https://h": "https://h/oauth/token", "https://h/": "https://h/oauth/token", "https://h/a/b/": "https://h/a/b/oauth/token",
		"https://h/a%2Fb/": "https://h/a%2Fb/oauth/token", "http://[::1]:80": "http://[::1]:80/oauth/token", "https://v1/v10": "https://v1/v10/oauth/token",
	} {
		if got := parse(t, fileOf("base_url: "+base)).Tenants[0].Zuora.TokenURL.String(); got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
}

// A file may have as many jobs as memory has room for.
func TestManyJobs(t *testing.T) {
	var file strings.Builder
	file.WriteString(minimal + "    jobs:\n")
	for i := range 20_000 {
		fmt.Fprintf(&file, "      - {id: %032d, labels: {a: b, c: d, e: f, n: '%d'}}\n", i, i)
	}
	if got := len(parse(t, file.String()).Tenants[0].Jobs); got != 20_000 {
		t.Errorf("got %d jobs, want 20000", got)
	}
	_, err := Parse("test.yml", []byte(file.String()+"     - {}\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "test.yml:20006: ") {
		t.Errorf("got %v, want an error on line 20006", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "---", minimal, minimal + "---\n", "tenants: &t [*t]", "tenants: [{<<: &x {<<: *x}}]",
		minimal + "    jobs: [{id: " + jobA + ", labels: {a: x, b: 1}}]\n", minimal + "    jobs: [{id: &x " + jobA + "}, {id: *x}]\n",
		minimal + "    entity_id: !!binary aGk=\n    api_version: 341.0\n    tls_config: {ca_file: x, min_version: TLS12}\n",
		minimal + "    proxy_url: http://u:p@h:1\n    no_proxy: x\n    proxy_connect_header: {a: [b, \"c\\nd\"]}\n",
		minimal + "    request_timeout: 1m30s\n    max_concurrent_requests: 3\n    rate_limit_reserve: .inf\n",
		"a: *b", "%YAML 1.1\n---\n", "? [a, b]\n: !c d", "\ufefftenants:\r\n", "\xff\xfe", "a: |2-\n", "!!map {? {a: b}}",
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
			z := tenant.Zuora
			if tenant.Name == "" || z.RequestTimeout <= 0 || tenant.MaxConcurrentRequests < 1 || !(z.RateLimitReserve < 1) || z.BaseURL.User != nil || z.TokenURL.User != nil {
				t.Errorf("got the tenant %+v, want valid settings", tenant)
			}
			if _, err := tenant.NewTransport(); err != nil {
				t.Errorf("got no transport: %v", err)
			}
		}
	})
}
