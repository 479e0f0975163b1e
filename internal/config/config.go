// Package config reads the configuration file of zuora_exporter strictly. Every
// error names the file, the line and the key, and none quotes a secret.
package config

import (
	"fmt"
	"net/url"
	"reflect"
	"time"

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

	// settings returns all that the file says. It is a function, because fmt
	// would print the secrets of a struct.
	settings func() tenant
}

// Job is one data labeling job to read.
type Job struct {
	// ID is what Zuora calls the job, as written in the file.
	ID string `yaml:"id"`
	// Labels are on every series of the job; nil if it has none.
	Labels map[string]string `yaml:"labels"`
}

// SameClient reports whether t and o differ in nothing but their jobs and the
// two refresh intervals. Then o can use the token, the connections and the
// pauses of t. Files and environment variables are compared by name, because
// they are read again whenever they are needed.
func (t *Tenant) SameClient(o *Tenant) bool {
	a, b := t.settings(), o.settings()
	a.Jobs, a.RefreshInterval, a.CompletedRefreshInterval = b.Jobs, b.RefreshInterval, b.CompletedRefreshInterval
	return reflect.DeepEqual(a, b)
}

// SameCredentials reports whether Zuora sees the same client in t and o. Then o
// has to keep to the pauses of t.
func (t *Tenant) SameCredentials(o *Tenant) bool {
	a, b := t.Zuora, o.Zuora
	return t.Name == o.Name && a.ClientID == b.ClientID &&
		a.BaseURL.String() == b.BaseURL.String() && a.TokenURL.String() == b.TokenURL.String()
}

// newTenant returns the tenant that the file describes. Errors about its secret
// name the key and its place.
func newTenant(t tenant, secretKey, place string) *Tenant {
	o := t.OAuth2
	z := zuora.Config{
		BaseURL: t.BaseURL.URL, TokenURL: o.TokenURL.URL, ClientID: o.ClientID, Scopes: o.Scopes,
		EntityID: t.EntityID, APIVersion: t.APIVersion,
		RequestTimeout: time.Duration(t.RequestTimeout), RateLimitReserve: t.RateLimitReserve,
	}
	if len(o.EndpointParams) > 0 {
		z.EndpointParams = url.Values{}
	}
	for name, value := range o.EndpointParams {
		z.EndpointParams.Set(name, value)
	}
	z.ClientSecret = func() (string, error) {
		secret, err := o.secret()
		if err != nil {
			err = fmt.Errorf("%s: %w (%s)", secretKey, err, place)
		}
		return secret, err
	}
	return &Tenant{
		Name: t.Name, Zuora: z, MaxConcurrentRequests: int(t.MaxConcurrentRequests),
		RefreshInterval:          time.Duration(t.RefreshInterval),
		CompletedRefreshInterval: time.Duration(t.CompletedRefreshInterval),
		Jobs:                     t.Jobs,
		settings:                 func() tenant { return t },
	}
}
