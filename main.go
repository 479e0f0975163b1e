// zuora_exporter exposes the state of Zuora's data labeling jobs to Prometheus.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/exporter"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
)

const (
	name = "zuora_exporter"
	// shutdownTimeout is how long scrapes under way may take to finish.
	shutdownTimeout = 10 * time.Second
)

//go:embed VERSION
var versionFile string

func main() {
	if version.Version == "" { // not built by promu
		version.Version = strings.TrimSpace(versionFile)
	}

	app := kingpin.New(name, "Prometheus exporter for Zuora's data labeling jobs.")
	var (
		configFile    = app.Flag("config.file", "Configuration file.").Default("zuora_exporter.yml").String()
		configCheck   = app.Flag("config.check", "Validate the configuration file, print what it would read, and exit.").Bool()
		checkAPI      = app.Flag("config.check-api", "Do the same, then ask Zuora for a token of each tenant and for each job once, print what came back, and exit.").Bool()
		demo          = app.Flag("demo", "Run against an embedded Zuora stand-in; needs no configuration file.").Bool()
		timeoutOffset = app.Flag("scrape.timeout-offset", "Time taken off Prometheus's scrape timeout.").Default("500ms").Duration()
		telemetryPath = app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").String()
		enablePprof   = app.Flag("web.enable-pprof", "Serve runtime profiles under /debug/pprof/.").Bool()
		webFlags      = kingpinflag.AddFlags(app, ":10986")
		logFlags      = addLogFlags(app)
	)
	app.Version(version.Print(name))
	app.HelpFlag.Short('h')
	app.UsageWriter(os.Stdout)
	kingpin.MustParse(app.Parse(os.Args[1:]))
	logger := newLogger(logFlags)

	if err := run(options{
		configFile: *configFile, configCheck: *configCheck, configCheckAPI: *checkAPI, demo: *demo,
		server: server.Options{TelemetryPath: *telemetryPath, TimeoutOffset: *timeoutOffset, EnablePprof: *enablePprof, Logger: logger},
		web:    webFlags,
	}, logger); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", name, err)
		os.Exit(1)
	}
}

type options struct {
	configFile     string
	configCheck    bool
	configCheckAPI bool
	demo           bool
	server         server.Options
	web            *web.FlagConfig
}

// run runs the exporter until a signal ends it.
func run(o options, logger log.Logger) error {
	load := func() (*config.Config, error) { return config.Load(o.configFile) }
	if o.demo {
		standIn := exporter.StartDemo()
		defer standIn.Close()
		load = func() (*config.Config, error) { return exporter.DemoConfig(standIn) }
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	if o.configCheck || o.configCheckAPI {
		exporter.Check(os.Stdout, cfg)
		if o.configCheckAPI {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
			defer stop()
			return exporter.CheckAPI(ctx, os.Stdout, cfg)
		}
		return nil
	}
	level.Info(logger).Log("msg", "Starting "+name, "version", version.Info())
	level.Info(logger).Log("msg", "Build context", "build_context", version.BuildContext())

	o.server.Self = []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector(name),
	}
	e, err := exporter.New(cfg, load, o.server, logger)
	if err != nil {
		return err
	}
	defer e.Close()
	if o.demo {
		exporter.PrintDemo(os.Stdout, (*o.web.WebListenAddresses)[0], o.server.TelemetryPath)
	}
	srv := &http.Server{Handler: e.Server, ReadHeaderTimeout: 10 * time.Second}
	setErrorLog(srv, logger)
	return serve(srv, o.web, e.Reload, logger)
}

// serve serves until SIGTERM or SIGINT, then lets scrapes under way finish. A
// second signal ends the process at once. SIGHUP reloads.
func serve(srv *http.Server, flags *web.FlagConfig, reload func() error, logger log.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)
	defer signal.Stop(hangUp)

	served := make(chan error, 1)
	go func() { served <- web.ListenAndServe(srv, flags, newSlogLogger(logger)) }()
	for ctx.Err() == nil {
		select {
		case err := <-served:
			return err
		case <-hangUp:
			_ = reload() // it logs what comes of it
		case <-ctx.Done():
		}
	}
	stop() // the next signal does what it does by default
	level.Info(logger).Log("msg", "Shutting down")
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		level.Warn(logger).Log("msg", "Scrapes under way were cut off", "err", err)
		srv.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
