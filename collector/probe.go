package collector

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Probe is one job at the time of one probe, configured or not.
type Probe struct {
	ctx    context.Context
	tenant *tenantJobs
	job    *job
	descs  *jobDescs
}

var _ prometheus.Collector = Probe{}

// Probe returns a prometheus.Collector that reads the job with that id when it
// is collected, and exposes its series and zuora_up. The tenant may be left out
// where there is one only. An error says what is wrong with id or tenant.
func (c *Collector) Probe(ctx context.Context, tenant, id string) (Probe, error) {
	if err := zuora.CheckJobID(id); err != nil {
		return Probe{}, fmt.Errorf("the target is no job: %w", err)
	}
	var found *tenantJobs
	switch {
	case tenant == "" && len(c.tenants) == 1:
		found = c.tenants[0]
	case tenant == "":
		return Probe{}, errors.New("the tenant is missing, and more than one is configured")
	default:
		for _, t := range c.tenants {
			if t.Name == tenant {
				found = t
			}
		}
	}
	if found == nil {
		return Probe{}, fmt.Errorf("no tenant %q is configured", zuora.Printable(tenant, 64))
	}
	j := found.find(id)
	if j == nil {
		j = &job{id: id, labels: jobLabels(found.Name, Job{ID: id}, c.labelNames), state: &jobState{}, probed: true}
	}
	return Probe{ctx, found, j, c.descs}, nil
}

// Describe implements prometheus.Collector.
func (p Probe) Describe(ch chan<- *prometheus.Desc) {
	p.descs.describe(ch)
	ch <- upDesc
}

// Collect implements prometheus.Collector.
func (p Probe) Collect(ch chan<- prometheus.Metric) {
	o, metrics := p.tenant.scrape(p.ctx, p.descs, p.job)
	if o.cutOff { // nothing else took its time
		p.tenant.note(p.job, o)
	}
	for i := range metrics {
		ch <- &metrics[i]
	}
	up := o.reached() && !o.tokenFailed()
	ch <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, boolValue(up), p.tenant.Name)
}
