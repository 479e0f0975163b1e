package e2e

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// notInTheDemo are the series that a healthy demo cannot have.
var notInTheDemo = []string{
	pausedUntil, // nothing is paused; TestFaultsRaiseTheRightAlerts has it
}

const pausedUntil = "zuora_api_paused_until_timestamp_seconds"

// promised returns the label names of every series in docs/metrics.md, if jobs
// have these configured labels.
func promised(t *testing.T, configured ...string) map[string]string {
	t.Helper()
	promised := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| (.*?) \\|").FindAllStringSubmatch(testutil.Read(t, "docs", "metrics.md"), -1) {
		name, kind := row[1], row[2]
		shape := func(more ...string) string {
			for label := range strings.FieldsFuncSeq(row[3], func(r rune) bool { return strings.ContainsRune(", `", r) }) {
				if label == "*configured*" {
					more = append(more, configured...)
				} else if label != "branch" { // only promu sets it
					more = append(more, label)
				}
			}
			slices.Sort(more)
			return strings.Join(more, " ")
		}
		if kind == "histogram" {
			promised[name+"_bucket"], promised[name+"_sum"], promised[name+"_count"] = shape("le"), shape(), shape()
		} else {
			promised[name] = shape()
		}
	}
	if len(promised) == 0 {
		t.Fatal("got no metrics from docs/metrics.md")
	}
	return promised
}

// labelsBySeries returns the label names of all series that a selector finds,
// like promised. If series of one metric differ, it returns all of theirs.
func (p *prometheus) labelsBySeries(t *testing.T, selector string) map[string]string {
	t.Helper()
	labels := map[string]string{}
	for _, s := range p.query(t, selector) {
		name := s.Metric["__name__"]
		if s.Metric["job"] == "" || s.Metric["instance"] == "" {
			t.Errorf("got the labels %v, want job and instance", s.Metric)
		}
		for _, ofTarget := range []string{"__name__", "job", "instance"} {
			delete(s.Metric, ofTarget)
		}
		shape := strings.Join(slices.Sorted(maps.Keys(s.Metric)), " ")
		if seen, ok := labels[name]; ok && seen != shape {
			shape = seen + " | " + shape
		}
		labels[name] = shape
	}
	return labels
}

// The demo has every series that is promised, with these labels and no others,
// and no series that is not.
func TestDemoSeriesInPrometheus(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	e := start(t, "--demo")
	p := startPrometheus(t, scrapeConfig("2s", e))
	// A scrape by protobuf has native histograms only.
	native := startPrometheus(t, scrapeConfig("2s", e), "--enable-feature=native-histograms")

	want := promised(t, "wave")
	for _, name := range notInTheDemo {
		delete(want, name)
	}
	eventuallyEqual(t, "the promised series", want, func() map[string]string {
		return p.labelsBySeries(t, `{__name__=~"zuora_.+"}`)
	})
	// The last digit of an id says which job it is: see demo.go.
	for expression, n := range map[string]int{
		`up == 1`:                      1,
		`zuora_up{tenant="demo"} == 1`: 1,
		`zuora_data_labeling_job_scrape_success == 1`:                                 8,
		`zuora_data_labeling_job_scrape_success{job_id=~".*7"} == 0`:                  1,
		`zuora_data_labeling_job_scrape_error{job_id=~".*7",reason="not_found"} == 1`: 1,
		`sum by (job_id) (zuora_data_labeling_job_status) == 1`:                       8,
		`count by (job_id) (zuora_data_labeling_job_status) >= 3`:                     8,
		`zuora_data_labeling_job_status{job_id=~".*8",status="Suspended"} == 1`:       1,
		`zuora_data_labeling_job_status{job_id=~".*3",status="Accepted"} == 1`:        1,
		`zuora_data_labeling_job_status{job_id=~".*6",status="Completed"} == 1`:       1,
		`zuora_data_labeling_job_labeled_objects{job_id=~".*6",wave="first"} == 3051`: 1,
		`zuora_data_labeling_job_failed_objects{job_id=~".*6"} == 37`:                 1,
		`zuora_data_labeling_job_timeout_objects{job_id=~".*6"} == 12`:                1,
		`zuora_data_labeling_job_total_objects{job_id=~".*6"} == 3100`:                1,
		`zuora_data_labeling_job_failed_objects{job_id=~".*5"} == 0`:                  1,
		`time() - zuora_data_labeling_job_last_success_timestamp_seconds < 30`:        8,
		`zuora_api_requests_total{operation="token",code="200"} == 1`:                 1,
		`zuora_api_token_expiry_timestamp_seconds > time()`:                           1,
		`zuora_api_rate_limit_remaining_requests < zuora_api_rate_limit_requests`:     1,
		`zuora_api_concurrency_limit_requests{type="Default"} == 40`:                  1,
		`zuora_exporter_config_last_reload_successful == 1`:                           1,
		`count by (instance) ({__name__=~"go_.+"})`:                                   1,
		`time() - process_start_time_seconds < 120`:                                   1,
		`zuora_data_labeling_job_scrape_success{job_id=~".*[378]"}`:                   3,
		// Zuora sent no counts for these three jobs.
		`{__name__=~"zuora_data_labeling_job_.+_objects",job_id=~".*[378]"}`: 0,
	} {
		if got := p.query(t, expression); len(got) != n {
			t.Errorf("%s: got %d results, want %d: %v", expression, len(got), n, got)
		}
	}
	eventually(t, "native histograms of both operations", func() bool {
		return len(native.query(t, `histogram_count(zuora_api_request_duration_seconds) > 0`)) == 2
	})
}
