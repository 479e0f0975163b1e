package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/collector"
)

// BenchmarkPage makes the page of 1,000 jobs, and one of a probed job, packed
// as for Prometheus, from a reader that costs nothing.
func BenchmarkPage(b *testing.B) {
	var jobs []collector.ConfiguredJob
	for i := range 1000 {
		jobs = append(jobs, collector.ConfiguredJob{ID: fmt.Sprintf("%032x", i)})
	}
	s := newTestServer(b, jobs...)
	for name, path := range map[string]string{"scrape": "/metrics", "probe": "/probe?target=ff80808186b966950186b97922e200ab"} {
		b.Run(name, func(b *testing.B) {
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
		})
	}
}
