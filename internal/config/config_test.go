package config

import (
	"strings"
	"testing"
	"time"
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
