// Package exporter puts a configuration to work: it makes its tenants, serves
// their jobs, and replaces it by the next.
package exporter

import (
	"context"
	"net/http"
	"sync"
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

	load   func() (*config.Config, error)
	logger log.Logger
	budget *rate.Limiter

	reloading chan struct{} // holds a value while the configuration is read

	mu      sync.Mutex
	current *generation

	reloadSuccessful, reloadTime prometheus.Gauge
}

// generation is one configuration at work.
type generation struct {
	cfg       *config.Config
	tenants   []*tenant
	collector *collector.Collector
	users     int // requests that use it, and one while it is current; guarded by Exporter.mu
}

// New returns an exporter of the configuration, which load has returned.
func New(cfg *config.Config, load func() (*config.Config, error), o server.Options) (*Exporter, error) {
	e := &Exporter{
		load: load, logger: o.Logger, budget: zuora.NewTokenBudget(), reloading: make(chan struct{}, 1),
		reloadSuccessful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "zuora_exporter_config_last_reload_successful",
			Help: "1 if the configuration in use is the file's as of the last reload, 0 if that reload failed.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "zuora_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in use was loaded, in seconds since 1970.",
		}),
	}
	o.Use, o.Reload = e.use, e.Reload
	o.ExporterMetrics = append(o.ExporterMetrics, e.reloadSuccessful, e.reloadTime)
	var err error
	if e.Handler, err = server.New(o); err != nil {
		return nil, err
	}
	if err := e.start(cfg); err != nil {
		return nil, err
	}
	return e, nil
}

// start makes a configuration the current one, completely or not at all.
// Tenants that did not change are taken over.
func (e *Exporter) start(cfg *config.Config) error {
	e.mu.Lock()
	previous := e.current
	e.mu.Unlock()

	next := &generation{cfg: cfg, users: 1}
	var err error
	if next.tenants, err = newTenants(cfg, previous, e.budget); err != nil {
		return err
	}
	next.collector = newCollector(next, previous, e.logger)

	e.mu.Lock()
	for _, t := range next.tenants {
		t.generations++
	}
	e.current = next
	e.mu.Unlock()
	if previous != nil {
		e.release(previous)
	}
	for _, warning := range cfg.Warnings {
		level.Warn(e.logger).Log("msg", "The configuration is probably wrong", "warning", warning)
	}
	tuneGC(cfg)
	e.reloadSuccessful.Set(1)
	e.reloadTime.SetToCurrentTime()
	return nil
}

// use returns the collector in use, which stays usable until done is called.
func (e *Exporter) use() (c *collector.Collector, done func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.current
	g.users++
	return g.collector, sync.OnceFunc(func() { e.release(g) })
}

// release ends a use of a generation. A tenant closes with the last generation
// that has it.
func (e *Exporter) release(g *generation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if g.users--; g.users > 0 {
		return
	}
	for _, t := range g.tenants {
		if t.generations--; t.generations == 0 {
			t.close()
		}
	}
}

// Reload reads the configuration again and serves it, or fails and leaves all
// as it was. One reload at a time reads it; the others wait until ctx ends.
func (e *Exporter) Reload(ctx context.Context) error {
	select {
	case e.reloading <- struct{}{}:
		defer func() { <-e.reloading }()
	case <-ctx.Done():
		return ctx.Err()
	}
	cfg, err := e.load()
	if err == nil {
		err = e.start(cfg)
	}
	if err != nil {
		e.reloadSuccessful.Set(0)
		level.Error(e.logger).Log("msg", "Reloading the configuration failed, the previous one stays in use", "err", err)
		return err
	}
	level.Info(e.logger).Log("msg", "Reloaded the configuration", "tenants", len(cfg.Tenants))
	return nil
}

// Watch reloads if the configuration has changed since the newest load. It looks
// every interval, until ctx ends.
func (e *Exporter) Watch(ctx context.Context, interval time.Duration, changed func() bool) {
	for {
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return
		}
		if changed() {
			_ = e.Reload(ctx) // it logs what comes of it
		}
	}
}

// Close ends all tenants. Nothing may be served any more.
func (e *Exporter) Close() {
	e.mu.Lock()
	last := e.current
	e.mu.Unlock()
	e.release(last)
}
