package collector

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// API tells what is known of a tenant's API without asking Zuora. A
// *zuora.Client is one.
type API interface {
	Limits() zuora.Limits
	PausedUntil() map[string]time.Time // by operation
	Token() zuora.TokenState
	// CheckToken gets a token, or uses the one it has.
	CheckToken(context.Context) error
	// CloseIdleConnections is called while the tenant is down, when its last
	// read in progress has ended: a name may have moved.
	CloseIdleConnections()
}

var upDesc = prometheus.NewDesc("zuora_up",
	"0 if no token could be had, or if a job failed with anything but "+enumerated(wordsOfZuora)+" and no read was answered; else 1.",
	[]string{labelTenant}, nil)

// The series of a tenant's API.
var (
	rateLimitDesc = apiDesc("zuora_api_rate_limit_requests",
		"Requests that Zuora allows the tenant in the window nearest to exhaustion. Absent until Zuora says it.")
	rateLimitRemainingDesc = apiDesc("zuora_api_rate_limit_remaining_requests",
		"Requests that the tenant has left in the window nearest to exhaustion. Absent until Zuora says it.")
	rateLimitResetDesc = apiDesc("zuora_api_rate_limit_reset_timestamp_seconds",
		"When the window nearest to exhaustion ends, in seconds since 1970. Absent until Zuora says it.")
	concurrencyLimitDesc = apiDesc("zuora_api_concurrency_limit_requests",
		"Requests of one type that Zuora lets the tenant run at once. Absent until Zuora says it.", "type")
	concurrencyRemainingDesc = apiDesc("zuora_api_concurrency_limit_remaining_requests",
		"Further requests of one type that the tenant could have run at the newest answer. Absent until Zuora says it.", "type")
	pausedUntilDesc = apiDesc("zuora_api_paused_until_timestamp_seconds",
		"Until when requests are paused because of Zuora's limits, in seconds since 1970. Absent while they are not.", labelOperation)
	tokenExpiryDesc = apiDesc("zuora_api_token_expiry_timestamp_seconds",
		"When the access token in use expires, in seconds since 1970. Absent while there is none.")
)

func apiDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{labelTenant}, labels...), nil)
}

// collectAPI sends the series of the tenant's API.
func (t *tenant) collectAPI(ch chan<- prometheus.Metric) {
	t.Metrics.Collect(ch)
	if t.API == nil {
		return
	}
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{t.Name}, labels...)...)
	}
	sendCount := func(desc *prometheus.Desc, n *int64, labels ...string) {
		if n != nil {
			send(desc, float64(*n), labels...)
		}
	}
	sendTime := func(desc *prometheus.Desc, at time.Time, labels ...string) {
		if !at.IsZero() {
			send(desc, unixSeconds(at), labels...)
		}
	}
	limits := t.API.Limits()
	sendCount(rateLimitDesc, limits.RateLimit)
	sendCount(rateLimitRemainingDesc, limits.RateLimitRemaining)
	sendTime(rateLimitResetDesc, limits.RateLimitReset)
	sendCount(concurrencyLimitDesc, limits.ConcurrencyLimit, limits.ConcurrencyType)
	sendCount(concurrencyRemainingDesc, limits.ConcurrencyRemaining, limits.ConcurrencyType)
	for operation, until := range t.API.PausedUntil() {
		sendTime(pausedUntilDesc, until, operation)
	}
	sendTime(tokenExpiryDesc, t.API.Token().Expiry)
}

// APIMetrics counts the requests that are sent to one tenant's API. It is a
// prometheus.Collector.
type APIMetrics struct {
	prometheus.Collector // of all that follow

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewAPIMetrics returns the API metrics of a tenant.
func NewAPIMetrics(tenant string) *APIMetrics {
	all := prometheus.NewRegistry()
	labels := prometheus.Labels{labelTenant: tenant}
	m := &APIMetrics{
		Collector: all,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name:        "zuora_api_requests_total",
			Help:        "Requests sent to Zuora, by operation (token, data_labeling_job) and HTTP status, or error if there was no answer. Absent before the first of its kind.",
			ConstLabels: labels,
		}, []string{labelOperation, "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "zuora_api_request_duration_seconds",
			Help:                            "Seconds from sending a request to Zuora to the end of its answer. Absent before the first of its kind.",
			ConstLabels:                     labels,
			Buckets:                         []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{labelOperation}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name:        "zuora_api_requests_in_flight",
			Help:        "Requests to Zuora that are in progress.",
			ConstLabels: labels,
		}),
	}
	all.MustRegister(m.requests, m.duration, m.inFlight)
	return m
}

// Observe counts a request, and records it for a probe that asks what a read has
// sent: it is what zuora.Config.Observe takes.
func (m *APIMetrics) Observe(ctx context.Context, request zuora.Request) (done func(zuora.Request)) {
	m.inFlight.Inc()
	recorded := func(zuora.Request) {}
	if r, ok := ctx.Value(readKey{}).(*read); ok {
		recorded = r.sent(request)
	}
	return func(ended zuora.Request) {
		m.inFlight.Dec()
		m.duration.WithLabelValues(ended.Operation).Observe(ended.Duration.Seconds())
		code := "error"
		if ended.StatusCode != 0 {
			code = strconv.Itoa(ended.StatusCode)
		}
		m.requests.WithLabelValues(ended.Operation, code).Inc()
		recorded(ended)
	}
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixSeconds keeps to milliseconds, as Prometheus does.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
