// Package collector turns the state of Zuora's data labeling jobs into
// Prometheus metrics, asking for it at each scrape.
package collector

import (
	"context"
	"sync"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Reader reads one data labeling job. A *zuora.Client is one.
//
// A Reader returns when ctx ends at the latest. Its errors are *zuora.Error;
// any other counts as zuora.ReasonUnavailable.
type Reader interface {
	DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error)
}

// Collector collects the configured jobs of all tenants. It serves any number
// of scrapes at once; each goes through a Scrape of its own.
type Collector struct {
	tenants    []*tenantJobs
	labelNames []string
	descs      *jobDescs
}

// New returns a collector for jobs. Where a tenant is the previous collector's
// as well, what is known of its jobs goes on; previous may be nil.
//
// labelNames are those of all jobs' labels; a job that lacks one has it empty.
func New(jobs []Jobs, labelNames []string, logger log.Logger, previous *Collector) *Collector {
	c := &Collector{labelNames: labelNames, descs: newJobDescs(labelNames)}
	for _, j := range jobs {
		c.tenants = append(c.tenants, newTenantJobs(j, labelNames, logger, previous.find(j.Tenant)))
	}
	return c
}

// find returns what c knows of a tenant, nil where it does not know it.
func (c *Collector) find(t *Tenant) *tenantJobs {
	if c == nil {
		return nil
	}
	for _, tj := range c.tenants {
		if tj.Tenant == t {
			return tj
		}
	}
	return nil
}

// Scrape is a Collector at the time of one scrape.
type Scrape struct {
	ctx       context.Context
	collector *Collector
}

var _ prometheus.Collector = Scrape{}

// Scrape returns a prometheus.Collector that reads all jobs when it is
// collected and ends when ctx does. What could not be read by then is exposed
// as failed.
func (c *Collector) Scrape(ctx context.Context) Scrape { return Scrape{ctx, c} }

// Describe implements prometheus.Collector.
func (s Scrape) Describe(ch chan<- *prometheus.Desc) {
	s.collector.descs.describe(ch)
	for _, desc := range tenantDescs {
		ch <- desc
	}
	for _, t := range s.collector.tenants {
		t.API.Describe(ch)
	}
}

// Collect implements prometheus.Collector. All tenants are read side by side.
func (s Scrape) Collect(ch chan<- prometheus.Metric) {
	var tenants sync.WaitGroup
	for _, t := range s.collector.tenants {
		tenants.Go(func() {
			up := t.collect(s.ctx, s.collector.descs, ch)
			// After the jobs, so that a page's own requests are on it.
			t.Tenant.collect(up, ch)
		})
	}
	tenants.Wait()
}
