package e2e

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// On the demo's series every rule is evaluated without an error: one that loads
// may still fail, for example if a series matches two others. Every expression of
// every panel, variable and annotation answers with data, except for a few that
// have none in the first minute or while all is well. What the numbers are is
// tested beside the rules and the dashboards.
func TestDashboards(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	empty := map[string]bool{
		"zuora-data-labeling.json: table Jobs C":     true, // stuck takes an hour
		"zuora-exporter.json: table Tenants G":       true, // no pause
		"zuora-exporter.json: table Firing alerts B": true, // the tenant and its exporter are well
		"zuora-exporter.json: annotation Alerts":     true,
	}
	p := startPrometheus(t, scrapeConfig("1s", start(t, "--demo")), "--enable-feature=extra-scrape-metrics")
	eventually(t, "a job that moves, a firing alert, scrapes at two instants", func() bool {
		return len(p.query(t, "deriv(zuora:data_labeling_job:processed_objects[15m]) > 0")) > 0 &&
			len(p.query(t, `ALERTS{alertstate="firing"}`)) > 0 &&
			len(p.query(t, `rate(zuora_api_requests_total{operation="token"}[1m])`)) > 0
	})
	var rules json.RawMessage
	getJSON(t, p.URL+"/api/v1/rules", &rules)
	if failed := regexp.MustCompile(`"lastError":[^}]*`).FindAllString(string(rules), -1); len(failed) > 0 {
		t.Errorf("got rules that fail: %q, want none", failed)
	}
	// Grafana puts a variable of which All is chosen into a regular expression
	// like this, and several values as (a|b).
	variables := strings.NewReplacer("($tenant)", "(.+)", "$job_id", ".+", "$job", ".+", "$instance", ".+", "$tenant", "(demo|other)", "$__rate_interval", "1m", "$__range", "1m", "$show", "all", "$by", "wave", "$group", ".*")
	for name, dashboard := range testutil.Dashboards(t) {
		for _, e := range dashboard.Expressions() {
			where := name + ": " + e.Where
			if none := len(p.query(t, variables.Replace(e.Expr))) == 0; none != empty[where] {
				t.Errorf("%s: empty is %t, want %t: %s", where, none, empty[where], e.Expr)
			}
		}
	}
}
