package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const tenantKeys = "name, base_url, oauth2, entity_id, api_version, request_timeout, max_concurrent_requests, refresh_interval, completed_refresh_interval, rate_limit_reserve, proxy_url, no_proxy, proxy_from_environment, proxy_connect_header, tls_config, jobs"

// A mistake has its sentence: it is refused, or what is valid is warned of. The
// texts are those of fileOf. hunter2 stands where a secret is easily pasted, and
// no sentence has it.
func TestMistakes(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy:3128")
	t.Setenv("NO_PROXY", "rest.zuora.com")
	const (
		http        = "http:// sends secrets unencrypted; use https://"
		placeholder = "looks like a placeholder, and the exporter replaces none"
		proxy       = "warning: 2: tenants[0]: the environment has a proxy (HTTPS_PROXY), but this tenant uses none: set proxy_from_environment to true, or to false if that is meant"
		repairsNone = ", written in this way, so it repairs nothing"
		repairsBack = "labels.repairs: the two jobs repair each other, so their objects are in no sum"
	)
	for _, tt := range []struct{ name, text, want string }{
		// The file as a whole.
		{"empty file", "\n", "1: the file is empty: it needs at least one tenant"},
		{"a list", "- name: prod\n", "1: the file must begin with the key tenants:"},
		{"unknown key at the top", "jobs: []\n", "1: jobs: unknown key; the keys here are tenants"},
		{"second document", minimal + "---\n" + minimal, "5: a second YAML document begins here: there must be only one"},
		{"not UTF-8", "    entity_id: \xff\n", "5: not valid YAML here or just above: the file must be saved as UTF-8"},
		{"alias inside its anchor", "tenants: &hunter2 [*hunter2]\n", "1: an alias (*) or a merge (<<) cannot be followed: write its values out"},
		{"alias of another kind", "    api_version: &a 5\n    request_timeout: *a\n", "6: tenants[0].request_timeout: must be a duration with its unit, such as 30s or 1m30s"},
		{"millions of aliases", "tenants:\n  - &a {jobs: [" + strings.Repeat("{id: x}, ", 1000) + "]}\n" + strings.Repeat("  - *a\n", 1000), "1: an alias (*) or a merge (<<) cannot be followed: write its values out"},
		{"merge of other keys", "    jobs: [{id: &a " + jobA + ", labels: &l {wave: a}}, {id: *a, <<: *l}]\n", "5: tenants[0].jobs[1].<<.wave: unknown key; the keys here are id, labels"},
		{"secret in a merge", "oauth2: {<<: {hunter2: hunter2}}", "4: tenants[0].oauth2.<<: unknown key; the keys here are client_id, client_secret, client_secret_file, client_secret_env, token_url, scopes, endpoint_params"},
		{"alias without anchor", "    entity_id: *hunter2\n", "5: not valid YAML here or just above: there is an alias (*) without its anchor (&); a text that begins with * needs quotes"},
		// Syntax.
		{"colon in a text", "    entity_id: a: b\n", "5: not valid YAML: a text with a colon and a space needs quotes, and the keys of a mapping need the same indentation"},
		{"key far to the left", "    jobs:\n      - id: " + jobA + "\n        labels:\n          a: b\n         c: d\n", "9: not valid YAML here or just above: the keys of a mapping need the same indentation"},
		{"key between", "   entity_id: x\n", "5: not valid YAML here or just above: the elements of a list need the same indentation"},
		{"tab", "    jobs:\n\t- id: a\n", "6: not valid YAML: YAML is indented with spaces only, not with tabs"},
		{"no colon", "    entity_id x\n    api_version: 1\n", "5: not valid YAML: a key needs a colon and a space after it"},
		{"quote not closed", "    entity_id: 'x\n    api_version: 1\n", "5: not valid YAML: a quote is not closed"},
		{"bracket not closed", "    jobs: [a\n  - name: b\n", "6: not valid YAML here or just above: a bracket or a brace is not closed, or a comma is missing"},
		{"at sign", "    entity_id: @x\n", "5: not valid YAML: a text that begins with @, % or ` needs quotes"},
		{"ampersand and a slash", "    entity_id: &x/y\n", "5: not valid YAML: a text that begins with & or * needs quotes"},
		// Keys.
		{"key like another", "    base_urls: x\n", "5: tenants[0].base_urls: unknown key; did you mean base_url?"},
		{"key with a hyphen", "    max-concurrent-requests: 1\n", "5: tenants[0].max-concurrent-requests: unknown key; did you mean max_concurrent_requests?"},
		{"key like none", "    color: x\n", "5: tenants[0].color: unknown key; the keys here are " + tenantKeys},
		{"key of many lines", "    \"a\\nb\": x\n", "5: tenants[0].\"a\\nb\": unknown key; the keys here are " + tenantKeys},
		{"key like another in oauth2", "oauth2: {client_id: id, client_sekret: x}", "4: tenants[0].oauth2: unknown key; did you mean client_secret?"},
		{"key of Prometheus in tls_config", "    tls_config: {ca_ref: x}\n", "5: tenants[0].tls_config: unknown key; did you mean ca_file?"},
		{"unknown key of tls_config", "    tls_config: {hunter2: x}\n", "5: tenants[0].tls_config: unknown key; the keys here are ca, cert, key, ca_file, cert_file, key_file, server_name, insecure_skip_verify, min_version, max_version"},
		{"duplicate key", "    name: x\n", "5: tenants[0].name: duplicate key, first on line 2"},
		{"key without a name", "    jobs: [{id: " + jobA + ", labels: {~: x}}]\n", "5: tenants[0].jobs[0].labels: has a key that is not a plain name"},
		{"a list as key", "    ? [a]\n    : b\n", "5: tenants[0]: has a key that is not a plain name"},
		{"no name", "tenants:\n  - jobs: []\n    base_url: https://h\n", "2: tenants[0].name: is missing or has no value"},
		{"no base_url", "tenants:\n  - name: a\n    jobs: []\n", "2: tenants[0].base_url: is missing or has no value"},
		// Kinds.
		{"tenant as text", "tenants: [a]\n", "1: tenants[0]: must be a mapping: keys with a colon, each on its own line"},
		{"name as template", "tenants: [{name: {{ x }}}]\n", "1: tenants[0].name: must be a single value; if it begins with { or [, put it in quotes"},
		{"jobs as mapping", "    jobs: {id: a}\n", "5: tenants[0].jobs: must be a list: each element on its own line, after a hyphen"},
		{"header as text", "    proxy_connect_header: {hunter2: hunter2}\n", "5: tenants[0].proxy_connect_header: must be a list: each element on its own line, after a hyphen"},
		{"boolean as text", "    proxy_from_environment: 'hunter2'\n", "5: tenants[0].proxy_from_environment: must be true or false"},
		// Values of a tenant.
		{"name with a line break", "  - name: \"a\\nb\"\n", "5: tenants[1].name: must have printable characters only"},
		{"same name", "  - name: prod\n    base_url: https://h\n", "5: tenants[1].name: is also the name of the tenant on line 2"},
		{"entity_id with a space", "    entity_id: a b\n", "5: tenants[0].entity_id: must be visible ASCII characters"},
		{"api_version no version", "    api_version: v1\n", "5: tenants[0].api_version: must be a date such as 2025-08-12 or a number such as 341.0"},
		{"duration without unit", "    request_timeout: 5\n", "5: tenants[0].request_timeout: must be a duration with its unit, such as 30s or 1m30s"},
		{"request_timeout of 0s", "    request_timeout: 0s\n", "5: tenants[0].request_timeout: must be more than 0s"},
		{"max_concurrent_requests of 0", "    max_concurrent_requests: 0\n", "5: tenants[0].max_concurrent_requests: must be a whole number from 1 up"},
		{"half a request", "    max_concurrent_requests: 2.5\n", "5: tenants[0].max_concurrent_requests: must be a whole number from 1 up"},
		{"reserve of 1", "    rate_limit_reserve: 1\n", "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1, such as 0.05 for 5 %"},
		{"reserve not a number", "    rate_limit_reserve: .nan\n", "5: tenants[0].rate_limit_reserve: must be a number from 0 to below 1, such as 0.05 for 5 %"},
		{"reserve in percent", "    rate_limit_reserve: 5%\n", "5: tenants[0].rate_limit_reserve: must be a number, without a unit"},
		// URLs.
		{"no scheme", "base_url: rest.zuora.com", "3: tenants[0].base_url: must be a URL with a scheme and a host, such as https://example.com:8443"},
		{"other scheme", "base_url: ftp://h", "3: tenants[0].base_url: must begin with one of http://, https://"},
		{"only a port", "base_url: https://:80", "3: tenants[0].base_url: must be a URL with a scheme and a host, such as https://example.com:8443"},
		{"bad port", "base_url: https://h:hunter2", "3: tenants[0].base_url: must be a URL with a scheme and a host, such as https://example.com:8443"},
		{"high port", "base_url: https://h:65536", "3: tenants[0].base_url: has a port above 65535"},
		{"scheme twice", "base_url: https://https://rest.zuora.com", "3: tenants[0].base_url: has its scheme twice"},
		{"zero-width space", "base_url: https://rest.zuora.com\u200b", "3: tenants[0].base_url: has an invisible character, such as a zero-width space: type it anew"},
		{"v1 and more", "base_url: https://h/v1/accounts", "3: tenants[0].base_url: must end before /v1 or /oauth/token, because the exporter adds these"},
		{"v1 in capitals and a slash", "base_url: https://h/V1/", "3: tenants[0].base_url: must end before /v1 or /oauth/token, because the exporter adds these"},
		{"a placeholder", "base_url: https://<tenant>.zuora.com", "3: tenants[0].base_url: looks like a placeholder, and the exporter replaces none"},
		{"token path", "base_url: https://h/oauth/token", "3: tenants[0].base_url: must end before /v1 or /oauth/token, because the exporter adds these"},
		{"password with a slash", "base_url: https://u:1/p@h", "3: tenants[0].base_url: must not have a user name or password"},
		{"empty query", "base_url: https://h?", "3: tenants[0].base_url: must not have a query (?)"},
		{"fragment", "base_url: https://h#a", "3: tenants[0].base_url: must not have a fragment (#)"},
		{"token_url with password", "oauth2: {client_id: a, client_secret: b, token_url: 'https://u:hunter2@h'}", "4: tenants[0].oauth2.token_url: must not have a user name or password"},
		// Proxy.
		{"two proxies", "    proxy_url: http://p\n    proxy_from_environment: true\n", "2: tenants[0]: if proxy_from_environment is configured, proxy_url must not be configured"},
		{"proxy without scheme", "    proxy_url: proxy:3128\n", "5: tenants[0].proxy_url: must be a URL with a scheme and a host, such as https://example.com:8443"},
		{"proxy with a slash in its password", "    proxy_url: http://u:hunter/2@p\n", "5: tenants[0].proxy_url: must be a URL with a scheme and a host, such as https://example.com:8443; in a password, write / ? # as %2F %3F %23"},
		{"proxy with a path", "    proxy_url: http://u:1/hunter2@p\n", "5: tenants[0].proxy_url: must end after the host and the port; in a password, write / ? # as %2F %3F %23"},
		{"header with a space", "    proxy_url: http://p\n    proxy_connect_header: {hunter 2: [b]}\n", "6: tenants[0].proxy_connect_header: has a name or a value that no header can have"},
		// oauth2.
		{"no client_id", "oauth2: {client_secret: hunter2}", "4: tenants[0].oauth2.client_id: is missing or has no value"},
		{"no secret", "oauth2: {client_id: a}", "4: tenants[0].oauth2: needs client_secret, client_secret_file or client_secret_env with a value; a text that begins with # & * or ! needs quotes"},
		{"two secrets", "oauth2: {client_id: a, client_secret: hunter2, client_secret_file: hunter2}", "4: tenants[0].oauth2: must have only one of client_secret, client_secret_file, client_secret_env"},
		{"variable with a dollar", "oauth2: {client_id: a, client_secret_env: $hunter2}", "4: tenants[0].oauth2.client_secret_env: must be the name of an environment variable, without $"},
		{"placeholder of a shell", "oauth2: {client_id: a, client_secret: '${hunter2}'}", "4: tenants[0].oauth2.client_secret: looks like a placeholder, and the exporter replaces none; client_secret_env takes the name of an environment variable"},
		{"placeholder of make", "oauth2: {client_id: a, client_secret: $(hunter2)}", "4: tenants[0].oauth2.client_secret: looks like a placeholder, and the exporter replaces none; client_secret_env takes the name of an environment variable"},
		{"placeholder of Helm", "oauth2: {client_id: '{{ hunter2 }}', client_secret: hunter2}", "4: tenants[0].oauth2.client_id: looks like a placeholder, and the exporter replaces none"},
		{"placeholder of SOPS", "oauth2: {client_id: a, client_secret: 'ENC[AES256,data:hunter2]'}", "4: tenants[0].oauth2.client_secret: looks like a placeholder, and the exporter replaces none; client_secret_env takes the name of an environment variable"},
		{"placeholder of Vault", "oauth2: {client_id: a, client_secret: 'vault:hunter2#a'}", "4: tenants[0].oauth2.client_secret: looks like a placeholder, and the exporter replaces none; client_secret_env takes the name of an environment variable"},
		{"NUL", `oauth2: {client_id: a, client_secret: "a\0b"}`, "4: tenants[0].oauth2.client_secret: has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{"NUL in the id", `oauth2: {client_id: "a\0b", client_secret: hunter2}`, "4: tenants[0].oauth2.client_id: has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{"parameter grant_type", "oauth2: {client_id: a, client_secret: hunter2, endpoint_params: {grant_type: hunter2}}", "4: tenants[0].oauth2.endpoint_params: must not set grant_type, client_id or client_secret"},
		// tls_config.
		{"unknown version", "    tls_config: {min_version: TLS9}\n", "5: tenants[0].tls_config.min_version: must be one of TLS10, TLS11, TLS12, TLS13"},
		{"versions", "    tls_config: {min_version: TLS13, max_version: TLS12}\n", "5: tenants[0].tls_config: max_version must not be below min_version"},
		{"certificate without key", "    tls_config: {cert: hunter2}\n", "5: tenants[0].tls_config: takes either ca or ca_file, and a client certificate (cert or cert_file) only together with its key (key or key_file)"},
		{"no file", "    tls_config: {ca_file: hunter2}\n", "5: tenants[0].tls_config.ca_file: cannot be read: no such file or directory"},
		{"home directory", "    tls_config: {ca_file: ~/hunter2}\n", "5: tenants[0].tls_config.ca_file: cannot be read: ~ and $ in a path are not expanded"},
		{"no certificate", "    tls_config: {ca: hunter2}\n", "5: tenants[0].tls_config: each block of ca or ca_file must be a certificate in PEM format"},
		{"no pair", "    tls_config: {cert: hunter2, key: hunter2}\n", "5: tenants[0].tls_config: the client certificate and its key are not a pair in PEM format"},
		// Jobs.
		{"job without id", "    jobs:\n      - labels: {}\n", "6: tenants[0].jobs[0].id: is missing or has no value"},
		{"short id", "    jobs:\n      - id: abc\n", "6: tenants[0].jobs[0].id: a job id has 32 characters, this one has 3"},
		{"same job", "    jobs:\n      - id: ff80808186b966950186b97922-e2-00\n      - id: " + jobA + "\n      - id: FF80-808186B966950186B97922E200-\n", "8: tenants[0].jobs[2].id: is the same job as on line 6"},
		{"label with a hyphen", "    jobs: [{id: " + jobA + ", labels: {a-b: x}}]\n", "5: tenants[0].jobs[0].labels.a-b: a label name has letters, digits and underscores, and does not begin with a digit"},
		{"label of Prometheus", "    jobs: [{id: " + jobA + ", labels: {__name__: x}}]\n", "5: tenants[0].jobs[0].labels.__name__: the label name is already used by the exporter or by Prometheus"},
		{"label of the exporter", "    jobs: [{id: " + jobA + ", labels: {job_id: x}}]\n", "5: tenants[0].jobs[0].labels.job_id: the label name is already used by the exporter or by Prometheus"},
		// What is valid, but probably a mistake, is not refused.
		{"nothing", minimal, ""},
		{"http", "base_url: http://rest.zuora.com", "warning: 3: tenants[0].base_url: " + http},
		{"localhost", "base_url: http://localhost:80", ""},
		{"IPv6 loopback", "base_url: http://[::1]:80", ""},
		{"http of the token", "oauth2: {client_id: a, client_secret: abcdefgh, token_url: 'http://h'}", "warning: 4: tenants[0].oauth2.token_url: " + http},
		{"proxy of the environment", "base_url: https://h", proxy},
		{"proxy of the environment, not wanted", "base_url: https://h\n    proxy_from_environment: false", ""},
		{"another proxy", "base_url: https://h\n    proxy_url: http://p", ""},
		{"variable", "oauth2: {client_id: a, client_secret: $hunter2hunter2}", "warning: 4: tenants[0].oauth2.client_secret: " + placeholder},
		{"dollar inside", "oauth2: {client_id: a, client_secret: a$hunter2}", ""},
		{
			"angle brackets", "oauth2: {client_id: <hunter2>, client_secret: <hunter2hunter2>}",
			"warning: 4: tenants[0].oauth2.client_id: " + placeholder + "\nwarning: 4: tenants[0].oauth2.client_secret: " + placeholder,
		},
		{"quotes in quotes", "oauth2: {client_id: a, client_secret: '\"hunter2hunter2\"'}", "warning: 4: tenants[0].oauth2.client_secret: is in quotes, which are sent as a part of it"},
		{"name and secret", "oauth2: {client_id: a, client_secret: CLIENT_SECRET=hunter2}", "warning: 4: tenants[0].oauth2.client_secret: looks like NAME=value, and all of it is sent"},
		{"base64", "oauth2: {client_id: a, client_secret: aGVsbG8=d29ybGQ=}", ""},
		{"two lines", "oauth2:\n      client_id: a\n      client_secret: |\n        hunter2\n        hunter2", "warning: 6: tenants[0].oauth2.client_secret: has more than one line, and all of them are sent"},
		{"zero-width space", "oauth2: {client_id: a, client_secret: abcdefgh\u200b}", "warning: 4: tenants[0].oauth2.client_secret: has a character that is not visible ASCII, such as a space or a zero-width space"},
		{"short secret", "oauth2: {client_id: a, client_secret: hunter2}", "warning: 4: tenants[0].oauth2.client_secret: has fewer than 8 letters and digits: a text that repeats it is hard to recognise"},
		{"short password", "    proxy_url: http://u:pw1@p\n", "warning: 5: tenants[0].proxy_url: has a password of fewer than 8 letters and digits: a text that repeats it is hard to recognise"},
		{"home directory", "oauth2: {client_id: a, client_secret_file: ~/hunter2}", "warning: 4: tenants[0].oauth2.client_secret_file: cannot be read: ~ and $ in a path are not expanded"},
		{"no secret file", "oauth2: {client_id: a, client_secret_file: hunter2}", ""},
		{"label of targets", "    jobs: [{id: " + jobA + ", labels: {pod: a}}, {id: " + jobB + ", labels: {pod: a}}]\n", "warning: 5: tenants[0].jobs[0].labels.pod: Prometheus often sets this label on each target, and then renames this one to exported_pod"},
		{"nothing after a hyphen", "    jobs:\n      - id: " + jobA + "\n      - # id: " + jobB + "\n", "warning: 5: tenants[0].jobs: has an empty entry (a hyphen with nothing after it), which is ignored"},
		{"repairs", "    jobs: [{id: " + jobA + "}, {id: " + jobB + ", labels: {repairs: " + jobA + "}}]\n", ""},
		{
			"two that repair each other", "    jobs: [{id: " + jobA + ", labels: {repairs: " + jobB + "}}, {id: " + jobB + ", labels: {repairs: " + jobA + "}}]\n",
			"warning: 5: tenants[0].jobs[0]." + repairsBack + "\nwarning: 5: tenants[0].jobs[1]." + repairsBack,
		},
		{"repairs no id", "    jobs: [{id: " + jobA + ", labels: {repairs: yes}}]\n", "warning: 5: tenants[0].jobs[0].labels.repairs: is not the id of a job, so it repairs nothing"},
		{"repairs another job", "    jobs: [{id: " + jobA + ", labels: {repairs: " + jobB + "}}]\n", "warning: 5: tenants[0].jobs[0].labels.repairs: no other job of this tenant has the id " + jobB + repairsNone},
		{"repairs in capitals", "    jobs: [{id: " + jobA + "}, {id: " + jobB + ", labels: {repairs: " + strings.ToUpper(jobA) + "}}]\n", "warning: 5: tenants[0].jobs[1].labels.repairs: no other job of this tenant has the id " + strings.ToUpper(jobA) + repairsNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := said("dir/test.yml", fileOf(tt.text))
			if got = strings.ReplaceAll(got, "dir/test.yml:", ""); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// What crypto/x509 would leave out of a bundle is refused.
func TestAuthorities(t *testing.T) {
	dir, ca := t.TempDir(), testutil.NewCertificate(t)
	file := filepath.Join(dir, "test.yml")
	refused := file + ":5: tenants[0].tls_config: each block of ca or ca_file must be a certificate in PEM format"
	for _, tt := range []struct{ name, bundle, want string }{
		{"two with comments", "# one\n" + ca.CertPEM + "# two\n" + ca.CertPEM + "# end\n", ""},
		{"CRLF", strings.ReplaceAll(ca.CertPEM, "\n", "\r\n"), ""},
		{"empty", "", refused},
		{"a key", ca.CertPEM + ca.KeyPEM, refused},
		{"a broken one", strings.Replace(ca.CertPEM, "\nMII", "\nM*I", 1) + ca.CertPEM, refused},
		{"two on one line", strings.TrimSpace(ca.CertPEM) + ca.CertPEM, refused},
		{"one without its begin", ca.CertPEM + strings.SplitAfterN(ca.CertPEM, "\n", 2)[1], refused},
		{"one cut off", ca.CertPEM + ca.CertPEM[:len(ca.CertPEM)/2], refused},
	} {
		testutil.Write(t, dir, "ca.pem", tt.bundle)
		if _, got := said(file, minimal+"    tls_config: {ca_file: ca.pem}\n"); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// checkNoMarker looks for the secret hunter2, also as hexadecimal digits and base64.
func checkNoMarker(t *testing.T, text string) {
	t.Helper()
	for _, form := range []string{"hunter2", "68756e74657232", "aHVudGVyMg"} {
		if strings.Contains(text, form) {
			t.Errorf("got a text that shows the secret:\n%s", text)
		}
	}
}

// TestErrorsShowNoSecret puts a secret in every place that may have one, in many
// spellings. Neither the error nor a warning may show it.
func TestErrorsShowNoSecret(t *testing.T) {
	// Each stands for VALUE below.
	values := []string{
		"hunter2", "$hunter2", "${hunter2}", ">-\n        hunter2\n        hunter2", "|\n        hunter2\n        hunter2",
		// Anchors, aliases and tags.
		"*hunter2", "&hunter2", "&hunter2 [hunter2]", "{<<: *hunter2}", "{<<: hunter2}", "{<<: [hunter2]}",
		"!hunter2 hunter2", "!hunter2!hunter2 hunter2", "!<hunter2> hunter2", "!<hunter2 hunter2", "!%zzhunter2 x", "!hunter2 {hunter2: hunter2}",
		"!!int hunter2", "!!float hunter2", "!!bool hunter2", "!!timestamp hunter2", "!!binary aHVudGVyMg==", "!!binary hunter2",
		// Quotes, brackets and other signs.
		"@hunter2", "`hunter2`", "%hunter2", "hunter2: hunter2: hunter2", "\"hunter2\": hunter2", "\"hunter2", "\"hunter2\"hunter2", "'hunter2",
		"\"\\hunter2\"", "\"\\xhunter2\"", "\"hunter2\\ud800\"", "[hunter2", "{hunter2", "]hunter2", "? hunter2", "- hunter2",
		// Lists and mappings.
		"[hunter2]", "[[hunter2]]", "[{hunter2: hunter2}]", "{hunter2: hunter2}", "{hunter2: [hunter2, [hunter2]]}", "{hunter2: {hunter2: hunter2}}",
		"{<<: {hunter2: hunter2}}", "{hunter2: a, hunter2: a}", "{hunter2: }", "{[hunter2]: a}", "{{hunter2: a}: a}",
		// Lines.
		"|hunter2\n        hunter2", ">hunter2\n        hunter2", "|\n   hunter2", "\thunter2:\thunter2", "\n    hunter2", "\n\t\thunter2",
		"\nhunter2", "\nhunter2: hunter2: hunter2", "\n--- hunter2", "\n%hunter2 x\n---\n", "hunter2\x01", "hunter2\xff",
		// URLs.
		"http://hunter2:hunter2@hunter2:hunter2/hunter2", "http://hunter2%zz", "http://hunter2:99999", "http://hunter2/hunter2",
		"http://user:1/hunter2@proxy", "http://user:1?hunter2@proxy", "'http://user:1#hunter2@proxy'", "hunter2://hunter2", "http://[hunter2",
		"http://hunter2 hunter2", "http://hunter2@host/", "\"http://host/\\nhunter2\"", "hunter2:hunter2@proxy:3128", "https://https://hunter2", "http://hunter2\u200b",
	}
	const oauth2 = "oauth2:\n      client_id: a\n      "
	const proxy = "proxy_url: http://p\n    proxy_connect_header:"
	places := []string{
		"oauth2: VALUE", "oauth2:\n      hunter2: VALUE", "oauth2:\n      tls_config: VALUE", "oauth2: hunter2\n      client_id: VALUE",
		"oauth2:\n      client_secret: a\n      client_id: VALUE", oauth2 + "client_secret: VALUE", oauth2 + "client_secret:\n        VALUE: VALUE",
		oauth2 + "client_secret: VALUE\n      client_secret: VALUE", oauth2 + "client_secret_file: hunter2\n      client_secret: VALUE",
		oauth2 + "client_secret_file: VALUE", oauth2 + "client_secret_env: VALUE", oauth2 + "client_secrets: VALUE",
		oauth2 + "client_secret: a\n      token_url: VALUE", oauth2 + "client_secret: a\n      scopes: VALUE", oauth2 + "client_secret: a\n      scopes:\n      - VALUE",
		oauth2 + "client_secret: a\n      endpoint_params: VALUE", oauth2 + "client_secret: a\n      endpoint_params:\n        hunter2: VALUE",
		oauth2 + "client_secret: a\n      endpoint_params:\n        client_secret: VALUE",
		"proxy_url: VALUE", "proxy_connect_header:\n      hunter2: VALUE", proxy + " VALUE", proxy + "\n      hunter 2 hunter2: VALUE",
		proxy + "\n      hunter2: VALUE", proxy + "\n      hunter2:\n      - VALUE", "base_url: VALUE",
		"tls_config:\n      ca: VALUE", "tls_config:\n      cert: VALUE\n      key: VALUE", "tls_config:\n      key_file: hunter2\n      cert_file: VALUE",
		"tls_config:\n      hunter2: VALUE",
	}
	refused := 0
	for _, place := range places {
		for _, value := range values {
			file := "tenants:\n  - " + strings.ReplaceAll(place, "VALUE", value) + "\n    name: a\n"
			if !strings.Contains(place, "base_url") {
				file += "    base_url: https://h\n"
			}
			if !strings.Contains(place, "oauth2") {
				file += "    oauth2: {client_id: a, client_secret: hunter2}\n"
			}
			c, text := said("test.yml", file)
			checkNoMarker(t, text)
			if c != nil {
				continue
			}
			refused++
			if strings.Contains(text, "\n") || !strings.HasPrefix(text, "test.yml:") {
				t.Errorf("got %s, want one line that begins with test.yml:\n%s", text, file)
			}
		}
	}
	if all := len(places) * len(values); refused < all*3/4 {
		t.Errorf("got %d refused files of %d, want three quarters at least", refused, all)
	}
}
