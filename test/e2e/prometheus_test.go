package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// prometheus is Debian's Prometheus. start starts it, again if it was stopped.
type prometheus struct {
	*process
	URL  string
	args []string
}

// startPrometheus starts one with a configuration, and with further flags.
func startPrometheus(t *testing.T, config string, flags ...string) *prometheus {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	file := testutil.Write(t, dir, "prometheus.yml", config)
	p := &prometheus{URL: "http://" + address, args: append(flags,
		"--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)}
	p.start(t)
	return p
}

func (p *prometheus) start(t *testing.T) {
	t.Helper()
	p.process = startDaemon(t, p.URL, testutil.Tool(t, "prometheus"), p.args...)
}

func (p *prometheus) stop(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	<-p.exited
}

// startDaemon starts one of Prometheus's programs and waits until it is ready.
func startDaemon(t *testing.T, baseURL, program string, args ...string) *process {
	t.Helper()
	p := newProcess(program, args...).run(t)
	p.ready(t, func() bool {
		resp, err := http.Get(baseURL + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

func rulesFile() string { return testutil.Path("alerts", "zuora.rules.yml") }

// scrapeConfig is a configuration of Prometheus with the rules. It scrapes the
// exporters as the job zuora.
func scrapeConfig(interval string, exporters ...*exporter) string {
	var targets []string
	for _, e := range exporters {
		targets = append(targets, strconv.Quote(e.address()))
	}
	return fmt.Sprintf(`
global: {scrape_interval: %s, scrape_timeout: %[1]s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs:
- job_name: zuora
  static_configs: [{targets: [%s]}]
`, interval, rulesFile(), strings.Join(targets, ","))
}

// freeAddress returns an address of the loopback interface that nobody
// listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// getJSON reads what an HTTP API answers.
func getJSON(t *testing.T, url string, answer any) {
	t.Helper()
	resp, err := http.Get(url)
	must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(t, err)
	if err := json.Unmarshal(body, answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d (error %v), want 200 and JSON:\n%s", url, resp.StatusCode, err, body)
	}
}

type sample struct {
	Metric map[string]string
	Value  [2]any // the instant, and the value as a string
}

// query returns the series that an expression has now.
func (p *prometheus) query(t *testing.T, expression string) []sample {
	t.Helper()
	var answer struct {
		Data struct{ Result []sample }
	}
	getJSON(t, p.URL+"/api/v1/query?query="+url.QueryEscape(expression), &answer)
	return answer.Data.Result
}

// alert is what Prometheus and Alertmanager say of one.
type alert struct{ Labels, Annotations map[string]string }

// alerts are those that Prometheus has, pending or firing.
func (p *prometheus) alerts(t *testing.T) []alert {
	t.Helper()
	var answer struct {
		Data struct{ Alerts []alert }
	}
	getJSON(t, p.URL+"/api/v1/alerts", &answer)
	return answer.Data.Alerts
}

// Prometheus is down while nobody can read the jobs, for longer than it looks back
// for a series. Afterwards it knows what it knew, and then what a good answer says.
// An exporter that is killed and started again changes nothing of it.
func TestPrometheusDownMeanwhile(t *testing.T) {
	testutil.Slow(t)
	t.Parallel()
	const lookback = 3 * time.Second
	s := newStandIn(t)
	e := serve(t, s, "", zuoratest.SampleJobID)
	p := startPrometheus(t, scrapeConfig("1s", e), "--query.lookback-delta="+lookback.String())
	known := func() map[string]string {
		values := map[string]string{}
		for _, s := range p.query(t, `{__name__=~"zuora:data_labeling_job(_failed_objects:last|:lost_objects|:running|:finished|_status:last)",status!~"Accepted|Dispatched"}`) {
			values[strings.TrimPrefix(s.Metric["__name__"], "zuora:data_labeling_job")] = fmt.Sprint(s.Value[1])
		}
		for _, a := range p.alerts(t) {
			if name, ok := strings.CutPrefix(a.Labels["alertname"], "ZuoraDataLabeling"); ok {
				values[name] = a.Labels["severity"]
			}
		}
		return values
	}
	want := map[string]string{
		"_failed_objects:last": "1", "_status:last": "1", ":lost_objects": "2", ":running": "0", ":finished": "0",
		"ObjectsFailed": "critical", "ObjectsTimedOut": "critical",
	}
	eventuallyEqual(t, "what is known of the job", want, known)
	e.signal(t, syscall.SIGKILL)
	<-e.exited
	eventually(t, "the exporter is down", func() bool { return len(p.query(t, "up == 0")) == 1 })
	newProcess(binary(), "--web.listen-address="+e.address(), "--config.file="+e.file).run(t)
	eventually(t, "the exporter is back", func() bool { return len(p.query(t, "zuora_up == 1")) == 1 })
	for _, name := range []string{"labeled_objects", "failed_objects", "total_objects", "status", "scrape_success"} {
		if got := p.query(t, "changes(zuora_data_labeling_job_"+name+"[5m]) > 0"); len(got) > 0 {
			t.Errorf("got changes of %s: %v, want none", name, got)
		}
	}
	eventuallyEqual(t, "what is known of the job", want, known)
	s.SetFault(zuoratest.AnyJob, zuoratest.Refuse(503, "50000061", "Try again later"))
	eventually(t, "nobody can read the job", func() bool { return len(p.query(t, "zuora_data_labeling_job_failed_objects")) == 0 })
	eventuallyEqual(t, "what is known of the job that nobody can read", want, known)

	p.stop(t)
	time.Sleep(lookback + time.Second)
	p.start(t)
	eventuallyEqual(t, "what was known before", want, known)

	p.stop(t)
	s.ClearFaults()
	s.SetJob(zuoratest.Job{ID: zuoratest.SampleJobID, ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Ramp{Rate: 11, Total: 11}.At(time.Minute))})
	time.Sleep(lookback + time.Second)
	p.start(t)
	eventuallyEqual(t, "what a good answer says", map[string]string{
		"_failed_objects:last": "0", "_status:last": "1", ":lost_objects": "0", ":running": "0", ":finished": "1",
	}, known)
}
