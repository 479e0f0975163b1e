package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/collector"
)

// BenchmarkPage makes the pages of docs/scaling.md, compressed as for
// Prometheus, from a reader that costs nothing.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{10, 500, 10_000} {
		var jobs []collector.ConfiguredJob
		for i := range n {
			jobs = append(jobs, collector.ConfiguredJob{ID: fmt.Sprintf("%032x", i)})
		}
		b.Run(fmt.Sprintf("scrape of %d jobs", n), func(b *testing.B) { benchmark(b, "/metrics", jobs...) })
	}
	b.Run("probe", func(b *testing.B) { benchmark(b, "/probe?target=ff80808186b966950186b97922e200ab") })
}

func benchmark(b *testing.B, path string, jobs ...collector.ConfiguredJob) {
	s := newTestServer(b, jobs...)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
