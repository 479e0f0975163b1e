// Package exporter puts a configuration to work: it makes its tenants, serves
// their jobs, and replaces it by the next.
package exporter

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
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
	previous.closeUnless(next)
	for _, warning := range cfg.Warnings {
		level.Warn(e.logger).Log("msg", "The configuration is probably wrong", "warning", warning)
	}
	tuneGC(cfg)
	e.reloadSuccessful.Set(1)
	e.reloadTime.SetToCurrentTime()
}

// Reload reads the configuration again and serves it, or fails and leaves all
// as it was. It returns what has changed, in words. If ctx or the exporter ends
// first, the reload goes on by itself: a file can hang.
func (e *Exporter) Reload(ctx context.Context) (changes string, err error) {
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
	case <-ctx.Done():
		return "", ctx.Err()
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
// every interval, until the exporter ends.
func (e *Exporter) Watch(interval time.Duration, changed func() bool) {
	for {
		select {
		case <-time.After(interval):
		case <-e.ctx.Done():
			return
		}
		if changed() {
			_, _ = e.Reload(e.ctx) // it logs what comes of it
		}
	}
}

// Close closes the connections of all tenants.
func (e *Exporter) Close() { e.current.Load().closeUnless(&running{}) }
