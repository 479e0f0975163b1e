package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const tenantKeyNames = "; the keys here are name, base_url, oauth2, entity_id, api_version, request_timeout, max_concurrent_requests, " +
	"refresh_interval, completed_refresh_interval, rate_limit_reserve, proxy_url, no_proxy, proxy_from_environment, " +
	"proxy_connect_header, tls_config, jobs"

func TestWarnings(t *testing.T) {
	const variable = "looks like a variable, but the exporter expands none; client_secret_env takes the name of an environment variable"
	const http = "http:// sends secrets unencrypted; use https://"
	tests := []struct {
		name, url, oauth2 string
		want              []string
	}{
		{name: "nothing", url: "https://h", oauth2: "client_secret: a"},
		{name: "http", url: "http://h", oauth2: "client_secret: a", want: []string{"3: tenants[0].base_url: " + http}},
		{name: "http to an address", url: "http://10.0.0.1:80", oauth2: "client_secret: a", want: []string{"3: tenants[0].base_url: " + http}},
		{name: "localhost", url: "http://localhost:80", oauth2: "client_secret: a"},
		{name: "loopback", url: "http://127.0.0.2", oauth2: "client_secret: a"},
		{name: "IPv6 loopback", url: "http://[::1]:80", oauth2: "client_secret: a"},
		{name: "name like loopback", url: "http://127.0.0.1.example.com", oauth2: "client_secret: a", want: []string{"3: tenants[0].base_url: " + http}},
		{name: "token_url", url: "https://h", oauth2: "client_secret: a, token_url: 'http://h/token'", want: []string{"4: tenants[0].oauth2.token_url: " + http}},
		{name: "variable", url: "https://h", oauth2: "client_secret: $hunter2", want: []string{"4: tenants[0].oauth2.client_secret: " + variable}},
		{name: "variable in braces", url: "https://h", oauth2: "client_secret: '${hunter2:-x}'", want: []string{"4: tenants[0].oauth2.client_secret: " + variable}},
		{name: "dollar inside", url: "https://h", oauth2: "client_secret: a$hunter2"},
		{name: "dollar alone", url: "https://h", oauth2: "client_secret: '$'"},
		{name: "two", url: "http://h", oauth2: "client_secret: $A", want: []string{"3: tenants[0].base_url: " + http, "4: tenants[0].oauth2.client_secret: " + variable}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := parse(t, "tenants:\n  - name: a\n    base_url: "+tt.url+"\n    oauth2: {client_id: id, "+tt.oauth2+"}\n")
			var want []string
			for _, w := range tt.want {
				want = append(want, "dir/test.yml:"+w)
			}
			if !slices.Equal(c.Warnings, want) {
				t.Errorf("got %q, want %q", c.Warnings, want)
			}
		})
	}
}

