package config

import (
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// These types are the configuration file; the tags are its keys. A key has its
// place here, its rules in check.go, and its description in
// docs/configuration.md and docs/zuora_exporter.schema.json.

type file struct {
	Tenants []tenant `yaml:"tenants"`
}

type tenant struct {
	Name           string         `yaml:"name"`
	BaseURL        promconfig.URL `yaml:"base_url"`
	OAuth2         oauth2         `yaml:"oauth2"`
	EntityID       string         `yaml:"entity_id"`
	APIVersion     string         `yaml:"api_version"`
	RequestTimeout model.Duration `yaml:"request_timeout"`
	// It is no int, because yaml.v3 would make 2 of 2.5.
	MaxConcurrentRequests    float64        `yaml:"max_concurrent_requests"`
	RefreshInterval          model.Duration `yaml:"refresh_interval"`
	CompletedRefreshInterval model.Duration `yaml:"completed_refresh_interval"`
	RateLimitReserve         float64        `yaml:"rate_limit_reserve"`
	promconfig.ProxyConfig   `yaml:",inline"`
	TLS                      tlsConfig `yaml:"tls_config"`
	Jobs                     []Job     `yaml:"jobs"`
}

// DefaultMaxConcurrentRequests is the default of max_concurrent_requests.
const DefaultMaxConcurrentRequests = 10

var defaults = tenant{
	APIVersion:            "2025-08-12",
	RequestTimeout:        model.Duration(5 * time.Second),
	MaxConcurrentRequests: DefaultMaxConcurrentRequests,
	RateLimitReserve:      0.05,
}

// UnmarshalYAML sets the defaults first.
func (t *tenant) UnmarshalYAML(unmarshal func(any) error) error {
	type plain tenant
	*t = defaults
	return unmarshal((*plain)(t))
}

// oauth2 has exactly one of the three secrets.
type oauth2 struct {
	ClientID         string            `yaml:"client_id"`
	ClientSecret     promconfig.Secret `yaml:"client_secret"`
	ClientSecretFile string            `yaml:"client_secret_file"`
	ClientSecretEnv  string            `yaml:"client_secret_env"`
	TokenURL         promconfig.URL    `yaml:"token_url"`
	Scopes           []string          `yaml:"scopes"`
	EndpointParams   map[string]string `yaml:"endpoint_params"`
}

// tlsConfig has no method of Prometheus's type, whose errors have no line. Its
// keys that end in _ref, for secret managers, are unknown here.
type tlsConfig promconfig.TLSConfig
