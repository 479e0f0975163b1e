package config

import (
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// settings is all of a tenant that can be compared.
type settings struct {
	connection                                connection
	refreshInterval, completedRefreshInterval time.Duration
	jobs                                      []Job
}

func TestParseDefaults(t *testing.T) {
	checkSettings(t, parse(t, minimal), settings{connection: connection{
		name: "prod",
		zuora: zuora.Config{
			BaseURL:          mustURL(t, "https://rest.zuora.com"),
			TokenURL:         mustURL(t, "https://rest.zuora.com/oauth/token"),
			ClientID:         "id",
			APIVersion:       "2025-08-12",
			RequestTimeout:   5 * time.Second,
			RateLimitReserve: 0.05,
		},
		secretKey: "client_secret", secret: "s3cret",
		maxConcurrentRequests: 10,
	}})
}

func TestParseEverything(t *testing.T) {
	c := parse(t, `
tenants:
  - name: prod-us
    base_url: http://localhost:8080/gateway//
    oauth2:
      client_id: 0123
      client_secret_file: prod-us.secret
      token_url: https://login.example.com/token?realm=zuora
      scopes: [read, write]
      endpoint_params: {audience: zuora, empty: ""}
    entity_id: 11e643f4-a3ee-8bad-b061-0025904c756d
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
      - id: 00000000000000000000000000000012
        labels: {wave: 2, started: 2025-08-12, late: yes}
      - {id: A.B_C~D-000000000000000000000000}
  - name: eu
    base_url: https://rest.eu.zuora.com
    oauth2: {client_id: id, client_secret_file: /etc/zuora/eu.secret}
    proxy_from_environment: true
    api_version: 2024-05-20
  - name: ap
    base_url: https://rest.ap.zuora.com
    oauth2: {client_id: id, client_secret_env: ZUORA_SECRET}
    jobs:
      - id: ff80808186b966950186b97922e200ab
`)
	if want := []string{"late", "started", "team", "wave"}; !slices.Equal(c.LabelNames, want) {
		t.Errorf("label names: got %q, want %q", c.LabelNames, want)
	}
	checkSettings(t, c, settings{
		connection: connection{
			name: "prod-us",
			zuora: zuora.Config{
				BaseURL:        mustURL(t, "http://localhost:8080/gateway"),
				TokenURL:       mustURL(t, "https://login.example.com/token?realm=zuora"),
				ClientID:       "0123",
				Scopes:         []string{"read", "write"},
				EndpointParams: url.Values{"audience": {"zuora"}, "empty": {""}},
				EntityID:       "11e643f4-a3ee-8bad-b061-0025904c756d",
				APIVersion:     "341.0",
				RequestTimeout: 90 * time.Second,
			},
			secretKey: "client_secret_file", secret: "dir/prod-us.secret",
			maxConcurrentRequests: 3,
			proxy: promconfig.ProxyConfig{
				ProxyURL:           promconfig.URL{URL: mustURL(t, "http://user:pass@proxy:3128")},
				NoProxy:            "localhost",
				ProxyConnectHeader: promconfig.ProxyHeader{"X-Auth": {"one", "two"}},
			},
			tls: promconfig.TLSConfig{
				ServerName:         "zuora.internal",
				InsecureSkipVerify: true,
				MinVersion:         promconfig.TLSVersions["TLS12"],
				MaxVersion:         promconfig.TLSVersions["TLS13"],
			},
		},
		refreshInterval:          30 * time.Second,
		completedRefreshInterval: 24 * time.Hour,
		jobs: []Job{
			{ID: jobA, Labels: map[string]string{"wave": "first", "team": "billing"}},
			{ID: jobB, Labels: map[string]string{"wave": "2", "started": "2025-08-12", "late": "yes"}},
			{ID: "A.B_C~D-000000000000000000000000"},
		},
	}, settings{connection: connection{
		name: "eu",
		zuora: zuora.Config{
			BaseURL:          mustURL(t, "https://rest.eu.zuora.com"),
			TokenURL:         mustURL(t, "https://rest.eu.zuora.com/oauth/token"),
			ClientID:         "id",
			APIVersion:       "2024-05-20",
			RequestTimeout:   5 * time.Second,
			RateLimitReserve: 0.05,
		},
		secretKey: "client_secret_file", secret: "/etc/zuora/eu.secret",
		maxConcurrentRequests: DefaultMaxConcurrentRequests,
		proxy:                 promconfig.ProxyConfig{ProxyFromEnvironment: true},
	}}, settings{
		connection: connection{
			name: "ap",
			zuora: zuora.Config{
				BaseURL:          mustURL(t, "https://rest.ap.zuora.com"),
				TokenURL:         mustURL(t, "https://rest.ap.zuora.com/oauth/token"),
				ClientID:         "id",
				APIVersion:       "2025-08-12",
				RequestTimeout:   5 * time.Second,
				RateLimitReserve: 0.05,
			},
			secretKey: "client_secret_env", secret: "ZUORA_SECRET",
			maxConcurrentRequests: DefaultMaxConcurrentRequests,
		},
		jobs: []Job{{ID: jobA}},
	})
}

func checkSettings(t *testing.T, c *Config, want ...settings) {
	t.Helper()
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	var got []settings
	for _, tenant := range c.Tenants {
		s := settings{tenant.connection(), tenant.RefreshInterval, tenant.CompletedRefreshInterval, tenant.Jobs}
		got = append(got, s)
		public := tenant.Zuora
		public.ClientSecret = nil
		if diff := cmp.Diff(s.connection.zuora, public, everything); diff != "" || tenant.Name != s.connection.name || tenant.MaxConcurrentRequests != s.connection.maxConcurrentRequests {
			t.Errorf("tenant %s: got other exported fields than the connection of %s has, want the same:\n%s", tenant.Name, s.connection.name, diff)
		}
	}
	if diff := cmp.Diff(want, got, everything); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}
