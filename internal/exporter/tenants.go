package exporter

import (
	"fmt"
	"net/http"

	"github.com/go-kit/log"
	"github.com/prometheus/common/version"
	"golang.org/x/time/rate"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// tenant is what outlives the configurations that do not change it.
type tenant struct {
	name        string
	client      *zuora.Client
	metrics     *collector.APIMetrics
	transport   http.RoundTripper
	generations int // that have it; guarded by Exporter.mu
}

// newTenant makes the client of a tenant; it sends nothing yet.
func newTenant(t *config.Tenant, budget *rate.Limiter) (*tenant, error) {
	transport, err := t.NewTransport()
	if err != nil {
		return nil, fmt.Errorf("tenant %s: %w", t.Name, err)
	}
	metrics := collector.NewAPIMetrics(t.Name)
	c := t.Zuora
	c.UserAgent = "zuora_exporter/" + version.Version
	c.Secrets = t.ProxySecrets()
	c.Transport, c.TokenBudget, c.Observe = transport, budget, metrics.Observe
	return &tenant{name: t.Name, client: zuora.NewClient(c), metrics: metrics, transport: transport}, nil
}

// close ends the tenant's requests and connections.
func (t *tenant) close() {
	t.client.CloseIdleConnections()
}

// newTenants makes the tenants of cfg, in its order. Those that are the same in
// the previous generation are taken over; previous may be nil.
func newTenants(cfg *config.Config, previous *generation, budget *rate.Limiter) ([]*tenant, error) {
	var all []*tenant
	for _, c := range cfg.Tenants {
		t := previous.find(c)
		if t == nil {
			var err error
			if t, err = newTenant(c, budget); err != nil {
				return nil, err // those made so far have sent nothing
			}
		}
		all = append(all, t)
	}
	return all, nil
}

// find returns the generation's tenant that serves c as well, or nil.
func (g *generation) find(c *config.Tenant) *tenant {
	if g == nil {
		return nil
	}
	for i, t := range g.tenants {
		if t.name == c.Name && g.cfg.Tenants[i].SameClient(c) {
			return t
		}
	}
	return nil
}

// newCollector returns a collector of the generation's jobs.
func newCollector(g, previous *generation, logger log.Logger) *collector.Collector {
	var tenants []collector.Tenant
	for i, c := range g.cfg.Tenants {
		t := collector.Tenant{
			Name: c.Name, Reader: g.tenants[i].client, API: g.tenants[i].client, Metrics: g.tenants[i].metrics,
			MaxConcurrentRequests: c.MaxConcurrentRequests,
			RefreshInterval:       c.RefreshInterval, CompletedRefreshInterval: c.CompletedRefreshInterval,
		}
		for _, j := range c.Jobs {
			t.Jobs = append(t.Jobs, collector.Job{ID: j.ID, Labels: j.Labels})
		}
		tenants = append(tenants, t)
	}
	var known *collector.Collector
	if previous != nil {
		known = previous.collector
	}
	return collector.New(tenants, g.cfg.LabelNames, logger, known)
}
