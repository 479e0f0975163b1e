// Package exporter puts a configuration to work: it makes its tenants, serves
// their jobs, and replaces it by the next.
package exporter

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"
	"golang.org/x/time/rate"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Exporter serves one configuration after the other.
type Exporter struct {
	http.Handler // the exporter's pages

	ctx    context.Context // ends when the exporter is to end
	load   func() (*config.Config, error)
	logger log.Logger
	budget *rate.Limiter

	reloading sync.Mutex // held while the configuration is read
	current   atomic.Pointer[running]

	reloadSuccessful, reloadTime prometheus.Gauge
}

// running is a configuration at work. It never changes.
type running struct {
	cfg       *config.Config
	tenants   []*tenant // of cfg, in its order
	collector *collector.Collector
}

// tenant is what outlives the configurations that do not change it.
type tenant struct {
	client  *zuora.Client
	metrics *collector.APIMetrics
}

// New returns an exporter of the configuration, which load has returned. When
// ctx ends, nobody waits for a reload any more.
func New(ctx context.Context, cfg *config.Config, load func() (*config.Config, error), o server.Options) (*Exporter, error) {
	e := &Exporter{
		ctx: ctx, load: load, logger: o.Logger, budget: zuora.NewTokenBudget(),
		reloadSuccessful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "zuora_exporter_config_last_reload_successful",
			Help: "1 if the configuration in use is the file's as of the last reload, 0 if that reload failed.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "zuora_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in use was loaded, in seconds since 1970.",
		}),
	}
	o.Collector = func() *collector.Collector { return e.current.Load().collector }
	o.Reload = e.Reload
	o.ExporterMetrics = append(o.ExporterMetrics, e.reloadSuccessful, e.reloadTime)
	var err error
	if e.Handler, err = server.New(o); err != nil {
		return nil, err
	}
	e.current.Store(&running{})
	e.start(cfg)
	return e, nil
}

// start puts a configuration to work. Scrapes in progress keep the one that they
// began with.
func (e *Exporter) start(cfg *config.Config) {
	previous := e.current.Load()
	next := newRunning(cfg, previous, e.budget, e.logger)
	e.current.Store(next)
	for _, t := range previous.tenants {
		if !slices.Contains(next.tenants, t) {
			t.client.Close() // reads in progress end by themselves
		}
	}
	for _, warning := range cfg.Warnings {
		level.Warn(e.logger).Log("msg", "The configuration is probably wrong", "warning", warning)
	}
	tuneGC(cfg)
	e.reloadSuccessful.Set(1)
	e.reloadTime.SetToCurrentTime()
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

// Reload reads the configuration again and serves it, or fails and leaves all
// as it was. It returns what has changed, in words. If the exporter ends first,
// the reload goes on by itself: a file can hang.
func (e *Exporter) Reload() (changes string, err error) {
	done := make(chan struct{})
	var text string
	var failure error
	go func() {
		defer close(done)
		text, failure = e.reload()
	}()
	select {
	case <-done:
		return text, failure
	case <-e.ctx.Done():
		return "", e.ctx.Err()
	}
}

func (e *Exporter) reload() (changes string, err error) {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	previous := e.current.Load().cfg
	cfg, err := e.load()
	if err != nil {
		e.reloadSuccessful.Set(0)
		level.Error(e.logger).Log("msg", "Reloading the configuration failed, the previous one stays in use", "err", err)
		return "", err
	}
	e.start(cfg)
	jobs, added, removed := compare(previous, cfg)
	level.Info(e.logger).Log("msg", "Reloaded the configuration", "tenants", len(cfg.Tenants), "jobs", jobs, "added", added, "removed", removed)
	return fmt.Sprintf("%s now, %d added, %d removed", plural(jobs, "job"), added, removed), nil
}

// compare counts the jobs of a configuration, and those that it has and the
// previous one has not, and the reverse.
func compare(previous, cfg *config.Config) (jobs, added, removed int) {
	type job struct{ tenant, id string }
	before := map[job]bool{}
	for _, t := range previous.Tenants {
		for _, j := range t.Jobs {
			before[job{t.Name, zuora.CanonicalJobID(j.ID)}] = true
		}
	}
	for _, t := range cfg.Tenants {
		jobs += len(t.Jobs)
		for _, j := range t.Jobs {
			if !before[job{t.Name, zuora.CanonicalJobID(j.ID)}] {
				added++
			}
		}
	}
	return jobs, added, len(before) - (jobs - added)
}

// Watch reloads if the configuration has changed since the newest load. It looks
// every interval, for ever.
func (e *Exporter) Watch(interval time.Duration, changed func() bool) {
	for range time.Tick(interval) {
		if changed() {
			_, _ = e.Reload() // it logs what comes of it
		}
	}
}
