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
// read belongs to no scrape, and its context never ends: a Reader must bound its
// requests itself. One that never returns keeps its slot, and its job.
type Reader interface {
	DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error)
}

// Tenant is one Zuora tenant under one configuration.
type Tenant struct {
	Name string
	// Reader must be comparable with ==: what is known of the jobs goes on as
	// long as it stays the same.
	Reader Reader
	// API tells what is known of the tenant's API. It is nil for a Reader that
	// needs no token.
	API     API
	Metrics *APIMetrics
	// MaxConcurrentRequests bounds the reads in progress, over all scrapes and
	// probes; at least 1.
	MaxConcurrentRequests int
	// RefreshInterval is the age below which an answer is served again,
	// CompletedRefreshInterval the same for completed jobs, if it is longer.
	RefreshInterval, CompletedRefreshInterval time.Duration
	Jobs                                      []ConfiguredJob
}

// ConfiguredJob is a job that every scrape reads.
type ConfiguredJob struct {
	ID     string
	Labels map[string]string // put on every series of the job
}

// Collector collects the configured jobs of all tenants. It serves any number
// of scrapes at once; each goes through a Scrape of its own.
type Collector struct {
	tenants []*tenant
}

// New returns a collector of the tenants' jobs. It replaces the previous one,
// which may be nil: what that knows of a tenant goes on if its Reader is the same.
//
// labelNames are those of all jobs' labels. A label that a job lacks is empty.
func New(tenants []Tenant, labelNames []string, logger log.Logger, previous *Collector) *Collector {
	c, descs := &Collector{}, newJobDescs(labelNames)
	for _, t := range tenants {
		c.tenants = append(c.tenants, newTenant(t, descs, logger, previous.find(t.Name)))
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
	waiter
	collector *Collector
}

var _ prometheus.Collector = Scrape{}

// Scrape returns a prometheus.Collector that reads all jobs when it is
// collected, until ctx ends. A job that has no answer by then is exposed as
// failed, or with what its newest read brought.
func (c *Collector) Scrape(ctx context.Context) Scrape {
	return Scrape{waiter{ctx: ctx, start: time.Now()}, c}
}

// Collect implements prometheus.Collector. It reads the tenants side by side. A
// tenant's API metrics come after its jobs: they count this scrape's requests.
func (s Scrape) Collect(ch chan<- prometheus.Metric) {
	var reading sync.WaitGroup
	for _, t := range s.collector.tenants {
		reading.Go(func() {
			t.scraping.Add(1)
			t.collect(s.waiter, t.configured, ch)
			t.scraping.Add(-1)
			t.collectAPI(ch)
		})
	}
	reading.Wait()
}

// LastRead is what is known of a job without asking Zuora.
type LastRead struct {
	Tenant     string
	Job        ConfiguredJob
	Configured bool                   // false if the job is only probed
	Answer     *zuora.DataLabelingJob // the newest good answer, nil before the first
	Failure    *zuora.Error           // why there is no newer one; nil if there is no reason
}

// LastReads returns what is known of all jobs: of the configured ones in their
// order, then of those that are only probed, the last one first.
func (c *Collector) LastReads() (all []LastRead) {
	for _, t := range c.tenants {
		jobs := slices.Clip(t.configured)
		t.known.mu.Lock()
		for _, j := range t.onlyProbed() {
			jobs = append(jobs, &exposedJob{ConfiguredJob: ConfiguredJob{ID: j.id}, job: j})
		}
		t.known.mu.Unlock()
		for i, e := range jobs {
			answer, failure := e.job.lastRead()
			all = append(all, LastRead{t.Name, e.ConfiguredJob, i < len(t.configured), answer, failure})
		}
	}
	return all
}
