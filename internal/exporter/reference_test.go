package exporter

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-kit/log"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

//go:generate go test -run TestMetricsReference -update

// job has the labels of the job in the examples.
const job = `tenant="prod-us",job_id="ff80808186b966950186b97922e200ab",wave="first"`

// reference is what docs/metrics.md answers, with an example of each metric.
var reference = []struct {
	heading, text string
	examples      []string
}{
	{"Jobs", "How far is a job, what did it lose, and could it be read? `/metrics` has the configured jobs, `/probe` the one that it is asked for. Counts and status may be as old as the tenant's refresh interval; `zuora_data_labeling_job_last_success_timestamp_seconds` says when they were read. A failed read gives no counts and no status.", []string{
		`zuora_data_labeling_job_labeled_objects{` + job + `,object_type="Account"} 9`,
		`zuora_data_labeling_job_total_objects{` + job + `,object_type="Account"} 11`,
		`zuora_data_labeling_job_failed_objects{` + job + `,object_type="Account"} 1`,
		`zuora_data_labeling_job_timeout_objects{` + job + `,object_type="Account"} 1`,
		`zuora_data_labeling_job_status{` + job + `,object_type="Account",status="Completed"} 1`,
		`zuora_data_labeling_job_scrape_success{` + job + `} 1`,
		`zuora_data_labeling_job_scrape_error{tenant="prod-us",job_id="ff80808186b966950186b97922e200ac",wave="second",reason="not_found"} 1`,
		`zuora_data_labeling_job_scrape_duration_seconds{` + job + `} 0.113`,
		`zuora_data_labeling_job_last_success_timestamp_seconds{` + job + `} 1.7640864e+09`,
	}},
	{"Tenants", "Can the tenant be read? On `/metrics` and on `/probe`.", []string{
		`zuora_up{tenant="prod-us"} 1`,
	}},
	{"Zuora's API", "What is sent to Zuora, how long does it take, and how much of the quota is left? Only on `/metrics`; requests for probes are counted there too.", []string{
		`zuora_api_requests_total{tenant="prod-us",operation="data_labeling_job",code="200"} 2880`,
		`zuora_api_request_duration_seconds_bucket{tenant="prod-us",operation="data_labeling_job",le="0.25"} 2871`,
		`zuora_api_requests_in_flight{tenant="prod-us"} 0`,
		`zuora_api_rate_limit_requests{tenant="prod-us"} 50000`,
		`zuora_api_rate_limit_remaining_requests{tenant="prod-us"} 49213`,
		`zuora_api_rate_limit_reset_timestamp_seconds{tenant="prod-us"} 1.76408646e+09`,
		`zuora_api_concurrency_limit_requests{tenant="prod-us",type="Default"} 40`,
		`zuora_api_concurrency_limit_remaining_requests{tenant="prod-us",type="Default"} 38`,
		`zuora_api_paused_until_timestamp_seconds{tenant="prod-us",operation="data_labeling_job"} 1.76408652e+09`,
		`zuora_api_token_expiry_timestamp_seconds{tenant="prod-us"} 1.76409e+09`,
	}},
	{"The exporter", "Which version runs, and is its configuration the file's? Only on `/metrics`, with Go's `go_*` and `process_*`.", []string{
		`zuora_exporter_config_last_reload_successful 1`,
		`zuora_exporter_config_last_reload_success_timestamp_seconds 1.764e+09`,
		`zuora_exporter_build_info{version="0.1.0",revision="",branch="",goversion="go1.26.8",goos="linux",goarch="amd64",tags="unknown"} 1`,
	}},
}

const referenceHead = `# Metrics

Made from the exporter's own descriptions by ` + "`go generate`" + `.

A count that Zuora does not send is absent, not 0. No sample has a timestamp. *configured* stands for the labels that the configuration gives to jobs; in the examples it is ` + "`wave`" + `.
`

