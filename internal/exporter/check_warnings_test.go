package exporter

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestCheckPrintsWarnings(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	cfg, err := config.Parse("dir/test.yml", []byte(`tenants:
  - name: prod
    base_url: http://rest.zuora.com
    oauth2: {client_id: id, client_secret_file: none}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `tenant prod: 0 jobs from rest.zuora.com
warning: dir/test.yml:3: tenants[0].base_url: http:// sends secrets unencrypted; use https://
warning: tenant prod: cannot get a token: client_secret_file: no such file or directory (dir/test.yml:4)
The configuration is valid, with 2 warnings.
`
	if os.Geteuid() == 0 {
		want += "Checked as user root: the user of the service may not be able to read the same files.\n"
	}
	var got strings.Builder
	Check(&got, cfg)
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

// Only what may be an API Sandbox is said to run out of its requests.
func TestCheckWarnsOfAPISandboxes(t *testing.T) {
	for host, want := range map[string]bool{
		"rest.zuora.com": false, "rest.na.zuora.com": false, "rest.test.eu.zuora.com": false,
		"rest.apisandbox.zuora.com": true, "rest.sandbox.na.zuora.com": true, "zuora.example.com": true,
	} {
		cfg, err := config.Parse("test.yml", fmt.Appendf(nil, `tenants:
  - name: t
    base_url: https://%s
    oauth2: {client_id: id, client_secret: hunter2}
    jobs: [{id: ff80808186b966950186b97922e200ab}, {id: ff80808186b966950186b97922e200ac}]
`, host))
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		Check(&got, cfg)
		if warned := strings.Contains(got.String(), "than a tenant of the kind API Sandbox has"); warned != want {
			t.Errorf("%s: warned %v, want %v:\n%s", host, warned, want, &got)
		}
	}
}

// A round over all jobs that may take longer than five minutes is a warning.
func TestCheckWarnsOfLongRounds(t *testing.T) {
	for jobs, want := range map[int]bool{3000: false, 3100: true} {
		var got strings.Builder
		cfg := &config.Config{Tenants: []*config.Tenant{{
			Name: "t", MaxConcurrentRequests: 10, RefreshInterval: time.Hour, Jobs: make([]config.Job, jobs),
			Zuora: zuora.Config{BaseURL: &url.URL{Host: "rest.zuora.com"}, ClientSecret: func() (string, error) { return "x", nil }},
		}}}
		Check(&got, cfg)
		if warned := strings.Contains(got.String(), "one round over all jobs takes 5m10s"); warned != want {
			t.Errorf("%d jobs: warned %v, want %v", jobs, warned, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{35.3: "3,530 %", 1: "100 %", .5: "50 %", .058: "5.8 %", .0002: "0.02 %", 0: "0 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v: got %q, want %q", share, got, want)
		}
	}
}
