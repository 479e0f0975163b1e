package config

import (
	"fmt"
	"strings"
	"testing"
)

// marker is the secret that must not be seen; YAML reads it as text.
const marker = "hunter2"

func checkNoMarker(t *testing.T, text string) {
	t.Helper()
	for _, form := range []string{marker, fmt.Sprintf("%x", marker), "aHVudGVyMg"} {
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
			c, err := Parse("test.yml", []byte(file))
			if err == nil {
				checkNoMarker(t, strings.Join(c.Warnings, "\n"))
				continue
			}
			refused++
			checkNoMarker(t, err.Error())
			if strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "test.yml:") {
				t.Errorf("got %v, want one line that begins with test.yml:\n%s", err, file)
			}
		}
	}
	if all := len(places) * len(values); refused < all*3/4 {
		t.Errorf("got %d refused files of %d, want three quarters at least", refused, all)
	}
}
