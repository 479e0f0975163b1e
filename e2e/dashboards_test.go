package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every expression of every panel answers without an error, and with data but
// for those that need more history than a test has.
func TestDashboards(t *testing.T) {
	required(t, "prometheus")
	files, err := filepath.Glob(filepath.Join(repository(), "dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	e := start(t, "--demo")
	p := startPrometheus(t, fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs: [{job_name: zuora, static_configs: [{targets: [%q]}]}]\n", strings.TrimPrefix(e.URL, "http://")))
	eventually(t, "a moving job", func() bool {
		return len(p.query(t, "deriv(zuora_data_labeling_job_labeled_objects[5m]) > 0")) > 0
	})
	variables := strings.NewReplacer("$job_id", ".+", "$job", ".+", "$instance", ".+", "$tenant", ".+", "$__rate_interval", "1m")
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard struct {
			Panels []struct {
				Title, Description string
				Targets            []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(content, &dashboard); err != nil {
			t.Fatal(err)
		}
		for _, panel := range dashboard.Panels {
			if panel.Title == "" || panel.Description == "" || len(panel.Targets) == 0 {
				t.Errorf("%s: a panel without a title, a description or targets: %+v", file, panel)
			}
			for _, target := range panel.Targets {
				if len(p.query(t, variables.Replace(target.Expr))) == 0 {
					t.Errorf("%s: %s has no data: %s", filepath.Base(file), panel.Title, target.Expr)
				}
			}
		}
	}
}
