package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// known is a Reader that knows all jobs.
type known struct{}

func (known) DataLabelingJob(context.Context, string) (*zuora.DataLabelingJob, error) {
	n := new(int64(7))
	return &zuora.DataLabelingJob{Status: zuora.Accepted, ObjectType: "Account", Labeled: n, Failed: n, Timeout: n, Total: n, ReceivedAt: time.Now()}, nil
}

// newTestServer serves these jobs of one tenant.
func newTestServer(t testing.TB, jobs ...collector.ConfiguredJob) http.Handler {
	t.Helper()
	c := collector.New([]collector.Tenant{{Name: "t", Reader: known{}, Metrics: collector.NewAPIMetrics("t"), MaxConcurrentRequests: 20, Jobs: jobs}},
		nil, log.NewNopLogger(), nil)
	s, err := New(Options{
		TelemetryPath: "/metrics", Logger: log.NewNopLogger(),
		Collector: func() *collector.Collector { return c },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever the query is, a probe answers 400 with a sentence or 200 with the
// job that was asked for.
func FuzzProbe(f *testing.F) {
	for _, query := range []string{
		"target=ff80808186b966950186b97922e200ab", "target=ff80808186b966950186b97922e200ab&tenant=t", "tenant=t", "target=%zz", "target=%00",
		"target=........../../../etc/passwd......&tenant=%ff",
	} {
		f.Add(query)
	}
	s := newTestServer(f)
	f.Fuzz(func(t *testing.T, query string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/probe", RawQuery: query}, Header: http.Header{}})
		body := w.Body.String()
		switch w.Code {
		case http.StatusBadRequest:
			if strings.Count(body, "\n") != 1 {
				t.Errorf("got %q, want a sentence", body)
			}
		case http.StatusOK:
			if !strings.Contains(body, "job_id=") {
				t.Errorf("got\n%s\nwant a job", body)
			}
		default:
			t.Errorf("got %d %q, want 200 or 400", w.Code, body)
		}
	})
}

func TestScrapeContext(t *testing.T) {
	for _, tc := range []struct {
		header string
		offset time.Duration
		want   time.Duration
	}{
		{"15", 500 * time.Millisecond, 14500 * time.Millisecond},
		{"1", 500 * time.Millisecond, 500 * time.Millisecond},
		{"0.5", 500 * time.Millisecond, 250 * time.Millisecond}, // never less than half
		{"4", 10 * time.Second, 2 * time.Second},
		{"", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"soon", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"0", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"-3", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"NaN", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"+Inf", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"1e300", 0, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/metrics", nil)
			r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", tc.header)
			ctx, cancel := scrapeContext(r, tc.offset)
			defer cancel()
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != tc.want {
				t.Errorf("%q less %s: got %s, want %s", tc.header, tc.offset, time.Until(deadline), tc.want)
			}
		})
	}
}

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