// TestErrors has either a whole file, or lines that follow the minimal tenant:
// the first of them is line 5.
func TestErrors(t *testing.T) {
	tests := []struct{ name, lines, file, want string }{
		// The file as a whole.
		{name: "empty file", file: "\n", want: "1: the file is empty: it needs at least one tenant"},
		{name: "only comments", file: "# nothing\n", want: "1: the file is empty: it needs at least one tenant"},
		{name: "empty document", file: "---\n", want: "2: must be a mapping, but nothing is given"},
		{name: "a list", file: "- a\n", want: "1: must be a mapping, not a list"},
		{name: "text", file: "hunter2\n", want: "1: must be a mapping, not a single value"},
		{name: "no tenants key", file: "{}\n", want: "1: tenants: is missing"},
		{name: "no tenants", file: "tenants: []\n", want: "1: tenants: must have at least one tenant"},
		{name: "tenants null", file: "tenants:\n", want: "1: tenants: must be a list, but nothing is given"},
		{name: "second document", file: minimal + "---\n" + minimal, want: "5: a second YAML document begins here: there must be only one"},
		{name: "unknown key at the top", file: "tenant:\n", want: "1: tenant: unknown key; the keys here are tenants"},
		{name: "syntax, scanner", lines: "    api_version: a: b\n", want: "5: not valid YAML: mapping values are not allowed in this context"},
		{name: "syntax, parser", lines: "    jobs: [a\n  - name: b\n", want: "5: not valid YAML: did not find expected ',' or ']'"},
		{name: "syntax, first line", file: "a: b: c\n", want: "1: not valid YAML: mapping values are not allowed in this context"},
		{name: "syntax, after the document", lines: "...\na: [\n", want: "6: not valid YAML: did not find expected <document start>"},
		{name: "unknown anchor", lines: "    # *foobar *foo\n    entity_id: *foo\n", want: "6: " + noAliases},
		{name: "control character", lines: "    entity_id: \x01\n", want: "5: not valid YAML: control characters are not allowed"},
		{name: "not UTF-8", lines: "    entity_id: \xff\n", want: "5: not valid YAML: invalid leading UTF-8 octet"},

		{name: "syntax, in a block of many lines", lines: "    jobs:\n      - id: " + jobA + "\n        labels:\n          a: b\n         c: d\n", want: "9: not valid YAML: did not find expected key"},
		{name: "syntax, indentation", lines: "   entity_id: x\n", want: "5: not valid YAML: did not find expected '-' indicator"},
		{name: "syntax, tab", lines: "    jobs:\n\t- id: a\n", want: "6: indented with a tab; YAML takes spaces only"},
		{name: "syntax, tab after spaces", lines: "    jobs:\n  \t- id: a\n", want: "6: indented with a tab; YAML takes spaces only"},
		{name: "syntax, no colon", lines: "    entity_id x\n    api_version: 1\n", want: "5: not valid YAML: could not find expected ':'"},
		{name: "syntax, quote", lines: "    entity_id: 'x\n    api_version: 1\n", want: "5: not valid YAML: found unexpected end of stream"},

		// Keys.
		{name: "unknown key", lines: "    base_urls: x\n", want: "5: tenants[0].base_urls: unknown key" + tenantKeyNames},
		{name: "unknown key in many lines", lines: "    \"a\\nb\": x\n", want: `5: tenants[0]."a\nb": unknown key` + tenantKeyNames},
		{name: "duplicate key", lines: "    name: x\n", want: "5: tenants[0].name: duplicate key, first on line 2"},
		{name: "duplicate label", lines: "    jobs:\n      - id: " + jobA + "\n        labels:\n          wave: 1\n          wave: 2\n", want: "9: tenants[0].jobs[0].labels.wave: duplicate key, first on line 8"},
		{name: "a list as key", lines: "    ? [a]\n    : b\n", want: "5: tenants[0]: has a key that is not a plain name"},
		{name: "null as key", lines: "    ~: b\n", want: "5: tenants[0]: has a key that is not a plain name"},
		{name: "no name", file: "tenants:\n  - jobs: []\n    base_url: https://h\n", want: "2: tenants[0].name: is missing"},
		{name: "no base_url", file: "tenants:\n  - name: a\n    jobs: []\n", want: "2: tenants[0].base_url: is missing"},
		{name: "no oauth2", file: "tenants:\n  - name: a\n    base_url: https://h\n", want: "2: tenants[0].oauth2: is missing"},
		{name: "second tenant", lines: "  - name: b\n    base_url: https://h\n", want: "5: tenants[1].oauth2: is missing"},

		// Kinds.
		{name: "tenant as text", file: "tenants: [a]\n", want: "1: tenants[0]: must be a mapping, not a single value"},
		{name: "name as list", file: "tenants: [{name: [a]}]\n", want: "1: tenants[0].name: must be a single value, not a list"},
		{name: "name null", file: "tenants:\n  - name:\n", want: "2: tenants[0].name: must be a single value, but nothing is given"},
		{name: "name empty", file: "tenants:\n  - name: ''\n", want: "2: tenants[0].name: must not be empty"},
		{name: "name tagged", file: "tenants:\n  - name: !!binary aGk=\n", want: "2: tenants[0].name: must not have a YAML tag"},
		{name: "jobs as mapping", lines: "    jobs: {id: a}\n", want: "5: tenants[0].jobs: must be a list, not a mapping"},
		{name: "jobs null", lines: "    jobs:\n", want: "5: tenants[0].jobs: must be a list, but nothing is given"},
		{name: "jobs with a null", lines: "    jobs:\n      -\n", want: "6: tenants[0].jobs[0]: must be a mapping, but nothing is given"},

		// Values of a tenant.
		{name: "name with a line break", lines: "  - name: \"a\\nb\"\n", want: "5: tenants[1].name: must have printable characters only"},
		{name: "same name", lines: "  - name: prod\n", want: "5: tenants[1].name: is also the name of the tenant on line 2"},
		{name: "entity_id with a line break", lines: "    entity_id: \"a\\nb\"\n", want: "5: tenants[0].entity_id: must be visible ASCII characters"},
		{name: "entity_id empty", lines: "    entity_id: ''\n", want: "5: tenants[0].entity_id: must be visible ASCII characters"},
		{name: "api_version no version", lines: "    api_version: v1\n", want: "5: tenants[0].api_version: must be a date such as 2025-08-12 or a number such as 341.0"},
		{name: "api_version no date", lines: "    api_version: 2025-13-01\n", want: "5: tenants[0].api_version: must be a date such as 2025-08-12 or a number such as 341.0"},
		{name: "duration without unit", lines: "    request_timeout: 5\n", want: "5: tenants[0].request_timeout: must be a duration with its unit, such as 30s or 1m30s"},
		{name: "many seconds without unit", lines: "    refresh_interval: 300\n", want: "5: tenants[0].refresh_interval: must be a duration with its unit, such as 30s or 1m30s"},
		{name: "negative duration", lines: "    refresh_interval: -5s\n", want: "5: tenants[0].refresh_interval: must be a duration with its unit, such as 30s or 1m30s"},
		{name: "duration out of range", lines: "    completed_refresh_interval: 300y\n", want: "5: tenants[0].completed_refresh_interval: must be a duration with its unit, such as 30s or 1m30s"},
		{name: "request_timeout 0", lines: "    request_timeout: 0s\n", want: "5: tenants[0].request_timeout: must be more than 0s"},
		{name: "max_concurrent_requests 0", lines: "    max_concurrent_requests: 0\n", want: "5: tenants[0].max_concurrent_requests: must be a whole number from 1 up"},
		{name: "max_concurrent_requests broken", lines: "    max_concurrent_requests: 2.5\n", want: "5: tenants[0].max_concurrent_requests: must be a whole number from 1 up"},
		{name: "max_concurrent_requests huge", lines: "    max_concurrent_requests: 9223372036854775807\n", want: "5: tenants[0].max_concurrent_requests: must be a whole number from 1 up"},
		{name: "rate_limit_reserve 1", lines: "    rate_limit_reserve: 1\n", want: "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1"},
		{name: "rate_limit_reserve below 0", lines: "    rate_limit_reserve: -0.1\n", want: "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1"},
		{name: "rate_limit_reserve not a number", lines: "    rate_limit_reserve: NaN\n", want: "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1"},
		{name: "rate_limit_reserve infinite", lines: "    rate_limit_reserve: Inf\n", want: "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1"},
		{name: "rate_limit_reserve in percent", lines: "    rate_limit_reserve: 5%\n", want: "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1"},
		{name: "boolean as text", lines: "    proxy_from_environment: 'true'\n", want: "5: tenants[0].proxy_from_environment: must be true or false"},

		// Jobs.
		{name: "job without id", lines: "    jobs:\n      - labels: {}\n", want: "6: tenants[0].jobs[0].id: is missing"},
		{name: "short id", lines: "    jobs:\n      - id: abc\n", want: "6: tenants[0].jobs[0].id: a job id has 32 characters, this one has 3"},
		{name: "id with a slash", lines: "    jobs:\n      - id: ../../../../../../../../../../../\n", want: "6: tenants[0].jobs[0].id: a job id has 32 characters, this one has 33"},
		{name: "id with a line break", lines: "    jobs:\n      - id: \"" + jobA + "\\n\"\n", want: "6: tenants[0].jobs[0].id: a job id has 32 characters, this one has 33"},
		{
			name: "same job", lines: "    jobs:\n      - id: ff80808186b966950186b97922-e2-00\n      - id: " + jobA + "\n      - id: FF80-808186B966950186B97922E200-\n",
			want: "8: tenants[0].jobs[2].id: is the same job as on line 6",
		},
		{name: "label with a hyphen", lines: "    jobs: [{labels: {a-b: x}}]\n", want: "5: tenants[0].jobs[0].labels.a-b: a label name has letters, digits and underscores, and does not begin with a digit"},
		{name: "label with a line break", lines: "    jobs: [{labels: {\"ab\\n\": x}}]\n", want: `5: tenants[0].jobs[0].labels."ab\n": a label name has letters, digits and underscores, and does not begin with a digit`},
		{name: "label of Prometheus", lines: "    jobs: [{labels: {__name__: x}}]\n", want: "5: tenants[0].jobs[0].labels.__name__: label names that begin with __ belong to Prometheus"},
		{name: "label of the exporter", lines: "    jobs: [{labels: {job_id: x}}]\n", want: "5: tenants[0].jobs[0].labels.job_id: the label name is already used by the exporter or by Prometheus"},
		{name: "label null", lines: "    jobs: [{labels: {wave: }}]\n", want: "5: tenants[0].jobs[0].labels.wave: must be a single value, but nothing is given"},
		{name: "label as list", lines: "    jobs: [{labels: {wave: [1]}}]\n", want: "5: tenants[0].jobs[0].labels.wave: must be a single value, not a list"},

		// Proxy and TLS, in combination.
		{name: "no_proxy alone", lines: "    no_proxy: x\n", want: "2: tenants[0]: if no_proxy is configured, proxy_url must also be configured"},
		{name: "two proxies", lines: "    proxy_url: http://p\n    proxy_from_environment: true\n", want: "2: tenants[0]: if proxy_from_environment is configured, proxy_url must not be configured"},
		{name: "header without proxy", lines: "    proxy_connect_header: {A: [b]}\n", want: "2: tenants[0]: if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured"},
		{name: "unknown proxy scheme", lines: "    proxy_url: proxy:3128\n", want: "5: tenants[0].proxy_url: must be a URL with a host and one of the schemes http, https, socks5, socks5h"},
		{name: "unknown TLS version", lines: "    tls_config: {min_version: TLS9}\n", want: "5: tenants[0].tls_config.min_version: must be one of TLS10, TLS11, TLS12, TLS13"},
		{name: "unknown TLS key", lines: "    tls_config:\n      ca_ref: x\n", want: "6: tenants[0].tls_config: unknown key; the keys here are ca, ca_file, cert, cert_file, key, key_file, server_name, insecure_skip_verify, min_version, max_version"},
		{name: "certificate without key", lines: "    tls_config: {cert_file: x}\n", want: "5: tenants[0].tls_config: exactly one of key or key_file must be configured when a client certificate is configured"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.file
			if file == "" {
				file = minimal + tt.lines
			}
			_, err := Parse("dir/test.yml", []byte(file))
			if err == nil {
				t.Fatalf("got no error, want %s", tt.want)
			}
			if want := "dir/test.yml:" + tt.want; err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}

func TestBaseURL(t *testing.T) {
	const noURL = "must be a URL with a host and one of the schemes http, https"
	tests := []struct{ name, url, want, token, err string }{
		{name: "host", url: "https://h", want: "https://h", token: "https://h/oauth/token"},
		{name: "trailing slash", url: "https://h/", want: "https://h", token: "https://h/oauth/token"},
		{name: "path", url: "http://h:80/a/b/", want: "http://h:80/a/b", token: "http://h:80/a/b/oauth/token"},
		{name: "escaped path", url: "http://h/a%2Fb/", want: "http://h/a%2Fb", token: "http://h/a%2Fb/oauth/token"},
		{name: "IPv6", url: "http://[::1]:80", want: "http://[::1]:80", token: "http://[::1]:80/oauth/token"},
		{name: "no scheme", url: "rest.zuora.com", err: noURL},
		{name: "no scheme but port", url: "localhost:8080", err: noURL},
		{name: "other scheme", url: "ftp://h", err: noURL},
		{name: "no host", url: "https:///a", err: noURL},
		{name: "only a port", url: "https://:80", err: noURL},
		{name: "bad port", url: "https://h:x", err: noURL},
		{name: "high port", url: "https://h:65536", err: "has a port above 65535"},
		{name: "bad escape", url: "https://h/%zz", err: noURL},
		{name: "empty", url: "''", err: noURL},
		{name: "v1 in the middle", url: "https://h/v1/a", want: "https://h/v1/a", token: "https://h/v1/a/oauth/token"},
		{name: "v1", url: "https://h/v1", err: "must not end in /v1, because the exporter adds it"},
		{name: "v1 and a slash", url: "https://h/a/v1/", err: "must not end in /v1, because the exporter adds it"},
		{name: "user", url: "https://u@h", err: "must not have a user name or password"},
		{name: "password", url: "https://u:p@h", err: "must not have a user name or password"},
		{name: "password with a slash", url: "https://u:1/p@h", err: "must not have a user name or password"},
		{name: "query", url: "https://h?a=b", err: "must not have a query"},
		{name: "empty query", url: "https://h?", err: "must not have a query"},
		{name: "fragment", url: "https://h#a", err: "must not have a fragment"},
		{name: "empty fragment", url: "https://h#", err: "must not have a fragment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Parse("test.yml", []byte(strings.Replace(minimal, "https://rest.zuora.com", tt.url, 1)))
			if tt.err != "" {
				if want := "test.yml:3: tenants[0].base_url: " + tt.err; err == nil || err.Error() != want {
					t.Errorf("got %v, want %s", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Tenants[0].Zuora.BaseURL.String(); got != tt.want {
				t.Errorf("base URL: got %s, want %s", got, tt.want)
			}
			if got := c.Tenants[0].Zuora.TokenURL.String(); got != tt.token {
				t.Errorf("token URL: got %s, want %s", got, tt.token)
			}
		})
	}
}

func TestTLSFilesAreChecked(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode fs.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	ca := testutil.NewCertificate(t)
	write("good.pem", ca.CertPEM, 0o600)
	write("key.pem", ca.KeyPEM, 0o600)
	write("other.pem", testutil.NewCertificate(t).KeyPEM, 0o600)
	write("bad.pem", "-----BEGIN hunter2-----\naGk=\n-----END hunter2-----\n", 0o600)

	tests := []struct{ name, config, want string }{
		{name: "good ca_file", config: "{ca_file: good.pem}"},
		{name: "good pair", config: "{cert_file: good.pem, key_file: key.pem}"},
		{name: "missing ca_file", config: "{ca_file: hunter2}", want: "the file of ca_file cannot be read: no such file or directory"},
		{name: "missing key_file", config: "{cert_file: good.pem, key_file: hunter2}", want: "the file of key_file cannot be read: no such file or directory"},
		{name: "a directory", config: "{ca_file: .}", want: "the file of ca_file cannot be read: is a directory"},
		{name: "no certificate in the file", config: "{ca_file: bad.pem}", want: "there is no certificate in PEM format in ca or ca_file"},
		{name: "no certificate inline", config: "{ca: hunter2}", want: "there is no certificate in PEM format in ca or ca_file"},
		{name: "wrong key", config: "{cert_file: good.pem, key_file: other.pem}", want: "the client certificate and its key are not a pair in PEM format"},
		{name: "no pair inline", config: "{cert: hunter2, key: \"-----BEGIN hunter2-----\\naGk=\\n-----END hunter2-----\\n\"}", want: "the client certificate and its key are not a pair in PEM format"},
		{name: "versions", config: "{min_version: TLS13, max_version: TLS12}", want: "max_version must not be below min_version"},
		{name: "two CAs", config: "{ca: hunter2, ca_file: good.pem}", want: "at most one of ca, ca_file & ca_ref must be configured"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(filepath.Join(dir, "test.yml"), []byte(minimal+"    tls_config: "+tt.config+"\n"))
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if want := filepath.Join(dir, "test.yml") + ":5: tenants[0].tls_config: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}
