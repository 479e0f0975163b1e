package config

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

func TestAliasesAreRefused(t *testing.T) {
	tests := []struct{ name, lines, file, want string }{
		{name: "alias", lines: "    jobs: &hunter2 []\n    entity_id: *hunter2\n", want: "5: tenants[0].jobs"},
		{name: "anchor of a value", lines: "    entity_id: &hunter2 x\n", want: "5: tenants[0].entity_id"},
		{name: "anchor of nothing", lines: "    entity_id: &hunter2\n", want: "5: tenants[0].entity_id"},
		{name: "anchor of a mapping", lines: "  - &hunter2\n    name: b\n", want: "5: tenants[1]"},
		{name: "anchor of a key", lines: "    &hunter2 entity_id: x\n", want: "5: tenants[0]"},
		{name: "anchor in oauth2", file: "tenants:\n  - oauth2:\n      client_id: &hunter2 x\n", want: "3: tenants[0].oauth2.client_id"},
		{name: "anchor in a list", lines: "    jobs:\n      - &hunter2 {id: " + jobA + "}\n", want: "6: tenants[0].jobs[0]"},
		{name: "alias as key", lines: "    jobs: [{labels: {a: b, *hunter2 : x}}]\n", want: "5"},
		{name: "alias of a known anchor as key", lines: "    jobs: [{labels: {&hunter2 a: b, *hunter2 : x}}]\n", want: "5: tenants[0].jobs[0].labels"},
		{name: "merge", lines: "    <<: {entity_id: x}\n", want: "5: tenants[0]"},
		{name: "merge in oauth2", file: "tenants:\n  - oauth2:\n      <<: {hunter2: x}\n", want: "3: tenants[0].oauth2"},
		{name: "list that has itself", lines: "    jobs: &hunter2 [*hunter2]\n", want: "5: tenants[0].jobs"},
		{name: "mapping that has itself", lines: "    tls_config: &hunter2 {ca: *hunter2}\n", want: "5: tenants[0].tls_config"},
		{name: "secret that begins with &", file: "tenants:\n  - oauth2: {client_secret: &hunter2}\n", want: "2: tenants[0].oauth2.client_secret"},
		{name: "secret that begins with *", file: "a: b\nc: '*hunter2'\ntenants:\n  - oauth2: {client_secret: *hunter2}\n", want: "4"},
		{name: "secret that begins with & and has a slash", file: "tenants:\n  - oauth2:\n      client_secret: &hunter2/a=b\n", want: "3"},
		{name: "secret that begins with * and has a slash", file: "tenants:\n  - oauth2:\n      client_secret: *hunter2/a=b\n", want: "3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.file
			if file == "" {
				file = minimal + tt.lines
			}
			_, err := Parse("test.yml", []byte(file))
			if want := "test.yml:" + tt.want + ": " + noAliases; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
	t.Run("quoted", func(t *testing.T) {
		c := parse(t, minimal+"    entity_id: '*a'\n    no_proxy: \"&a\"\n    proxy_url: http://p\n    jobs: [{id: "+jobA+", labels: {a: '<<'}}]\n")
		if got := c.Tenants[0].Zuora.EntityID; got != "*a" {
			t.Errorf("entity_id: got %q, want *a", got)
		}
		if got := c.Tenants[0].Jobs[0].Labels["a"]; got != "<<" {
			t.Errorf("label: got %q, want <<", got)
		}
	})
}

// A file may have as many jobs as memory has room for, and an error in it has
// the right line and comes soon.
func TestManyJobs(t *testing.T) {
	var file strings.Builder
	file.WriteString(minimal + "    jobs:\n")
	for i := range 20_000 {
		fmt.Fprintf(&file, "      - {id: %032d, labels: {a: b, c: d, e: f, n: '%d'}}\n", i, i)
	}
	if got := len(parse(t, file.String()).Tenants[0].Jobs); got != 20_000 {
		t.Errorf("got %d jobs, want 20000", got)
	}
	start := time.Now()
	_, err := Parse("test.yml", []byte(file.String()+"     - {}\n"))
	if want := "test.yml:20006: not valid YAML: did not find expected key"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("the error took %v, want less than 30s", took)
	}
}

func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../examples/zuora_exporter.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	for _, seed := range []string{
		"", "{}", "---", minimal, minimal + "---\n", "tenants: &t [*t]", "tenants: [{<<: &x {<<: *x}}]",
		minimal + "    jobs: [{id: " + jobA + ", labels: {a: x, b: 1}}]\n", minimal + "    jobs: [{id: &x " + jobA + "}, {id: *x}]\n",
		minimal + "    entity_id: !!binary aGk=\n    api_version: 341.0\n    tls_config: {ca_file: x, min_version: TLS12}\n",
		minimal + "    proxy_url: http://u:p@h:1\n    no_proxy: x\n    proxy_connect_header: {a: [b, \"c\\nd\"]}\n",
		minimal + "    request_timeout: 1m30s\n    max_concurrent_requests: 3\n    rate_limit_reserve: .inf\n",
		"tenants:\n  - oauth2: {client_id: a, client_secret_env: b, token_url: 'http://h?a', scopes: [a], endpoint_params: {a: b}}\n",
		"a: *b", "%YAML 1.1\n---\n", "? [a, b]\n: !c d", "\xef\xbb\xbftenants:\r\n", "\xff\xfe", "a: \"\\x00\\ud800\"", "a: |2-\n", "!!map {? {a: b}}",
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
		if len(c.Tenants) == 0 {
			t.Error("got no tenant, want one at least")
		}
		for _, tenant := range c.Tenants {
			z := tenant.Zuora
			for _, u := range []*url.URL{z.BaseURL, z.TokenURL} {
				if u == nil || u.Host == "" || u.User != nil {
					t.Errorf("got the URL %v, want one with a host and without a user", u)
				}
			}
			if tenant.Name == "" || z.RequestTimeout <= 0 || tenant.MaxConcurrentRequests < 1 || z.ClientSecret == nil ||
				tenant.RefreshInterval < 0 || tenant.CompletedRefreshInterval < 0 || !(z.RateLimitReserve < 1) {
				t.Errorf("got the tenant %+v, want valid settings", tenant)
			}
			if _, err := tenant.NewTransport(); err != nil {
				t.Errorf("got no transport: %v", err)
			}
		}
	})
}
