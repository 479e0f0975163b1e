// Package config reads the configuration file of zuora_exporter: strictly,
// with the file, the line and the key in every error, and no secret in any.
package config

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"time"

	promconfig "github.com/prometheus/common/config"
)

// What a tenant is given where the file says nothing.
const (
	DefaultAPIVersion            = "2025-08-12"
	DefaultRequestTimeout        = 5 * time.Second
	DefaultMaxConcurrentRequests = 10
	DefaultRateLimitReserve      = 0.05
)

// Config is a whole configuration file that has been found valid.
type Config struct {
	// Tenants are in the order of the file; there is at least one.
	Tenants []*Tenant
	// LabelNames is the sorted union of the label names of all jobs: every
	// job's series carry all of them.
	LabelNames []string
}

// Tenant is one Zuora tenant: how it is reached, and the jobs to watch there.
// Of all this, fmt prints the name only.
type Tenant struct {
	// Name is unique and not empty: the tenant label.
	Name string
	// BaseURL is http or https, with neither user, query, fragment nor
	// trailing slash.
	BaseURL *url.URL
	OAuth2  OAuth2
	// EntityID is sent as Zuora-Entity-Ids; empty where there is none.
	EntityID string
	// APIVersion is sent as Zuora-Version.
	APIVersion string
	// RequestTimeout is for one try of one request; above 0.
	RequestTimeout time.Duration
	// MaxConcurrentRequests counts job requests over all scrapes; at least 1.
	MaxConcurrentRequests int
	// RefreshInterval is the age below which an answer is not asked for
	// again; 0 asks at every scrape.
	RefreshInterval time.Duration
	// CompletedRefreshInterval is RefreshInterval for completed jobs.
	CompletedRefreshInterval time.Duration
	// RateLimitReserve is the share of Zuora's quota, from 0 to below 1,
	// that is left to others.
	RateLimitReserve float64
	// Jobs may be empty. No two are the same job.
	Jobs []Job

	// Prometheus's types show passwords and keys to fmt, which looks into
	// unexported fields too, but never through two pointers.
	proxy **promconfig.ProxyConfig
	tls   **promconfig.TLSConfig
}

// Format writes the name for every verb: the rest is next to secrets.
func (t Tenant) Format(f fmt.State, _ rune) {
	io.WriteString(f, "tenant "+t.Name)
}

// Job is one data labeling job to watch.
type Job struct {
	// ID is what Zuora calls the job, as written in the file.
	ID string
	// Labels are put on every series of the job; nil where there are none.
	Labels map[string]string
}

// SameClient reports whether t and o differ in nothing but their jobs and the
// two refresh intervals, so that the token, the connections and the pauses of
// the one serve the other as well. Files are compared by name: what is in them
// is read anew whenever it is needed.
func (t *Tenant) SameClient(o *Tenant) bool {
	a, b := *t, *o
	for _, tenant := range []*Tenant{&a, &b} {
		tenant.Jobs, tenant.RefreshInterval, tenant.CompletedRefreshInterval = nil, 0, 0
	}
	return reflect.DeepEqual(a, b)
}
