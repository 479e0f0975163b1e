package collector

import (
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// APIMetrics counts the requests that are sent to one tenant's API, seen from
// outside its client. It is a prometheus.Collector.
type APIMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewAPIMetrics returns the API metrics of a tenant.
func NewAPIMetrics(tenant string) *APIMetrics {
	labels := prometheus.Labels{labelTenant: tenant}
	return &APIMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name:        "zuora_api_requests_total",
			Help:        "Requests sent to Zuora, by operation (token, data_labeling_job) and HTTP status, or error where there was no answer. Absent before the first of its kind.",
			ConstLabels: labels,
		}, []string{"operation", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "zuora_api_request_duration_seconds",
			Help:                            "Seconds from sending a request to Zuora to the end of its answer.",
			ConstLabels:                     labels,
			Buckets:                         []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"operation"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name:        "zuora_api_requests_in_flight",
			Help:        "Requests to Zuora that are under way.",
			ConstLabels: labels,
		}),
	}
}

// Describe implements prometheus.Collector.
func (m *APIMetrics) Describe(ch chan<- *prometheus.Desc) {
	m.requests.Describe(ch)
	m.duration.Describe(ch)
	m.inFlight.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *APIMetrics) Collect(ch chan<- prometheus.Metric) {
	m.requests.Collect(ch)
	m.duration.Collect(ch)
	m.inFlight.Collect(ch)
}

// Instrument returns a transport that counts the requests that go to operation
// by next.
func (m *APIMetrics) Instrument(operation string, next http.RoundTripper) http.RoundTripper {
	return &instrumentedTransport{m, operation, m.duration.WithLabelValues(operation), next}
}

type instrumentedTransport struct {
	*APIMetrics
	operation string
	observer  prometheus.Observer
	next      http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *instrumentedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	t.inFlight.Inc()
	done := func() {
		t.inFlight.Dec()
		t.observer.Observe(time.Since(sent).Seconds())
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		t.requests.WithLabelValues(t.operation, "error").Inc()
		done()
		return nil, err
	}
	t.requests.WithLabelValues(t.operation, strconv.Itoa(resp.StatusCode)).Inc()
	resp.Body = &observedBody{ReadCloser: resp.Body, done: done}
	return resp, nil
}

// observedBody calls done once, when the body is closed.
type observedBody struct {
	io.ReadCloser
	once sync.Once
	done func()
}

func (b *observedBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(b.done)
	return err
}
