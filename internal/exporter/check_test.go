package exporter

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/migration"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// check returns what Check prints of a file.
func check(t *testing.T, file string) string {
	t.Helper()
	var out strings.Builder
	Check(&out, parse(t, file))
	return out.String()
}

// Check prints the jobs with their labels, what they cost, and the warnings.
func TestCheck(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
	}
	got := check(t, `tenants:
  - name: prod
    base_url: http://rest.zuora.com
    oauth2: {client_id: id, client_secret_file: none}
    completed_refresh_interval: 1h
    jobs: [{id: ff80808186b966950186b97922e200ab, labels: {wave: first}}]
`)
	want := `tenant prod: 1 job from rest.zuora.com
  job ff80808186b966950186b97922e200ab wave="first"
  scraped every  job requests a day  Production or Central Sandbox  Developer Sandbox  API Sandbox
  15s            5,760               0.021 % of 27,000,000          12 % of 50,000     58 % of 10,000
  30s            2,880               0.011 % of 27,000,000          5.8 % of 50,000    29 % of 10,000
  1m             1,440               0.0053 % of 27,000,000         2.9 % of 50,000    14 % of 10,000
  Completed jobs cost less: they are asked for every 1h at most.
warning: test.yml:3: tenants[0].base_url: http:// sends secrets unencrypted; use https://
warning: tenant prod: cannot get a token: client_secret_file: no such file or directory (test.yml:4)
The configuration is valid, with 2 warnings.
`
	if os.Geteuid() == 0 {
		want += "Checked as user root: the user of the service may not be able to read the same files.\n"
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Only what may be an API Sandbox is said to run out of its requests, and only
// if the jobs cost so many. A round that may take longer than five minutes is a
// warning, too.
func TestCheckWarns(t *testing.T) {
	const quota, round = "if it is a tenant of the kind API Sandbox", "one round over all jobs takes 5m10s"
	for name, tc := range map[string]struct {
		jobs                  int
		host, refreshInterval string
		warning               string
		want                  bool
	}{
		"production":             {2, "rest.zuora.com", "0s", quota, false},
		"production, US":         {2, "rest.na.zuora.com", "0s", quota, false},
		"test, EU":               {2, "rest.test.eu.zuora.com", "0s", quota, false},
		"API Sandbox":            {2, "rest.apisandbox.zuora.com", "0s", quota, true},
		"API Sandbox, US":        {2, "rest.sandbox.na.zuora.com", "0s", quota, true},
		"not known":              {2, "zuora.example.com", "0s", quota, true},
		"API Sandbox, spared":    {2, "rest.apisandbox.zuora.com", "50s", quota, false},
		"spared, but too little": {2, "rest.apisandbox.zuora.com", "16s", quota, true},
		"a round of 5 min":       {3000, "rest.zuora.com", "1h", round, false},
		"a longer round":         {3100, "rest.zuora.com", "1h", round, true},
	} {
		text := fmt.Sprintf("tenants:\n- name: t\n  base_url: https://%s\n  refresh_interval: %s\n  oauth2: {client_id: id, client_secret: hunter2}\n  jobs:\n",
			tc.host, tc.refreshInterval)
		for i := range tc.jobs {
			text += fmt.Sprintf("  - id: '%032d'\n", i)
		}
		got := check(t, text)
		if warned := strings.Contains(got, tc.warning); warned != tc.want {
			t.Errorf("%s: got\n%s\nwant a warning: %t", name, got, tc.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for share, want := range map[float64]string{35.3: "3,530 %", .5: "50 %", .058: "5.8 %", .0002: "0.02 %", 0: "0 %"} {
		if got := percent(share); got != want {
			t.Errorf("%v: got %q, want %q", share, got, want)
		}
	}
}

// The table of quotas in docs/scaling.md is what --config.check computes with.
func TestScalingTable(t *testing.T) {
	doc := testutil.Read(t, "docs", "scaling.md")
	for _, l := range dailyLimits {
		row := fmt.Sprintf("| %s | %s |", l.tenant, migration.Grouped(int64(l.limit)))
		for _, interval := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute} {
			// Scraped every 15 s, with the interval as refresh_interval.
			one := &config.Tenant{RefreshInterval: model.Duration(interval), Jobs: make([]config.Job, 1)}
			row += fmt.Sprintf(" %d |", int(l.limit/10/requestsADay(one, 15*time.Second)))
		}
		if !strings.Contains(doc, "\n"+row+"\n") {
			t.Errorf("got no such row in docs/scaling.md, want\n%s", row)
		}
	}
}
