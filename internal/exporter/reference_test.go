package exporter

import (
	"flag"
	"fmt"
	"maps"
	"os"
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
	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

//go:generate go test -run TestMetricsReference -update

var update = flag.Bool("update", false, "write docs/metrics.md anew")

const referenceHead = `# Metrics

Made from the exporter's own descriptions by ` + "`go generate`" + `.

*configured* stands for the names of the labels that the configuration gives to jobs. A count that Zuora does not send is absent, not 0, and a read that failed gives no counts and no status. No sample carries a timestamp. ` + "`/metrics`" + ` has all of these, ` + "`/probe`" + ` the job's and ` + "`zuora_up`" + `; ` + "`/metrics`" + ` has Go's ` + "`go_*`" + ` and ` + "`process_*`" + ` as well.

| metric | type | labels | | absent |
|---|---|---|---|---|
`

// The reference is made from the Descs that the exporter registers, so it
// cannot fall behind the code. The check of names in dashboards, rules and
// documents (module test/checks) goes by it.
func TestMetricsReference(t *testing.T) {
	defer goleak.VerifyNone(t)
	var want strings.Builder
	want.WriteString(referenceHead)
	descs := allDescs(t)
	for _, name := range slices.Sorted(maps.Keys(descs)) {
		d := descs[name]
		absent := "never"
		if begin := strings.Index(d.help, "Absent "); begin >= 0 {
			end := begin + strings.Index(d.help[begin:], ".") + 1
			absent = strings.TrimSuffix(strings.TrimPrefix(d.help[begin:end], "Absent "), ".")
			d.help = strings.TrimSpace(d.help[:begin]) + d.help[end:]
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s | %s |\n", name, typeOf(name), strings.Join(d.labels, ", "), d.help, absent)
	}

	const file = "../../docs/metrics.md"
	if *update {
		if err := os.WriteFile(file, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("%s is stale: go generate (-want +got):\n%s", file, diff)
	}
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
			versioncollector.NewCollector("zuora_exporter"), e.reloadSuccessful, e.reloadTime, e.current.collector.Scrape(t.Context()),
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
