package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// marker is the secret that must not be seen; YAML reads it as text.
const marker = "hunter2"

// printed returns all that fmt and the loggers make of v.
func printed(v any) string {
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	inJSON, _ := json.Marshal(v)
	fmt.Fprintf(&out, "%s\n", inJSON)
	slog.New(slog.NewTextHandler(&out, nil)).Info("", "v", v)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("", "v", v)
	return out.String()
}

func checkNoMarker(t *testing.T, text string) {
	t.Helper()
	for _, form := range []string{marker, fmt.Sprintf("%x", marker)} {
		if strings.Contains(text, form) {
			t.Errorf("got a text that shows the secret:\n%s", text)
		}
	}
}

func TestConfigIsNeverPrintedWithSecrets(t *testing.T) {
	ca := testutil.NewCertificate(t)
	indented := func(pem string) string { return strings.ReplaceAll(strings.TrimSpace(pem), "\n", "\n        ") }
	c := parse(t, `
tenants:
  - name: a
    base_url: https://h
    oauth2:
      client_id: id
      client_secret: hunter2
    proxy_url: http://hunter2:hunter2@proxy:3128
    proxy_connect_header: {hunter2: [hunter2]}
    tls_config:
      ca: |
        `+indented(ca.CertPEM)+`
      cert: |
        `+indented(ca.CertPEM)+`
      key: |
        `+indented(ca.KeyPEM)+`
`)
	tenant := c.Tenants[0]
	if secrets := tenant.settings(); secrets.TLS.Key == "" || secrets.Proxy.ProxyURL.User.String() != "hunter2:hunter2" || secrets.OAuth2.ClientSecret != marker {
		t.Fatalf("got secret %q, proxy %v and a key of %d bytes, want secrets everywhere", secrets.OAuth2.ClientSecret, secrets.Proxy.ProxyURL, len(secrets.TLS.Key))
	}
	for name, v := range map[string]any{
		"config":             c,
		"config by value":    *c,
		"tenant":             tenant,
		"tenant by value":    *tenant,
		"in a field":         struct{ T *Tenant }{tenant},
		"inside interfaces":  []any{c, tenant},
		"unexported pointer": struct{ t *Tenant }{tenant},
		"unexported value":   struct{ t Tenant }{*tenant},
	} {
		t.Run(name, func(t *testing.T) {
			out := printed(v)
			checkNoMarker(t, out)
			if strings.Contains(out, "PRIVATE KEY") {
				t.Errorf("got a text that shows the key:\n%s", out)
			}
		})
	}
}