// The reference is made from the Descs that the exporter registers, so it
// cannot fall behind the code. The check of names in dashboards, rules and
// documents (module test/checks) goes by it.
func TestMetricsReference(t *testing.T) {
	defer goleak.VerifyNone(t)
	var want strings.Builder
	want.WriteString(referenceHead)
	descs := allDescs(t)
	for _, section := range reference {
		fmt.Fprintf(&want, "\n## %s\n\n%s\n\n| metric | type | labels | | absent |\n|---|---|---|---|---|\n", section.heading, section.text)
		for _, example := range section.examples {
			name, labels := parseExample(example)
			d, ok := descs[name]
			if !ok {
				t.Errorf("the exporter has no metric %s, or the reference has it twice", name)
			}
			delete(descs, name)
			if diff := cmp.Diff(slices.Sorted(slices.Values(d.labels)), labels); diff != "" {
				t.Errorf("%s: the labels of the example (-want +got):\n%s", name, diff)
			}
			absent := "never"
			if begin := strings.Index(d.help, "Absent "); begin >= 0 {
				end := begin + strings.Index(d.help[begin:], ".") + 1
				absent = strings.TrimSuffix(strings.TrimPrefix(d.help[begin:end], "Absent "), ".")
				d.help = strings.TrimSpace(d.help[:begin]) + d.help[end:]
			}
			d.help, _, _ = strings.Cut(d.help, " May be as old as ") // the section says so once
			fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", name, typeOf(name), strings.Join(d.labels, ", "), d.help, absent)
		}
		fmt.Fprintf(&want, "\n```\n%s\n```\n", strings.Join(section.examples, "\n"))
	}
	for name := range descs {
		t.Errorf("the reference has no section for %s", name)
	}

	testutil.Generated(t, want.String(), "docs", "metrics.md")
}

// A configured label cannot have the name of one of ours.
func TestOwnLabelsAreReserved(t *testing.T) {
	for name, d := range allDescs(t) {
		for _, label := range d.labels {
			label = strings.Trim(label, "`")
			if label == "*configured*" || name == "zuora_exporter_build_info" {
				continue
			}
			_, err := config.Parse("x.yml", fmt.Appendf(nil, "tenants: [{name: t, base_url: 'https://x', oauth2: {client_id: a, client_secret: b}, jobs: [{id: %s, labels: {%s: x}}]}]",
				zuoratest.SampleJobID, label))
			if err == nil || !strings.Contains(err.Error(), "already used by the exporter") {
				t.Errorf("a configured label %q, which %s has: got %v, want an error", label, name, err)
			}
		}
	}
}

// parseExample returns a sample's metric and its labels as the reference writes
// them, in order.
func parseExample(sample string) (metric string, labels []string) {
	metric = regexp.MustCompile(`^\w+`).FindString(sample)
	for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(sample, -1) {
		switch l[1] {
		case "wave":
			labels = append(labels, "*configured*")
		case "le":
			metric = strings.TrimSuffix(metric, "_bucket")
		default:
			labels = append(labels, "`"+l[1]+"`")
		}
	}
	slices.Sort(labels)
	return metric, labels
}

// typeOf goes by the name; the page itself is compared with the types in e2e.
func typeOf(name string) string {
	switch {
	case strings.HasSuffix(name, "_total"):
		return "counter"
	case name == "zuora_api_request_duration_seconds":
		return "histogram"
	}
	return "gauge"
}

type description struct {
	help   string
	labels []string
}

// allDescs returns what an exporter of one tenant registers, by metric. A
// prometheus.Desc shows what it holds as a string only.
func allDescs(t *testing.T) map[string]description {
	t.Helper()
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	const custom = "some_configured_label"
	cfg, err := config.Parse("x.yml", fmt.Appendf(nil, "tenants: [{name: t, base_url: %q, oauth2: {client_id: a, client_secret: b}, jobs: [{id: %s, labels: {%s: x}}]}]",
		standIn.URL, zuoratest.SampleJobID, custom))
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(cfg, nil, server.Options{TelemetryPath: "/metrics", Logger: log.NewNopLogger()})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()

	registered := make(chan *prometheus.Desc)
	go func() {
		defer close(registered)
		for _, c := range []prometheus.Collector{
			versioncollector.NewCollector("zuora_exporter"), e.reloadSuccessful, e.reloadTime, e.current.Load().collector.Scrape(t.Context()),
		} {
			c.Describe(registered)
		}
	}()
	held := regexp.MustCompile(`^Desc\{fqName: "(\w+)", help: "([^"]*)", unit: "[^"]*", constLabels: \{(.*)\}, variableLabels: \{(.*)\}\}$`)
	label := regexp.MustCompile(`(\w+)(?:="[^"]*")?`)
	descs := map[string]description{}
	for desc := range registered {
		m := held.FindStringSubmatch(desc.String())
		if m == nil {
			t.Errorf("not understood: %s", desc)
			continue
		}
		d := description{help: m[2]}
		for _, l := range label.FindAllStringSubmatch(m[3]+","+m[4], -1) {
			d.labels = append(d.labels, strings.Replace("`"+l[1]+"`", "`"+custom+"`", "*configured*", 1))
		}
		descs[m[1]] = d
	}
	return descs
}
