package config

import (
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
)

//go:generate go test -run ^TestReference$ -update

// This file is the table of all keys. The reader, the tables of
// docs/configuration.md and docs/zuora_exporter.schema.json come from it:
// change it, and run go generate.

// DefaultMaxConcurrentRequests is the default of max_concurrent_requests.
const DefaultMaxConcurrentRequests = 10

// draft is a tenant that is being read.
type draft struct {
	Tenant
	connection
	sources []secretSource
}

var fileKeys = section[Config]{
	name: "file",
	keys: []key[Config]{
		field("tenants", tenants, required, func(c *Config) *[]*Tenant { return &c.Tenants },
			"At least one."),
	},
}

var tenantKeys = section[draft]{
	name: "tenant",
	keys: []key[draft]{
		field("name", tenantName, required, func(d *draft) *string { return &d.Name },
			"The `tenant` label of its metrics. Unique."),
		field("base_url", baseURL, required, func(d *draft) **url.URL { return &d.zuora.BaseURL },
			"Zuora's API in the tenant's data centre and environment, without `/v1`. No user, password, query or fragment."),
		secret(subsection(&oauth2Keys, required,
			"How to get access tokens.")),
		field("entity_id", entityID, nil, func(d *draft) *string { return &d.zuora.EntityID },
			"Sent as `Zuora-Entity-Ids`, with token requests too. Only for a user of several entities."),
		field("api_version", apiVersion, "2025-08-12", func(d *draft) *string { return &d.zuora.APIVersion },
			"Sent as `Zuora-Version`."),
		field("request_timeout", positiveDuration, "5s", func(d *draft) *time.Duration { return &d.zuora.RequestTimeout },
			"For one request, from sending it to the end of its answer."),
		field("max_concurrent_requests", count, DefaultMaxConcurrentRequests, func(d *draft) *int { return &d.MaxConcurrentRequests },
			"Job requests at once, over all scrapes and probes. Zuora allows 40 for the whole tenant."),
		field("refresh_interval", duration, "0s", func(d *draft) *time.Duration { return &d.RefreshInterval },
			"If the last answer is younger than this, it is served from the cache. `0s`: every scrape asks Zuora."),
		field("completed_refresh_interval", duration, "0s", func(d *draft) *time.Duration { return &d.CompletedRefreshInterval },
			"The same for jobs that Zuora calls Completed, if it is longer."),
		field("rate_limit_reserve", fraction, 0.05, func(d *draft) *float64 { return &d.zuora.RateLimitReserve },
			"Share of Zuora's quota that is left to others. Below it, no request is sent until the quota is reset."),
		secret(field("proxy_url", proxyURL, nil, func(d *draft) *promconfig.URL { return &d.proxy.ProxyURL },
			"Proxy for all requests of the tenant. In a password, write `/`, `?` and `#` as `%2F`, `%3F` and `%23`.")),
		field("no_proxy", text, nil, func(d *draft) *string { return &d.proxy.NoProxy },
			"Hosts, domains, addresses and CIDR ranges that are reached without `proxy_url`, separated by commas."),
		field("proxy_from_environment", boolean, false, func(d *draft) *bool { return &d.proxy.ProxyFromEnvironment },
			"Use `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. Not together with `proxy_url`."),
		secret(field("proxy_connect_header", headers, nil, func(d *draft) *promconfig.ProxyHeader { return &d.proxy.ProxyConnectHeader },
			"Headers of the CONNECT request to the proxy.")),
		secret(subsection(&tlsKeys, nil,
			"For connections to Zuora.")),
		field("jobs", jobs, nil, func(d *draft) *[]Job { return &d.Jobs },
			"Read at each scrape of `/metrics`. May be missing if all jobs are read by `/probe`."),
	},
	rules: object{
		"dependencies": object{"no_proxy": []string{"proxy_url"}, "proxy_connect_header": either("proxy_url", "proxy_from_environment")},
		"not":          object{"required": []string{"proxy_url", "proxy_from_environment"}, "properties": object{"proxy_from_environment": object{"const": true}}},
	},
	check: checkTenant,
}

