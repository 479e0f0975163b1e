package config

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		os.Unsetenv(name)
	}
	goleak.VerifyTestMain(m)
}

const minimal = `tenants:
  - name: prod
    base_url: https://rest.zuora.com
    oauth2: {client_id: id, client_secret: a-secret-of-prod}
`

const (
	jobA = "ff80808186b966950186b97922e200ab"
	jobB = "00000000000000000000000000000012"
)

// fileOf returns a file: the minimal one with more lines, from line 5 on, or with
// another base_url (line 3) or oauth2 (line 4), or the text itself.
func fileOf(text string) string {
	lines := strings.SplitAfter(minimal, "\n")
	switch {
	case strings.HasPrefix(text, " "):
		lines = append(lines, text)
	case strings.HasPrefix(text, "base_url:"):
		lines[2] = "    " + text + "\n"
	case strings.HasPrefix(text, "oauth2:"):
		lines[3] = "    " + text + "\n"
	default:
		return text
	}
	return strings.Join(lines, "")
}

func parse(t *testing.T, data string) *Config {
	t.Helper()
	c, err := Parse("dir/test.yml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
