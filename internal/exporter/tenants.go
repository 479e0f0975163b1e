package exporter

import (
	"fmt"
	"net/http"

	"github.com/go-kit/log"
	"github.com/prometheus/common/version"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// tenant is a configured tenant with what it takes to reach it.
type tenant struct {
	collector.Tenant
	client    *zuora.Client
	fresh     *collector.Fresh
	transport http.RoundTripper
}

// newTenant makes the client of a tenant; it sends nothing yet.
func newTenant(t *config.Tenant) (*tenant, error) {
	transport, err := t.NewTransport()
	if err != nil {
		return nil, fmt.Errorf("tenant %s: %w", t.Name, err)
	}
	api := collector.NewAPIMetrics(t.Name)
	client := zuora.NewClient(zuora.Config{
		BaseURL:               t.BaseURL,
		TokenURL:              t.OAuth2.TokenURL,
		ClientID:              t.OAuth2.ClientID,
		ClientSecret:          t.OAuth2.ClientSecret,
		Scopes:                t.OAuth2.Scopes,
		EndpointParams:        t.OAuth2.EndpointParams,
		EntityID:              t.EntityID,
		APIVersion:            t.APIVersion,
		UserAgent:             "zuora_exporter/" + version.Version,
		RequestTimeout:        t.RequestTimeout,
		MaxConcurrentRequests: t.MaxConcurrentRequests,
		RateLimitReserve:      t.RateLimitReserve,
		TokenTransport:        api.Instrument(zuora.OperationToken, transport),
		JobTransport:          api.Instrument(zuora.OperationDataLabelingJob, transport),
	})
	fresh := collector.NewFresh(collector.NewShared(client))
	return &tenant{
		Tenant:    collector.Tenant{Name: t.Name, Reader: fresh, Status: client, API: api, MaxConcurrentRequests: t.MaxConcurrentRequests},
		client:    client,
		fresh:     fresh,
		transport: transport,
	}, nil
}

// close ends the tenant's requests and connections.
func (t *tenant) close() {
	t.client.Close()
	(&http.Client{Transport: t.transport}).CloseIdleConnections()
}

// tenants are those of one configuration, in its order.
type tenants []*tenant

// newTenants makes those of cfg. A tenant that is the same in the previous
// configuration is taken over from there. An error leaves those alone.
func newTenants(cfg, previousCfg *config.Config, previous tenants) (tenants, error) {
	var all, made tenants
	for _, c := range cfg.Tenants {
		var t *tenant
		for i, p := range previous {
			if p.Name == c.Name && previousCfg.Tenants[i].SameClient(c) {
				t = p
			}
		}
		if t == nil {
			var err error
			if t, err = newTenant(c); err != nil {
				made.close()
				return nil, err
			}
			made = append(made, t)
		}
		all = append(all, t)
	}
	return all, nil
}

func (all tenants) close() {
	for _, t := range all {
		t.close()
	}
}

// collector returns a collector of the configured jobs.
func (all tenants) collector(cfg *config.Config, logger log.Logger, previous *collector.Collector) *collector.Collector {
	var jobs []collector.Jobs
	for i, c := range cfg.Tenants {
		j := collector.Jobs{Tenant: &all[i].Tenant}
		for _, job := range c.Jobs {
			j.Jobs = append(j.Jobs, collector.Job{ID: job.ID, Labels: job.Labels})
		}
		all[i].fresh.Configure(c.RefreshInterval, c.CompletedRefreshInterval, j.Jobs)
		jobs = append(jobs, j)
	}
	return collector.New(jobs, cfg.LabelNames, logger, previous)
}
