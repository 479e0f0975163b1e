// Package config reads the configuration file of zuora_exporter strictly. Every
// error names the file, the line and the key, and none quotes a secret.
package config

import (
	"net/http"
	"reflect"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// The types are the configuration file; the tags are its keys. A key has its
// place here, its rules in check.go, and its description in
// docs/configuration.md and docs/zuora_exporter.schema.json.

// Config is a valid configuration file.
type Config struct {
	// Tenants are in the order of the file; there is at least one.
	Tenants []*Tenant `yaml:"tenants"`
	// LabelNames are the label names of all jobs, sorted. The series of every
	// job have all of them.
	LabelNames []string `yaml:"-"`
	// Warnings are sentences about what is valid but probably a mistake. Each
	// begins with the file, the line and the key.
	Warnings []string `yaml:"-"`
}

// Tenant is one Zuora tenant and the jobs to read there. It is not for printing:
// fmt shows its secrets.
type Tenant struct {
	// Name is the tenant label. It is unique and not empty.
	Name           string         `yaml:"name"`
	BaseURL        promconfig.URL `yaml:"base_url"`
	OAuth2         OAuth2         `yaml:"oauth2"`
	EntityID       string         `yaml:"entity_id"`
	APIVersion     string         `yaml:"api_version"`
	RequestTimeout model.Duration `yaml:"request_timeout"`
	// MaxConcurrentRequests bounds the job requests at once. It is a whole number
	// from 1 up, but no int, because yaml.v3 would make 2 of 2.5.
	MaxConcurrentRequests float64 `yaml:"max_concurrent_requests"`
	// RefreshInterval is the age below which an answer is served again; 0 means
	// that every scrape asks.
	RefreshInterval model.Duration `yaml:"refresh_interval"`
	// CompletedRefreshInterval is the RefreshInterval of completed jobs.
	CompletedRefreshInterval model.Duration `yaml:"completed_refresh_interval"`
	RateLimitReserve         float64        `yaml:"rate_limit_reserve"`
	promconfig.ProxyConfig   `yaml:",inline"`
	TLS                      tlsConfig `yaml:"tls_config"`
	// Jobs may be empty. No two are the same job.
	Jobs []Job `yaml:"jobs"`

	transport http.RoundTripper
}

var defaults = Tenant{
	APIVersion:            "2025-08-12",
	RequestTimeout:        model.Duration(5 * time.Second),
	MaxConcurrentRequests: 10,
	RateLimitReserve:      0.05,
}

// UnmarshalYAML sets the defaults first.
func (t *Tenant) UnmarshalYAML(unmarshal func(any) error) error {
	type plain Tenant
	*t = defaults
	return unmarshal((*plain)(t))
}

// OAuth2 has exactly one of the three secrets.
type OAuth2 struct {
	ClientID         string            `yaml:"client_id"`
	ClientSecret     promconfig.Secret `yaml:"client_secret"`
	ClientSecretFile string            `yaml:"client_secret_file"`
	ClientSecretEnv  string            `yaml:"client_secret_env"`
	TokenURL         promconfig.URL    `yaml:"token_url"`
	Scopes           []string          `yaml:"scopes"`
	EndpointParams   map[string]string `yaml:"endpoint_params"`

	// Where the secret is given, for errors: its key, and the file and the line.
	key, place string
}

// tlsConfig has no method of Prometheus's type, whose errors have no line. Its
// keys that end in _ref, for secret managers, are unknown here.
type tlsConfig promconfig.TLSConfig

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
	a, b := *t, *o
	a.Jobs, a.RefreshInterval, a.CompletedRefreshInterval = b.Jobs, b.RefreshInterval, b.CompletedRefreshInterval
	a.OAuth2.place, a.transport = b.OAuth2.place, b.transport
	return reflect.DeepEqual(a, b)
}

// SameCredentials reports whether Zuora sees the same client in t and o. Then o
// has to keep to the pauses of t.
func (t *Tenant) SameCredentials(o *Tenant) bool {
	a, b := t.OAuth2, o.OAuth2
	return t.Name == o.Name && a.ClientID == b.ClientID &&
		t.BaseURL.String() == o.BaseURL.String() && a.TokenURL.String() == b.TokenURL.String()
}

// ClientConfig returns every setting of a client that comes from the file.
func (t *Tenant) ClientConfig() zuora.Config {
	o := &t.OAuth2
	return zuora.Config{
		BaseURL: t.BaseURL.URL, TokenURL: o.TokenURL.URL,
		ClientID: o.ClientID, ClientSecret: o.Secret, Scopes: o.Scopes, EndpointParams: o.EndpointParams,
		EntityID: t.EntityID, APIVersion: t.APIVersion,
		RequestTimeout: time.Duration(t.RequestTimeout), RateLimitReserve: t.RateLimitReserve,
		Transport: t.transport, Secrets: t.proxySecrets(),
	}
}
