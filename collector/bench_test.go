package collector

import (
	"context"
	"fmt"
	"testing"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// BenchmarkScrape gathers jobs from a Reader that costs nothing.
func BenchmarkScrape(b *testing.B) {
	answer, _ := completed()
	for _, jobs := range []int{10, 500, 10_000} {
		b.Run(fmt.Sprint(jobs), func(b *testing.B) {
			c := newCollector(log.NewNopLogger(), 10, func(context.Context, string) (*zuora.DataLabelingJob, error) { return answer, nil }, ids(jobs)...)
			b.ReportAllocs()
			for b.Loop() {
				registry := prometheus.NewRegistry()
				registry.MustRegister(c.Scrape(b.Context()))
				if _, err := registry.Gather(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
