package config

import (
	"net/url"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const minimal = `tenants:
  - name: prod
    base_url: https://rest.zuora.com
    oauth2: {client_id: id, client_secret: s3cret}
`

const (
	jobA = "ff80808186b966950186b97922e200ab"
	jobB = "00000000000000000000000000000012"
)

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
