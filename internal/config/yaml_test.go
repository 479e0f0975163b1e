package config

import (
	"fmt"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestAliases(t *testing.T) {
	c := parse(t, `
tenants:
  - &prod
    name: prod
    base_url: https://rest.zuora.com
    oauth2: &oauth2
      client_id: id
      client_secret: s3cret
    request_timeout: &wait 7s
    refresh_interval: *wait
    jobs:
      - id: &id ff80808186b966950186b97922e200ab
        labels: &labels {team: billing, wave: first}
  - <<: *prod
    name: copy
    oauth2:
      <<: *oauth2
      client_id: other
    jobs:
      - id: *id
        labels: *labels
      - id: 00000000000000000000000000000012
        labels:
          wave: second
          <<: [{zone: eu, level: low}, {zone: us}, *labels]
          late: yes
`)
	first, second := c.Tenants[0], c.Tenants[1]
	if first.RequestTimeout != 7*time.Second || first.RefreshInterval != 7*time.Second {
		t.Errorf("alias of a value: got %v and %v", first.RequestTimeout, first.RefreshInterval)
	}
	if second.Name != "copy" || second.RequestTimeout != 7*time.Second || second.BaseURL.Host != "rest.zuora.com" {
		t.Errorf("merge of a tenant: got %s, %v, %v", second.Name, second.RequestTimeout, second.BaseURL)
	}
	if second.OAuth2.ClientID != "other" || second.OAuth2.Secret.Reveal() != "s3cret" {
		t.Error("merge of oauth2: the key itself does not win, or the other is lost")
	}
	want := []Job{
		{ID: jobA, Labels: map[string]string{"team": "billing", "wave": "first"}},
		{ID: jobB, Labels: map[string]string{"team": "billing", "wave": "second", "zone": "eu", "level": "low", "late": "yes"}},
	}
	if !reflect.DeepEqual(second.Jobs, want) {
		t.Errorf("jobs: got %v, want %v", second.Jobs, want)
	}
}

func TestAliasErrors(t *testing.T) {
	tests := []struct{ name, lines, want string }{
		{name: "value of the wrong kind", lines: "    jobs: [{id: &x " + jobA + "}]\n    refresh_interval: *x\n", want: "6: tenants[0].refresh_interval: must be a duration such as 30s or 1m30s"},
		{name: "merge of text", lines: "    <<: x\n", want: "5: tenants[0]: << must name a mapping or a list of mappings"},
		{name: "merge of nothing", lines: "    <<:\n", want: "5: tenants[0]: << must name a mapping or a list of mappings"},
		{name: "merge of a list with text", lines: "    <<: [{}, x]\n", want: "5: tenants[0]: << must name a mapping or a list of mappings"},
		{name: "two merges", lines: "    <<: {}\n    <<: {}\n", want: "6: tenants[0]: duplicate key, first on line 5"},
		{name: "quoted <<", lines: "    '<<': {}\n", want: `5: tenants[0]."<<": unknown key`},
		{name: "merged unknown key", lines: "    <<: {wave: x}\n", want: "5: tenants[0].wave: unknown key"},
		{name: "merged value", lines: "    <<:\n      no_proxy: x\n      api_version: v1\n", want: "7: tenants[0].api_version: must be a date such as 2025-08-12 or a number such as 341.0"},
		{name: "a secret's place as tenant", lines: "    tls_config: {}\n    proxy_url: http://p\n    proxy_connect_header: &x {hunter2: []}\n  - *x\n", want: "7: tenants[1]: unknown key"},
		{
			name: "a secret's place as labels", lines: "    proxy_url: http://p\n    proxy_connect_header: &x {hunter-2: []}\n    jobs: [{labels: *x}]\n",
			want: "6: tenants[0].jobs[0].labels: a label name is letters, digits and underscores, and begins with no digit",
		},
		{name: "mapping merges itself", lines: "    jobs: [{labels: &x {<<: *x}}]\n", want: "5: tenants[0].jobs[0].labels: << merges a mapping into itself or too deep"},
		{name: "list holds itself", lines: "    jobs: &x [*x]\n", want: "5: tenants[0].jobs[0]: must be a mapping, not a list"},
		{name: "mapping holds itself", lines: "    oauth2a: &x {oauth2a: *x}\n", want: "5: tenants[0].oauth2a: unknown key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("test.yml", []byte(minimal+tt.lines))
			if want := "test.yml:" + tt.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

func TestAliasBombs(t *testing.T) {
	// Each of 2,000 tenants has the same 2,000 jobs.
	var jobs strings.Builder
	jobs.WriteString(minimal + "    jobs: &jobs\n")
	for i := range 2000 {
		fmt.Fprintf(&jobs, "      - id: %032d\n", i)
	}
	for i := range 2000 {
		fmt.Fprintf(&jobs, "  - {name: t%d, base_url: 'https://h', oauth2: {client_id: a, client_secret: b}, jobs: *jobs}\n", i)
	}

	for name, file := range map[string]string{
		"merges": minimal + "    jobs: [{labels: " + nestedMerges(30) + "}]\n",
		"jobs":   jobs.String(),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("test.yml", []byte(file))
			if err == nil || !strings.HasSuffix(err.Error(), "the file becomes too large through its aliases") {
				t.Errorf("got %v", err)
			}
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// nestedMerges returns a mapping that doubles itself depth times.
func nestedMerges(depth int) string {
	if depth == 0 {
		return "{a: b}"
	}
	return fmt.Sprintf("{<<: [&m%d %s, *m%d]}", depth, nestedMerges(depth-1), depth)
}

// TestManyJobs is for the promise that no file is too large that says what it
// says without aliases, or shares labels between its jobs.
func TestManyJobs(t *testing.T) {
	var file strings.Builder
	file.WriteString(minimal + "    jobs:\n")
	for i := range 20_000 {
		labels := "*labels"
		if i == 0 {
			labels = "&labels {a: b, c: d, e: f}"
		}
		fmt.Fprintf(&file, "      - {id: %032d, labels: {<<: %s, n: '%d'}}\n", i, labels, i)
	}
	if got := len(parse(t, file.String()).Tenants[0].Jobs); got != 20_000 {
		t.Errorf("got %d jobs", got)
	}
}

func FuzzParse(f *testing.F) {
	if example, err := os.ReadFile("../../zuora_exporter.yml"); err == nil {
		f.Add(string(example))
	}
	for _, seed := range []string{
		"", "{}", "---", minimal, minimal + "---\n", "tenants: &t [*t]", "tenants: [{<<: &x {<<: *x}}]",
		minimal + "    jobs: [{id: &x " + jobA + ", labels: {a: *x, b: 1, <<: {c: d}}}, {id: *x}]\n",
		minimal + "    entity_id: !!binary aGk=\n    api_version: 341.0\n    tls_config: {ca_file: x, min_version: TLS12}\n",
		minimal + "    proxy_url: http://u:p@h:1\n    no_proxy: x\n    proxy_connect_header: {a: [b, \"c\\nd\"]}\n",
		minimal + "    request_timeout: 1m30s\n    max_concurrent_requests: 3\n    rate_limit_reserve: .inf\n",
		"tenants:\n  - oauth2: {client_id: a, client_secret_file: b, token_url: 'http://h?a', scopes: [a], endpoint_params: {a: b}}\n",
		"a: *b", "%YAML 1.1\n---\n", "? [a, b]\n: !c d", "\xef\xbb\xbftenants:\r\n", "\xff\xfe", "a: \"\\x00\\ud800\"", "a: |2-\n", "!!map {? {a: b}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		c, err := Parse("test.yml", []byte(data))
		if err != nil {
			if message := err.Error(); !strings.HasPrefix(message, "test.yml:") || strings.ContainsAny(message, "\r\n") {
				t.Errorf("error %q", message)
			}
			return
		}
		if len(c.Tenants) == 0 {
			t.Error("no tenant")
		}
		for _, tenant := range c.Tenants {
			for _, u := range []*url.URL{tenant.BaseURL, tenant.OAuth2.TokenURL} {
				if u == nil || u.Host == "" || u.User != nil {
					t.Errorf("URL %v", u)
				}
			}
			if tenant.Name == "" || tenant.RequestTimeout <= 0 || tenant.MaxConcurrentRequests < 1 ||
				tenant.RefreshInterval < 0 || tenant.CompletedRefreshInterval < 0 || !(tenant.RateLimitReserve < 1) {
				t.Errorf("tenant %#v", tenant)
			}
			if _, err := tenant.NewTransport(); err != nil {
				t.Errorf("transport: %v", err)
			}
		}
	})
}
