package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// dashboard is what the tests look at in one.
type dashboard struct {
	UID    string
	Panels []struct {
		Title, Type string
		Targets     []struct{ RefID, Expr string }
	}
	Templating struct {
		List []struct {
			Name  string
			Query any
		}
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

func readDashboards(t *testing.T) []dashboard {
	t.Helper()
	files, err := filepath.Glob(testutil.Path("dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got no dashboards (error %v)", err)
	}
	var all []dashboard
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

// Every expression of every panel, variable and annotation answers without an
// error, and with data, except for a few that have none in the first minute or
// while all is well. What the numbers are is tested beside the dashboards.
func TestDashboards(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	empty := map[string]bool{
		"zuora-data-labeling: Jobs C":     true, // stuck takes an hour
		"zuora-exporter: Tenants G":       true, // no pause
		"zuora-exporter: Firing alerts B": true, // the tenant and its exporter are well
		"zuora-exporter: Alerts":          true,
	}
	e := start(t, "--demo")
	p := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: zuora, static_configs: [{targets: [%q]}]}]
`, rulesFile(), strings.TrimPrefix(e.URL, "http://")), "--enable-feature=extra-scrape-metrics")
	eventually(t, "a job that moves, a firing alert, scrapes at two instants", func() bool {
		return len(p.query(t, "deriv(zuora:data_labeling_job:processed_objects[15m]) > 0")) > 0 &&
			len(p.query(t, `ALERTS{alertstate="firing"}`)) > 0 &&
			len(p.query(t, `rate(zuora_api_requests_total{operation="token"}[1m])`)) > 0
	})
	// Grafana puts a variable of which All is chosen into a regular expression
	// like this, and several values as (a|b).
	variables := strings.NewReplacer("($tenant)", "(.+)", "$job_id", ".+", "$job", ".+", "$instance", ".+", "$tenant", "(demo|other)", "$__rate_interval", "1m", "$__range", "1m", "$show", "all", "$by", "wave", "$group", ".*")
	asked := 0
	ask := func(where, expr string) {
		asked++
		none := len(p.query(t, variables.Replace(expr))) == 0
		if none != empty[where] {
			t.Errorf("%s: empty is %t, want %t: %s", where, none, empty[where], expr)
		}
	}
	for _, dashboard := range readDashboards(t) {
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				where := dashboard.UID + ": " + panel.Title
				if panel.Type == "stat" {
					where += ", the stat"
				}
				ask(where+" "+target.RefID, target.Expr)
			}
		}
		for _, a := range dashboard.Annotations.List {
			ask(dashboard.UID+": "+a.Name, a.Expr)
		}
		for _, v := range dashboard.Templating.List {
			if q, ok := v.Query.(map[string]any); ok {
				m := regexp.MustCompile(`^label_values\((.*), ([$\w]+)\)$`).FindStringSubmatch(q["query"].(string))
				ask(dashboard.UID+": "+v.Name, m[1]+" and on ("+m[2]+") group by ("+m[2]+") ("+m[1]+")")
			}
		}
	}
	if asked < 90 {
		t.Errorf("got %d expressions, want at least 90", asked)
	}
}
