package exporter

import (
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/common/version"
	"golang.org/x/time/rate"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// tenant is what outlives the configurations that do not change it.
type tenant struct {
	client  *zuora.Client
	metrics *collector.APIMetrics
}

// newRunning makes a configuration's tenants and collector; it sends nothing
// yet. Tenants that are the same in the previous one are taken over.
func newRunning(cfg *config.Config, previous *running, budget *rate.Limiter, logger log.Logger) *running {
	r := &running{cfg: cfg}
	var tenants []collector.Tenant
	for _, c := range cfg.Tenants {
		t := previous.tenant(c, budget)
		r.tenants = append(r.tenants, t)

		to := collector.Tenant{
			Name: c.Name, Reader: t.client, API: t.client, Metrics: t.metrics,
			MaxConcurrentRequests:    int(c.MaxConcurrentRequests),
			RefreshInterval:          time.Duration(c.RefreshInterval),
			CompletedRefreshInterval: time.Duration(c.CompletedRefreshInterval),
		}
		for _, j := range c.Jobs {
			to.Jobs = append(to.Jobs, collector.ConfiguredJob(j))
		}
		tenants = append(tenants, to)
	}
	r.collector = collector.New(tenants, cfg.LabelNames, logger, previous.collector)
	return r
}

// tenant returns the tenant that serves c: the one in use, if it is the same, or
// a new one. A new one with the same credentials goes on with the pauses of the
// old one.
func (r *running) tenant(c *config.Tenant, budget *rate.Limiter) *tenant {
	var same *zuora.Client
	for i, t := range r.tenants {
		switch {
		case r.cfg.Tenants[i].SameClient(c):
			return t
		case r.cfg.Tenants[i].SameCredentials(c):
			same = t.client
		}
	}
	t := &tenant{metrics: collector.NewAPIMetrics(c.Name)}
	z := c.ClientConfig()
	z.UserAgent = "zuora_exporter/" + version.Version
	z.TokenBudget, z.Observe, z.Previous = budget, t.metrics.Observe, same
	t.client = zuora.NewClient(z)
	return t
}

// closeUnless closes the clients of the tenants that next does not have. Reads
// in progress end by themselves.
func (r *running) closeUnless(next *running) {
	for _, t := range r.tenants {
		if !slices.Contains(next.tenants, t) {
			t.client.Close()
		}
	}
}
