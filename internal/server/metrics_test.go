package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// reader is a Reader in a function.
type reader func(id string) (*zuora.DataLabelingJob, error)

func (f reader) DataLabelingJob(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
	return f(id)
}

// good is a Reader that knows all jobs.
func good(string) (*zuora.DataLabelingJob, error) {
	n := new(int64(7))
	return &zuora.DataLabelingJob{Status: zuora.Accepted, ObjectType: "Account", Labeled: n, Failed: n, Timeout: n, Total: n, ReceivedAt: time.Now()}, nil
}

func jobs(n int) (all []collector.ConfiguredJob) {
	for i := range n {
		all = append(all, collector.ConfiguredJob{ID: fmt.Sprintf("%032x", i)})
	}
	return all
}

// newHandler serves these jobs of one tenant, at /metrics unless the options say
// another path.
func newHandler(t testing.TB, o Options, r reader, jobs ...collector.ConfiguredJob) http.Handler {
	t.Helper()
	c := collector.New([]collector.Tenant{{Name: "t", Reader: r, Metrics: collector.NewAPIMetrics("t"), MaxConcurrentRequests: 20, Jobs: jobs}},
		[]string{"repairs"}, log.NewNopLogger(), nil)
	o.TelemetryPath, o.Logger = cmp.Or(o.TelemetryPath, "/metrics"), log.NewNopLogger()
	o.Collector = func() *collector.Collector { return c }
	handler, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// A page of which nothing is known comes at the deadline.
func TestDeadline(t *testing.T) {
	for _, tc := range []struct {
		header       string
		offset, want time.Duration
	}{
		{"15", 500 * time.Millisecond, 14500 * time.Millisecond},
		{"0.5", 500 * time.Millisecond, 250 * time.Millisecond}, // never less than half
		{"4", 10 * time.Second, 2 * time.Second},
		{"", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"soon", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"0", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"NaN", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"+Inf", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"1e300", 0, 24 * time.Hour},
	} {
		for _, path := range []string{"/metrics", "/probe?target=" + jobs(1)[0].ID} {
			synctest.Test(t, func(t *testing.T) {
				handler := newHandler(t, Options{TimeoutOffset: tc.offset}, func(id string) (*zuora.DataLabelingJob, error) {
					time.Sleep(48 * time.Hour)
					return good(id)
				}, jobs(1)...)
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", tc.header)
				begun := time.Now()
				handler.ServeHTTP(httptest.NewRecorder(), r)
				if took := time.Since(begun); took != tc.want {
					t.Errorf("%q less %s: got the page after %s, want it after %s", tc.header, tc.offset, took, tc.want)
				}
				time.Sleep(48 * time.Hour)
			})
		}
	}
}

// BenchmarkPage makes the pages of docs/scaling.md, compressed as for
// Prometheus, from a reader that costs nothing.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{10, 500, 10_000} {
		b.Run(fmt.Sprintf("scrape of %d jobs", n), func(b *testing.B) { benchmark(b, "/metrics", jobs(n)...) })
	}
	b.Run("probe", func(b *testing.B) { benchmark(b, "/probe?target=ff80808186b966950186b97922e200ab") })
}

func benchmark(b *testing.B, path string, jobs ...collector.ConfiguredJob) {
	s := newHandler(b, Options{}, good, jobs...)
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
