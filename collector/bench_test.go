package collector

import (
	"context"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// BenchmarkCollect collects 1,000 jobs from a reader that costs nothing. It
// runs beside the same series made by prometheus.MustNewConstMetric, with its
// label pairs anew for each: what sharing them is worth.
func BenchmarkCollect(b *testing.B) {
	answer, _ := completed()
	c := newCollector(log.NewNopLogger(), 1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return answer, nil }, ids(1000)...)
	b.Run("shared", func(b *testing.B) { benchmark(b, c.Scrape(b.Context())) })
	b.Run("anew", func(b *testing.B) { benchmark(b, anew{c.Scrape(b.Context())}) })
}

func benchmark(b *testing.B, c prometheus.Collector) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}

// anew makes each job series of a scrape again, as a const metric.
type anew struct{ Scrape }

func (a anew) Collect(ch chan<- prometheus.Metric) {
	metrics := make(chan prometheus.Metric)
	go func() {
		defer close(metrics)
		a.Scrape.Collect(metrics)
	}()
	names := map[*prometheus.Desc][]string{} // in the order of the description
	d := a.collector.families
	for _, desc := range []*family{d.labeled, d.failed, d.timeout, d.total} {
		names[desc.desc] = []string{labelTenant, labelJobID, labelObjectType}
	}
	for _, desc := range []*family{d.success, d.duration, d.lastSuccess} {
		names[desc.desc] = []string{labelTenant, labelJobID}
	}
	names[d.status.desc] = []string{labelTenant, labelJobID, labelObjectType, labelStatus}
	for m := range metrics {
		g, ok := m.(*gauge)
		if !ok {
			ch <- m
			continue
		}
		values := make([]string, 0, 4)
		for _, name := range names[g.family.desc] {
			values = append(values, value(g.labels, name))
		}
		ch <- prometheus.MustNewConstMetric(g.family.desc, prometheus.GaugeValue, g.value, values...)
	}
}

func value(pairs []*dto.LabelPair, name string) string {
	for _, p := range pairs {
		if p.GetName() == name {
			return p.GetValue()
		}
	}
	return ""
}
