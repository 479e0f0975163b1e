// Package collector reads Zuora's data labeling jobs at each scrape and turns
// their state into Prometheus metrics.
package collector

import (
	"context"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Reader reads one data labeling job. A *zuora.Client is one.
//
// Its errors are *zuora.Error; any other counts as zuora.ReasonUnavailable. A
// Reader should return when ctx ends; nobody waits for one that does not.
type Reader interface {
	DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error)
}

// Collector collects the configured jobs of all tenants. It serves any number
// of scrapes at once; each goes through a Scrape of its own.
type Collector struct {
	tenants    []*tenant
	labelNames []string
	descs      *jobDescs
}

// New returns a collector of the tenants' jobs. What the previous collector
// knows of them goes on; previous may be nil.
//
// labelNames are those of all jobs' labels. A label that a job lacks is empty.
func New(tenants []Tenant, labelNames []string, logger log.Logger, previous *Collector) *Collector {
	c := &Collector{labelNames: labelNames, descs: newJobDescs(labelNames)}
	for _, t := range tenants {
		c.tenants = append(c.tenants, newTenant(t, labelNames, logger, previous.find(t.Name)))
	}
	return c
}

// find returns the tenant of that name, or nil.
func (c *Collector) find(name string) *tenant {
	if c == nil {
		return nil
	}
	for _, t := range c.tenants {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// Scrape is a Collector at the time of one scrape.
type Scrape struct {
	by        asker
	collector *Collector
}

var _ prometheus.Collector = Scrape{}

// Scrape returns a prometheus.Collector that reads all jobs when it is
// collected, and ends when ctx does. Jobs unread by then are exposed as failed.
func (c *Collector) Scrape(ctx context.Context) Scrape {
	return Scrape{asker{ctx: ctx, begun: time.Now()}, c}
}

// Describe implements prometheus.Collector.
func (s Scrape) Describe(ch chan<- *prometheus.Desc) {
	s.collector.descs.describe(ch)
	for _, desc := range tenantDescs {
		ch <- desc
	}
	for _, t := range s.collector.tenants {
		t.Metrics.Describe(ch)
	}
}

// Collect implements prometheus.Collector. All tenants are read side by side.
func (s Scrape) Collect(ch chan<- prometheus.Metric) {
	var tenants sync.WaitGroup
	for _, t := range s.collector.tenants {
		tenants.Go(func() {
			outcomes := t.scrape(s.by)
			for i, target := range t.targets {
				target.collect(s.collector.descs, outcomes[i], ch)
			}
			// After the jobs: a page's own requests are on it.
			t.collect(t.tally(s.by, outcomes), ch)
		})
	}
	tenants.Wait()
}

// LastRead is what is known of a configured job without asking Zuora.
type LastRead struct {
	Tenant  string
	Job     Job
	Answer  *zuora.DataLabelingJob // the newest good answer, nil before the first
	Failure *zuora.Error           // of the newest read, nil if it was good
}

// LastReads returns what is known of all configured jobs, in their order.
func (c *Collector) LastReads() []LastRead {
	var all []LastRead
	for _, t := range c.tenants {
		for _, target := range t.targets {
			answer, failure := target.job.lastRead()
			all = append(all, LastRead{t.Name, target.Job, answer, failure})
		}
	}
	return all
}