// TestErrorsShowNoSecret puts a secret in every place that may have one, in many
// spellings. Neither the error nor a warning may show it.
func TestErrorsShowNoSecret(t *testing.T) {
	values := map[string]string{
		"anchor unknown":          "*hunter2",
		"anchor empty":            "&hunter2",
		"anchor with list":        "&hunter2 [hunter2]",
		"anchor undefined merged": "{<<: *hunter2}",
		"tag":                     "!hunter2 hunter2",
		"tag handle":              "!hunter2!hunter2 hunter2",
		"tag verbatim":            "!<hunter2> hunter2",
		"tag verbatim unclosed":   "!<hunter2 hunter2",
		"tag escaped":             "!%zzhunter2 x",
		"tag int":                 "!!int hunter2",
		"tag float":               "!!float hunter2",
		"tag bool":                "!!bool hunter2",
		"tag time":                "!!timestamp hunter2",
		"tag binary":              "!!binary aHVudGVyMg==",
		"tag binary broken":       "!!binary hunter2",
		"tag on a map":            "!hunter2 {hunter2: hunter2}",
		"at":                      "@hunter2",
		"backquote":               "`hunter2`",
		"percent":                 "%hunter2",
		"colon":                   "hunter2: hunter2: hunter2",
		"colon after quote":       "\"hunter2\": hunter2",
		"quote unclosed":          "\"hunter2",
		"quote closed early":      "\"hunter2\"hunter2",
		"single quote unclosed":   "'hunter2",
		"escape unknown":          "\"\\hunter2\"",
		"escape hex":              "\"\\xhunter2\"",
		"escape unicode":          "\"hunter2\\ud800\"",
		"literal":                 "|hunter2\n        hunter2",
		"folded":                  ">hunter2\n        hunter2",
		"literal badly indented":  "|\n   hunter2",
		"bracket unclosed":        "[hunter2",
		"brace unclosed":          "{hunter2",
		"bracket closing":         "]hunter2",
		"list":                    "[hunter2]",
		"list of lists":           "[[hunter2]]",
		"list of maps":            "[{hunter2: hunter2}]",
		"map":                     "{hunter2: hunter2}",
		"map of lists":            "{hunter2: [hunter2, [hunter2]]}",
		"map of maps":             "{hunter2: {hunter2: hunter2}}",
		"map with a twice":        "{hunter2: a, hunter2: a}",
		"map with a null":         "{hunter2: }",
		"map with a list as key":  "{[hunter2]: a}",
		"map with a map as key":   "{{hunter2: a}: a}",
		"map merging text":        "{<<: hunter2}",
		"map merging list":        "{<<: [hunter2]}",
		"complex key":             "? hunter2",
		"dash":                    "- hunter2",
		"tab":                     "\thunter2:\thunter2",
		"next line":               "\n    hunter2",
		"next line with tab":      "\n\t\thunter2",
		"far left":                "\nhunter2",
		"far left as key":         "\nhunter2: hunter2: hunter2",
		"document":                "\n--- hunter2",
		"directive":               "\n%hunter2 x\n---\n",
		"control character":       "hunter2\x01",
		"not UTF-8":               "hunter2\xff",
	}
	texts := map[string]string{
		"plain":         "hunter2",
		"variable":      "$hunter2",
		"braces":        "${hunter2}",
		"folded text":   ">-\n        hunter2\n        hunter2",
		"literal text":  "|\n        hunter2\n        hunter2",
		"URL":           "http://hunter2:hunter2@hunter2:hunter2/hunter2",
		"URL escape":    "http://hunter2%zz",
		"URL port":      "http://hunter2:99999",
		"URL path":      "http://hunter2/hunter2",
		"URL slash":     "http://user:1/hunter2@proxy",
		"URL query":     "http://user:1?hunter2@proxy",
		"URL fragment":  "'http://user:1#hunter2@proxy'",
		"URL scheme":    "hunter2://hunter2",
		"URL host":      "http://[hunter2",
		"URL space":     "http://hunter2 hunter2",
		"URL user":      "http://hunter2@host/",
		"URL line":      "\"http://host/\\nhunter2\"",
		"URL no scheme": "hunter2:hunter2@proxy:3128",
	}
	maps.Copy(values, texts)
	// VALUE is replaced by each of the values. Some places accept some of them.
	places := map[string]string{
		"oauth2 itself":            "oauth2: VALUE",
		"oauth2 unknown key":       "oauth2:\n      hunter2: VALUE",
		"oauth2 known elsewhere":   "oauth2:\n      tls_config: VALUE",
		"oauth2 scalar and key":    "oauth2: hunter2\n      client_id: VALUE",
		"client_id":                "oauth2:\n      client_secret: a\n      client_id: VALUE",
		"client_secret":            "oauth2:\n      client_id: a\n      client_secret: VALUE",
		"client_secret twice":      "oauth2:\n      client_secret: VALUE\n      client_secret: VALUE",
		"client_secret in both":    "oauth2:\n      client_id: a\n      client_secret_file: hunter2\n      client_secret: VALUE",
		"client_secret_file":       "oauth2:\n      client_id: a\n      client_secret_file: VALUE",
		"client_secret_env":        "oauth2:\n      client_id: a\n      client_secret_env: VALUE",
		"client_secret misspelt":   "oauth2:\n      client_secrets: VALUE",
		"client_secret as key":     "oauth2:\n      client_secret:\n        VALUE: VALUE",
		"token_url":                "oauth2:\n      client_id: a\n      client_secret: a\n      token_url: VALUE",
		"scopes":                   "oauth2:\n      client_id: a\n      client_secret: a\n      scopes: VALUE",
		"scopes element":           "oauth2:\n      client_id: a\n      client_secret: a\n      scopes:\n      - VALUE",
		"endpoint_params":          "oauth2:\n      client_id: a\n      client_secret: a\n      endpoint_params: VALUE",
		"endpoint_params key":      "oauth2:\n      client_id: a\n      client_secret: a\n      endpoint_params:\n        hunter2: VALUE",
		"endpoint_params override": "oauth2:\n      client_id: a\n      client_secret: a\n      endpoint_params:\n        client_secret: VALUE",
		"proxy_url":                "proxy_url: VALUE",
		"proxy_connect_header":     "proxy_url: http://p\n    proxy_connect_header: VALUE",
		"header name":              "proxy_url: http://p\n    proxy_connect_header:\n      hunter 2 hunter2: VALUE",
		"header value":             "proxy_url: http://p\n    proxy_connect_header:\n      hunter2: VALUE",
		"header element":           "proxy_url: http://p\n    proxy_connect_header:\n      hunter2:\n      - VALUE",
		"header without proxy":     "proxy_connect_header:\n      hunter2: VALUE",
		"base_url":                 "base_url: VALUE",
		"tls ca":                   "tls_config:\n      ca: VALUE",
		"tls key":                  "tls_config:\n      cert: VALUE\n      key: VALUE",
		"tls key_file":             "tls_config:\n      key_file: hunter2\n      cert_file: VALUE",
		"tls key as key":           "tls_config:\n      hunter2: VALUE",
	}
	refused := 0
	for place, template := range places {
		for name, value := range values {
			file := "tenants:\n  - " + strings.ReplaceAll(template, "VALUE", value) + "\n    name: a\n"
			if !strings.Contains(template, "base_url") {
				file += "    base_url: https://h\n"
			}
			if !strings.Contains(template, "oauth2") {
				file += "    oauth2: {client_id: a, client_secret: hunter2}\n"
			}
			c, err := Parse("test.yml", []byte(file))
			if err == nil {
				checkNoMarker(t, strings.Join(c.Warnings, "\n"))
				continue
			}
			refused++
			if message := err.Error(); strings.Contains(message, marker) || strings.Contains(message, "aHVudGVyMg") ||
				strings.ContainsAny(message, "\n\r") || !strings.HasPrefix(message, "test.yml:") {
				t.Errorf("%s, %s: got %v, want one line that begins with test.yml: and shows no secret\n%s", place, name, err, file)
			}
		}
	}
	if all := len(places) * len(values); refused < all*3/4 {
		t.Errorf("got %d refused files of %d, want three quarters at least", refused, all)
	}
}
