// Package collector reads Zuora's data labeling jobs at each scrape and turns
// their state into Prometheus metrics.
package collector

import (
	"context"
	"slices"
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
	families   *jobFamilies
}

// New returns a collector of the tenants' jobs. What the previous collector
// knows of them goes on; previous may be nil.
//
// labelNames are those of all jobs' labels. A label that a job lacks is empty.
func New(tenants []Tenant, labelNames []string, logger log.Logger, previous *Collector) *Collector {
	c := &Collector{labelNames: labelNames, families: newJobFamilies(labelNames)}
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

var (
	_ prometheus.Collector = Scrape{}
	_ prometheus.Gatherer  = Scrape{}
)

// Scrape returns a prometheus.Collector that reads all jobs when it is
// collected, and ends when ctx does. Jobs unread by then are exposed as failed.
func (c *Collector) Scrape(ctx context.Context) Scrape {
	return Scrape{asker{ctx: ctx, start: time.Now()}, c}
}

// Describe implements prometheus.Collector.
func (s Scrape) Describe(ch chan<- *prometheus.Desc) {
	s.collector.families.describe(ch)
	tenantSeries{Scrape: s}.Describe(ch)
}

// Collect implements prometheus.Collector.
func (s Scrape) Collect(ch chan<- prometheus.Metric) {
	jobs, up := s.readAll()
	for _, series := range jobs {
		for i := range series {
			ch <- &series[i]
		}
	}
	tenantSeries{s, up}.Collect(ch)
}

// readAll reads all tenants side by side. It returns the series of each job, and
// which tenants are up.
func (s Scrape) readAll() (jobs [][]gauge, up []bool) {
	tenants := s.collector.tenants
	byTenant := make([][][]gauge, len(tenants))
	up = make([]bool, len(tenants))
	var reading sync.WaitGroup
	for i, t := range tenants {
		reading.Go(func() {
			outcomes := t.scrape(s.by)
			for n, named := range t.configured {
				byTenant[i] = append(byTenant[i], named.series(s.collector.families, outcomes[n]))
			}
			up[i] = t.tally(s.by, outcomes)
		})
	}
	reading.Wait()
	return slices.Concat(byTenant...), up
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
		for _, named := range t.configured {
			answer, failure := named.state.lastRead()
			all = append(all, LastRead{t.Name, named.Job, answer, failure})
		}
	}
	return all
}
