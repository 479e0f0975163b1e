package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// An exporter that is killed and started again leaves a gap in Prometheus, but no
// wrong value. The alert about a job goes on.
func TestKilledExporterLeavesNoWrongValue(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	s := newStandIn(t)
	s.SetJob(zuoratest.Job{ID: runningJob, ObjectType: "Product", Script: zuoratest.Ramp{Rate: 1000, Total: 1_000_000}.At})
	address := freeAddress(t)
	args := []string{"--web.listen-address=" + address, "--config.file=" + writeConfig(t, s, "", zuoratest.SampleJobID, runningJob)}
	e := launch(t, args...)
	e.URL = "http://" + address
	p := startPrometheus(t, scrapeConfig("2s", e))
	alerts := func() map[string]string { // since when each is active
		active := map[string]string{}
		for _, a := range p.alerts(t) {
			active[a.Labels["alertname"]] = a.ActiveAt
		}
		return active
	}
	jobs := `{__name__=~"zuora_data_labeling_job_.+"}`
	seen := func() int { return len(p.query(t, jobs)) }

	const series = 8 + 6 + 6 // counts, states, and those about reading
	eventuallyEqual(t, "series of two jobs", series, seen)
	var before map[string]string
	eventuallyEqual(t, "alerts about a job, and none about the exporter", []string{
		"ZuoraDataLabelingObjectsFailed", "ZuoraDataLabelingObjectsTimedOut",
	}, func() []string {
		before = alerts()
		return slices.Sorted(maps.Keys(before))
	})

	e.signal(t, syscall.SIGKILL)
	<-e.exited
	eventually(t, "the exporter is down", func() bool { return len(p.query(t, "up == 0")) == 1 })
	if n := seen(); n != 0 {
		t.Errorf("got %d series of jobs while the exporter is down, want none", n)
	}
	eventually(t, "the exporter is missed", func() bool {
		return alerts()["ZuoraExporterAbsent"] != ""
	})

	launch(t, args...)
	eventuallyEqual(t, "series of two jobs", series, seen)
	eventuallyEqual(t, "the alerts from before", before, alerts)

	right := map[string]string{ // of the completed job
		"labeled_objects": "9", "failed_objects": "1", "timeout_objects": "1", "total_objects": "11",
	}
	samples := 0
	for _, s := range p.query(t, jobs+"[5m]") {
		name := strings.TrimPrefix(s.Metric["__name__"], "zuora_data_labeling_job_")
		last := -1.0
		for _, v := range s.Values {
			text, _ := v[1].(string)
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				t.Fatal(err)
			}
			wrong := false
			switch {
			case s.Metric["job_id"] == zuoratest.SampleJobID && right[name] != "":
				wrong = text != right[name]
			case name == "labeled_objects": // it runs and never starts over
				wrong = value < last || last > 0 && value == 0
			case name == "failed_objects", name == "timeout_objects":
				wrong = value != 0
			case name == "total_objects":
				wrong = value != 1_000_000
			case name == "scrape_success":
				wrong = value != 1
			case name == "status":
				isIn := map[string]string{zuoratest.SampleJobID: "Completed", runningJob: "Dispatched"}[s.Metric["job_id"]]
				wrong = (value == 1) != (s.Metric["status"] == isIn)
			case name == "last_success_timestamp_seconds":
				wrong = value < last || time.Since(time.Unix(int64(value), 0)) > 2*time.Minute
			case name == "scrape_error":
				wrong = true
			}
			if wrong {
				t.Errorf("%v: got the wrong value %s after %g", s.Metric, text, last)
			}
			last = value
			samples++
		}
	}
	if samples < 2*series {
		t.Errorf("got %d samples, want at least %d", samples, 2*series)
	}
}

// Prometheus is down while nobody can read the jobs, for longer than it looks back
// for a series. Afterwards it knows what it knew, and then what a good answer says.
func TestPrometheusDownMeanwhile(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	program := testutil.Tool(t, "prometheus")
	s := newStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	dir := t.TempDir()
	p := &prometheus{URL: "http://" + freeAddress(t)}
	const lookback = 3 * time.Second
	startAgain := func() (stop func()) {
		return runDaemon(t, p.URL+"/-/ready", program,
			"--config.file="+testutil.Write(t, dir, "prometheus.yml", scrapeConfig("1s", e)),
			"--storage.tsdb.path="+filepath.Join(dir, "data"), "--query.lookback-delta="+lookback.String(),
			"--web.listen-address="+strings.TrimPrefix(p.URL, "http://"))
	}
	known := func() map[string]string {
		values := map[string]string{}
		for _, s := range p.query(t, `{__name__=~"zuora:data_labeling_job(_failed_objects:last|:lost_objects|:running|:finished|_status:last)",status!~"Accepted|Dispatched"}`) {
			values[s.Metric["__name__"]] = fmt.Sprint(s.Value[1])
		}
		for _, a := range p.alerts(t) {
			if name := a.Labels["alertname"]; strings.HasPrefix(name, "ZuoraDataLabeling") {
				values[name] = a.Labels["severity"]
			}
		}
		return values
	}

	stop := startAgain()
	want := map[string]string{
		"zuora:data_labeling_job_failed_objects:last": "1",
		"zuora:data_labeling_job_status:last":         "1",
		"zuora:data_labeling_job:lost_objects":        "2",
		"zuora:data_labeling_job:running":             "0",
		"zuora:data_labeling_job:finished":            "0",
		"ZuoraDataLabelingObjectsFailed":              "critical",
		"ZuoraDataLabelingObjectsTimedOut":            "critical",
	}
	eventuallyEqual(t, "what is known of the job", want, known)
	s.SetFault(zuoratest.AnyJob, zuoratest.Refuse(503, "50000061", "Try again later"))
	eventually(t, "nobody can read the job", func() bool { return len(p.query(t, "zuora_data_labeling_job_failed_objects")) == 0 })
	eventuallyEqual(t, "what is known of the job that nobody can read", want, known)

	stop()
	time.Sleep(lookback + time.Second)
	stop = startAgain()
	eventuallyEqual(t, "what was known before", want, known)

	stop()
	s.ClearFaults()
	s.SetJob(zuoratest.Job{ID: zuoratest.SampleJobID, ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Ramp{Rate: 11, Total: 11}.At(time.Minute))})
	time.Sleep(lookback + time.Second)
	startAgain()
	eventuallyEqual(t, "what a good answer says", map[string]string{
		"zuora:data_labeling_job_failed_objects:last": "0",
		"zuora:data_labeling_job_status:last":         "1",
		"zuora:data_labeling_job:lost_objects":        "0",
		"zuora:data_labeling_job:running":             "0",
		"zuora:data_labeling_job:finished":            "1",
	}, known)
}
