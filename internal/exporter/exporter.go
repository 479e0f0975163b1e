// Package exporter puts a configuration to work: it makes its tenants, serves
// them, and reloads it.
package exporter

import (
	"slices"
	"sync"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
)

// Exporter serves one configuration after the other.
type Exporter struct {
	load   func() (*config.Config, error)
	logger log.Logger
	// Server answers HTTP.
	Server *server.Server

	mu        sync.Mutex // one reload at a time
	cfg       *config.Config
	tenants   tenants
	collector *collector.Collector
	closing   sync.WaitGroup // tenants that finish what is under way

	reloadSuccessful, reloadTime prometheus.Gauge
}

// New returns an exporter of the configuration, which has been loaded.
func New(cfg *config.Config, load func() (*config.Config, error), o server.Options, logger log.Logger) (*Exporter, error) {
	e := &Exporter{
		load: load, logger: logger, cfg: cfg,
		reloadSuccessful: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "zuora_exporter_config_last_reload_successful",
			Help: "1 if the configuration in use is the file's as of the last reload, 0 if that reload failed.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "zuora_exporter_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration in use was loaded, in seconds since 1970.",
		}),
	}
	var err error
	if e.tenants, err = newTenants(cfg, nil, nil); err != nil {
		return nil, err
	}
	e.collector = e.tenants.collector(cfg, logger, nil)
	o.Reload = e.Reload
	o.Self = append(o.Self, e.reloadSuccessful, e.reloadTime)
	if e.Server, err = server.New(o, e.collector); err != nil {
		e.tenants.close()
		return nil, err
	}
	e.loaded()
	return e, nil
}

func (e *Exporter) loaded() {
	tuneGC(e.cfg)
	e.reloadSuccessful.Set(1)
	e.reloadTime.SetToCurrentTime()
}

// Reload reads the configuration anew and serves it, or fails and leaves all
// as it was. A tenant that did not change lives on, with its token, its
// connections and its pauses; one that did, or is gone, ends with the scrapes
// that still use it.
func (e *Exporter) Reload() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	cfg, err := e.load()
	var next tenants
	if err == nil {
		next, err = newTenants(cfg, e.cfg, e.tenants)
	}
	if err != nil {
		e.reloadSuccessful.Set(0)
		level.Error(e.logger).Log("msg", "Reloading the configuration failed, the previous one stays in use", "err", err)
		return err
	}
	previous := e.tenants
	e.cfg, e.tenants, e.collector = cfg, next, next.collector(cfg, e.logger, e.collector)
	wait := e.Server.Swap(e.collector)
	e.closing.Go(func() {
		wait()
		for _, t := range previous {
			if !slices.Contains(next, t) {
				t.close()
			}
		}
	})
	e.loaded()
	level.Info(e.logger).Log("msg", "Reloaded the configuration", "tenants", len(cfg.Tenants))
	return nil
}

// Close ends all tenants. Nothing may be served any more.
func (e *Exporter) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closing.Wait()
	e.tenants.close()
}
