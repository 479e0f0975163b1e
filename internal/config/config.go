// Package config reads the configuration file of zuora_exporter strictly. Every
// error names the file, the line and the key, and none quotes a secret.
package config

import (
	"reflect"
	"time"

	promconfig "github.com/prometheus/common/config"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Config is a valid configuration file.
type Config struct {
	// Tenants are in the order of the file; there is at least one.
	Tenants []*Tenant
	// LabelNames are the label names of all jobs, sorted. The series of every
	// job have all of them.
	LabelNames []string
	// Warnings are sentences about what is valid but probably a mistake. Each
	// begins with the file, the line and the key.
	Warnings []string
}

// Tenant is one Zuora tenant and the jobs to read there.
type Tenant struct {
	// Name is the tenant label. It is unique and not empty.
	Name string
	// Zuora has every setting of a client that comes from the file.
	Zuora zuora.Config
	// MaxConcurrentRequests bounds the job requests at once; at least 1.
	MaxConcurrentRequests int
	// RefreshInterval is the age below which an answer is served again; 0 means
	// that every scrape asks.
	RefreshInterval time.Duration
	// CompletedRefreshInterval is the RefreshInterval of completed jobs.
	CompletedRefreshInterval time.Duration
	// Jobs may be empty. No two are the same job.
	Jobs []Job

	// A function, because fmt would print the secrets of a struct.
	connection func() connection
}

// Job is one data labeling job to read.
type Job struct {
	// ID is what Zuora calls the job, as written in the file.
	ID string
	// Labels are on every series of the job; nil if it has none.
	Labels map[string]string
}

// connection is all that the client and the transport of a tenant depend on.
type connection struct {
	name  string
	zuora zuora.Config // without functions, which cannot be compared
	// secretKey is the key that gives the client secret, and secret its value.
	secretKey, secret     string
	maxConcurrentRequests int
	proxy                 promconfig.ProxyConfig
	tls                   promconfig.TLSConfig
}

// SameClient reports whether t and o differ in nothing but their jobs and the
// two refresh intervals. Then o can use the token, the connections and the
// pauses of t. Files and environment variables are compared by name, because
// they are read again whenever they are needed. A key whose value is in Tenant
// itself is compared only if readTenant copies it to connection.
func (t *Tenant) SameClient(o *Tenant) bool {
	return reflect.DeepEqual(t.connection(), o.connection())
}

// SameCredentials reports whether t and o are the same client to Zuora: then
// pauses and the token's back-off go on.
func (t *Tenant) SameCredentials(o *Tenant) bool {
	a, b := t.connection(), o.connection()
	return a.name == b.name && a.zuora.ClientID == b.zuora.ClientID &&
		a.zuora.BaseURL.String() == b.zuora.BaseURL.String() && a.zuora.TokenURL.String() == b.zuora.TokenURL.String()
}
