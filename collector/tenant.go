package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Tenant is one Zuora tenant. It outlives the configurations that do not
// change it.
type Tenant struct {
	Name   string
	Reader Reader
	Status Status
	API    *APIMetrics
	// MaxConcurrentRequests is how many jobs a scrape reads at once.
	MaxConcurrentRequests int
}

// Status tells what is known of a tenant without asking Zuora. A *zuora.Client
// is one.
type Status interface {
	Limits() zuora.Limits
	PausedUntil() map[string]time.Time // by operation
	TokenExpiry() time.Time            // zero where there is no token
}

// The series that each tenant has beside its jobs'.
var (
	upDesc = prometheus.NewDesc("zuora_up",
		"0 if no token could be had, or if reading every job failed with auth, unavailable, timeout or rate_limited; else 1.",
		[]string{labelTenant}, nil)
	rateLimitDesc = prometheus.NewDesc("zuora_api_rate_limit_requests",
		"Requests that Zuora allows the tenant in the window nearest to exhaustion. Absent until Zuora says it.",
		[]string{labelTenant}, nil)
	rateLimitRemainingDesc = prometheus.NewDesc("zuora_api_rate_limit_remaining_requests",
		"Requests that the tenant has left in the window nearest to exhaustion. Absent until Zuora says it.",
		[]string{labelTenant}, nil)
	rateLimitResetDesc = prometheus.NewDesc("zuora_api_rate_limit_reset_timestamp_seconds",
		"When the window nearest to exhaustion begins anew, in seconds since 1970. Absent until Zuora says it.",
		[]string{labelTenant}, nil)
	concurrencyLimitDesc = prometheus.NewDesc("zuora_api_concurrency_limit_requests",
		"Requests of one type that Zuora lets the tenant run at once. Absent until Zuora says it.",
		[]string{labelTenant, "type"}, nil)
	concurrencyRemainingDesc = prometheus.NewDesc("zuora_api_concurrency_limit_remaining_requests",
		"Further requests of one type that the tenant could have run at the newest answer. Absent until Zuora says it.",
		[]string{labelTenant, "type"}, nil)
	pausedUntilDesc = prometheus.NewDesc("zuora_api_paused_until_timestamp_seconds",
		"Until when requests are held back because of Zuora's limits, in seconds since 1970. Absent while they are not.",
		[]string{labelTenant, "operation"}, nil)
	tokenExpiryDesc = prometheus.NewDesc("zuora_api_token_expiry_timestamp_seconds",
		"When the access token in use ends, in seconds since 1970. Absent while there is none.",
		[]string{labelTenant}, nil)

	tenantDescs = []*prometheus.Desc{
		upDesc, rateLimitDesc, rateLimitRemainingDesc, rateLimitResetDesc,
		concurrencyLimitDesc, concurrencyRemainingDesc, pausedUntilDesc, tokenExpiryDesc,
	}
)

// collect exposes what the tenant has beside its jobs.
func (t *Tenant) collect(up bool, ch chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{t.Name}, labels...)...)
	}
	sendCount := func(desc *prometheus.Desc, n *int64, labels ...string) {
		if n != nil {
			send(desc, float64(*n), labels...)
		}
	}
	send(upDesc, boolValue(up))

	limits := t.Status.Limits()
	sendCount(rateLimitDesc, limits.RateLimit)
	sendCount(rateLimitRemainingDesc, limits.RateLimitRemaining)
	if !limits.RateLimitReset.IsZero() {
		send(rateLimitResetDesc, unixSeconds(limits.RateLimitReset))
	}
	for name, c := range limits.Concurrency {
		sendCount(concurrencyLimitDesc, c.Limit, name)
		sendCount(concurrencyRemainingDesc, c.Remaining, name)
	}
	for operation, until := range t.Status.PausedUntil() {
		send(pausedUntilDesc, unixSeconds(until), operation)
	}
	if expiry := t.Status.TokenExpiry(); !expiry.IsZero() {
		send(tokenExpiryDesc, unixSeconds(expiry))
	}
	t.API.Collect(ch)
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixSeconds keeps to milliseconds, as Prometheus does.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
