package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/zuora"
	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// The configuration of the README, with nothing changed but the host and the
// client, works.
func TestReadmeConfiguration(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(repository(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(# zuora_exporter.yml\n.*?)```").FindSubmatch(readme)
	if m == nil {
		t.Fatal("the README has no configuration")
	}
	s := newStandIn(t)
	config := strings.NewReplacer("https://rest.na.zuora.com", s.URL).Replace(string(m[1]))
	dir := t.TempDir()
	for name, content := range map[string]string{"zuora_exporter.yml": config, "prod-us.secret": zuoratest.ClientSecret + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "zuora_exporter.yml")
	if code, output := runOnce(t, "--config.check", "--config.file="+file); code != 0 || !strings.Contains(output, zuoratest.SampleJobID) {
		t.Errorf("--config.check: exit code %d and\n%s", code, output)
	}
	page := start(t, "--config.file="+file).scrape(t, "10")
	contains(t, page, `zuora_up{tenant="prod-us"} 1`,
		`zuora_data_labeling_job_labeled_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 9`,
		`zuora_data_labeling_job_failed_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 1`,
		`zuora_data_labeling_job_timeout_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 1`,
		`zuora_data_labeling_job_total_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 11`,
		`zuora_data_labeling_job_status{job_id="`+zuoratest.SampleJobID+`",object_type="Account",status="Completed",tenant="prod-us",wave="first"} 1`)
}

// Each reason has its row in the table of troubles.
func TestReadmeExplainsEachReason(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(repository(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range []zuora.Reason{
		zuora.ReasonAuth, zuora.ReasonRateLimited, zuora.ReasonNotFound, zuora.ReasonTimeout,
		zuora.ReasonUnavailable, zuora.ReasonInvalidResponse, zuora.ReasonRefused,
	} {
		if n := strings.Count(string(readme), "\n| `"+string(reason)+"` | "); n != 1 {
			t.Errorf("%s has %d rows", reason, n)
		}
	}
}

// Prometheus takes each configuration of its own that the documents show.
func TestPrometheusConfigurationsOfTheDocuments(t *testing.T) {
	promtool := required(t, "promtool")
	blocks := regexp.MustCompile("(?s)```yaml\n((?:global|scrape_configs):\n.*?)```")
	checked := 0
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		pages, err := filepath.Glob(filepath.Join(repository(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			content, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range blocks.FindAllSubmatch(content, -1) {
				file := filepath.Join(t.TempDir(), "prometheus.yml")
				if err := os.WriteFile(file, block[1], 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(promtool, "check", "config", file).CombinedOutput(); err != nil {
					t.Errorf("%s: %s\n%s\n%s", filepath.Base(page), err, out, block[1])
				}
				checked++
			}
		}
	}
	if checked < 2 {
		t.Errorf("%d configurations", checked)
	}
}
