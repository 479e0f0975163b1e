package exporter

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
)

// Check prints the jobs with their labels, what they cost, and the warnings.
func TestCheck(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	cfg, err := config.Parse("dir/test.yml", []byte(`tenants:
  - name: prod
    base_url: http://rest.zuora.com
    oauth2: {client_id: id, client_secret_file: none}
    completed_refresh_interval: 1h
    jobs: [{id: ff80808186b966950186b97922e200ab, labels: {wave: first}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := `tenant prod: 1 job from rest.zuora.com
  job ff80808186b966950186b97922e200ab wave="first"
  scraped every  job requests a day  Production or Central Sandbox  Developer Sandbox  API Sandbox
  15s            5,760               0.021 % of 27,000,000          12 % of 50,000     58 % of 10,000
  30s            2,880               0.011 % of 27,000,000          5.8 % of 50,000    29 % of 10,000
  1m             1,440               0.0053 % of 27,000,000         2.9 % of 50,000    14 % of 10,000
  Completed jobs cost less: they are asked for every 1h at most.
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

// Only what may be an API Sandbox is said to run out of its requests, and only
// if the jobs cost so many.
func TestCheckWarnsOfAPISandboxes(t *testing.T) {
	for name, tc := range map[string]struct {
		host, refreshInterval string
		want                  bool
	}{
		"production":             {"rest.zuora.com", "0s", false},
		"production, US":         {"rest.na.zuora.com", "0s", false},
		"test, EU":               {"rest.test.eu.zuora.com", "0s", false},
		"API Sandbox":            {"rest.apisandbox.zuora.com", "0s", true},
		"API Sandbox, US":        {"rest.sandbox.na.zuora.com", "0s", true},
		"not known":              {"zuora.example.com", "0s", true},
		"API Sandbox, spared":    {"rest.apisandbox.zuora.com", "50s", false},
		"spared, but too little": {"rest.apisandbox.zuora.com", "16s", true},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Parse("test.yml", fmt.Appendf(nil, `tenants:
  - name: t
    base_url: https://%s
    refresh_interval: %s
    oauth2: {client_id: id, client_secret: hunter2}
    jobs: [{id: ff80808186b966950186b97922e200ab}, {id: ff80808186b966950186b97922e200ac}]
`, tc.host, tc.refreshInterval))
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			Check(&got, cfg)
			if warned := strings.Contains(got.String(), "if it is a tenant of the kind API Sandbox"); warned != tc.want {
				t.Errorf("got\n%s\nwant a warning: %t", &got, tc.want)
			}
		})
	}
}

// A round over all jobs that may take longer than five minutes is a warning.
func TestCheckWarnsOfLongRounds(t *testing.T) {
	for jobs, want := range map[int]bool{3000: false, 3100: true} {
		var got strings.Builder
		cfg := &config.Config{Tenants: []*config.Tenant{{
			Name: "t", MaxConcurrentRequests: 10, RefreshInterval: model.Duration(time.Hour), Jobs: make([]config.Job, jobs),
			BaseURL: promconfig.URL{URL: &url.URL{Host: "rest.zuora.com"}}, OAuth2: config.OAuth2{ClientSecret: "x"},
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
