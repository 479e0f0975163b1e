package server

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
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