var oauth2Keys = section[draft]{
	name: "oauth2",
	keys: []key[draft]{
		field("client_id", filled, required, func(d *draft) *string { return &d.zuora.ClientID },
			"Of the OAuth client of a Zuora user."),
		source("client_secret", clientSecret,
			"The secret itself. Nothing in it is expanded."),
		source("client_secret_file", path,
			"File with the secret, at most 64 KiB. White space around the secret is ignored. Read for every token, so a new secret needs no reload."),
		source("client_secret_env", variableName,
			"Name of the environment variable with the secret. White space around the secret is ignored."),
		field("token_url", tokenURL, implied("<base_url>/oauth/token"), func(d *draft) **url.URL { return &d.zuora.TokenURL },
			"Where tokens come from."),
		field("scopes", scopes, nil, func(d *draft) *[]string { return &d.zuora.Scopes },
			"Scopes of the token."),
		field("endpoint_params", params, nil, func(d *draft) *url.Values { return &d.zuora.EndpointParams },
			"More parameters of the token request; not `grant_type`, `client_id` or `client_secret`."),
	},
	rules: object{"oneOf": []object{requires("client_secret"), requires("client_secret_file"), requires("client_secret_env")}},
	check: checkOAuth2,
}

var tlsKeys = section[draft]{
	name: "tls_config",
	keys: []key[draft]{
		field("ca", pemText, nil, func(d *draft) *string { return &d.tls.CA },
			"Certificates of the authorities to trust instead of the system's."),
		field("ca_file", path, nil, func(d *draft) *string { return &d.tls.CAFile },
			"The same in a file."),
		field("cert", pemText, nil, func(d *draft) *string { return &d.tls.Cert },
			"Client certificate. It needs `key` or `key_file`."),
		field("cert_file", path, nil, func(d *draft) *string { return &d.tls.CertFile },
			"The same in a file."),
		field("key", pemText, nil, func(d *draft) *string { return (*string)(&d.tls.Key) },
			"Key of the client certificate."),
		field("key_file", path, nil, func(d *draft) *string { return &d.tls.KeyFile },
			"The same in a file."),
		field("server_name", text, implied("the host of the URL"), func(d *draft) *string { return &d.tls.ServerName },
			"Name that the server's certificate must have."),
		field("insecure_skip_verify", boolean, false, func(d *draft) *bool { return &d.tls.InsecureSkipVerify },
			"Trust any certificate. Anyone between the exporter and Zuora can then read the secret."),
		field("min_version", tlsVersion, implied("Go's: TLS12"), func(d *draft) *promconfig.TLSVersion { return &d.tls.MinVersion },
			"Lowest version of TLS."),
		field("max_version", tlsVersion, implied("Go's: TLS13"), func(d *draft) *promconfig.TLSVersion { return &d.tls.MaxVersion },
			"Highest version of TLS."),
	},
	rules: object{
		"allOf": []object{notBoth("ca", "ca_file"), notBoth("cert", "cert_file"), notBoth("key", "key_file")},
		"dependencies": object{
			"cert": either("key", "key_file"), "cert_file": either("key", "key_file"),
			"key": either("cert", "cert_file"), "key_file": either("cert", "cert_file"),
		},
	},
	check: checkTLS,
}

var jobKeys = section[Job]{
	name: "job",
	keys: []key[Job]{
		field("id", jobID, required, func(j *Job) *string { return &j.ID },
			"What Zuora answered when the job was submitted: 32 letters and digits. Once in a tenant."),
		field("labels", labels, nil, func(j *Job) *map[string]string { return &j.Labels },
			"Labels for every series of the job. A name has letters, digits and underscores, does not begin with a digit, and is not one that the exporter or Prometheus sets."),
	},
}

func requires(key string) object { return object{"required": []string{key}} }
func either(a, b string) object  { return object{"anyOf": []object{requires(a), requires(b)}} }
func notBoth(a, b string) object { return object{"not": object{"required": []string{a, b}}} }
func ref(section string) object  { return object{"$ref": "#/definitions/" + section} }
