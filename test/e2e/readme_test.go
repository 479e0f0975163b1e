package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// The README's configuration works, but for the host.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	m := regexp.MustCompile("(?s)```yaml\n(# zuora_exporter.yml\n.*?)```").FindStringSubmatch(testutil.Read(t, "README.md"))
	if m == nil {
		t.Fatal("got no configuration in the README")
	}
	s := newStandIn(t)
	config := strings.NewReplacer("https://rest.na.zuora.com", s.URL).Replace(m[1])
	dir := t.TempDir()
	testutil.Write(t, dir, "prod-us.secret", zuoratest.ClientSecret+"\n")
	file := testutil.Write(t, dir, "zuora_exporter.yml", config)
	if code, output := runOnce(t, "--config.check", "--config.file="+file); code != 0 || !strings.Contains(output, zuoratest.SampleJobID) {
		t.Errorf("--config.check: got exit code %d, want 0 and the job:\n%s", code, output)
	}
	page := start(t, "--config.file="+file).scrape(t, "10")
	contains(t, page, `zuora_up{tenant="prod-us"} 1`,
		`zuora_data_labeling_job_labeled_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 9`,
		`zuora_data_labeling_job_failed_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 1`,
		`zuora_data_labeling_job_timeout_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 1`,
		`zuora_data_labeling_job_total_objects{job_id="`+zuoratest.SampleJobID+`",object_type="Account",tenant="prod-us",wave="first"} 11`,
		`zuora_data_labeling_job_status{job_id="`+zuoratest.SampleJobID+`",object_type="Account",status="Completed",tenant="prod-us",wave="first"} 1`)
}
