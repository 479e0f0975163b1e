// zuora_exporter exposes the state of Zuora's data labeling jobs to Prometheus.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
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

const name = "zuora_exporter"

//go:embed VERSION
var versionFile string

// The flags, in the order of --help.
var (
	hasConfigFile  bool // --config.file is given
	configFile     = kingpin.Flag("config.file", "Configuration file.").Default("zuora_exporter.yml").IsSetByUser(&hasConfigFile).String()
	configCheck    = kingpin.Flag("config.check", "Validate the configuration file, print what it would read and cost, and exit: 0 if it is valid, else 1.").Bool()
	configCheckAPI = kingpin.Flag("config.check-api", "Do the same, then get a token for each tenant, read each job once, and print a report. Exits with 1 if one could not be had.").Bool()
	demo           = kingpin.Flag("demo", "Run against an embedded stand-in for Zuora; needs no configuration file.").Bool()
	autoReload     = kingpin.Flag("config.auto-reload-interval", "How often to check whether the configuration file has changed, and reload it if so. 0s: never.").Default("0s").Duration()
	timeoutOffset  = kingpin.Flag("scrape.timeout-offset", "Time subtracted from Prometheus's scrape timeout.").Default("500ms").Duration()
	telemetryPath  = kingpin.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").String()
	enablePprof    = kingpin.Flag("web.enable-pprof", "Serve runtime profiles under /debug/pprof/.").Bool()
	webFlags       = kingpinflag.AddFlags(kingpin.CommandLine, ":10986")
	logLevel       = kingpin.Flag("log.level", "Only log messages with the given severity or above. One of: [debug, info, warn, error]").
			Default("info").Enum("debug", "info", "warn", "error")
	logFormat = kingpin.Flag("log.format", "Output format of log messages. One of: [logfmt, json]").
			Default("logfmt").Enum("logfmt", "json")
)

func main() {
	// First of all, because a SIGHUP that comes before would end the exporter.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)

	if version.Version == "" { // not built by promu
		version.Version = strings.TrimSpace(versionFile)
	}
	kingpin.CommandLine.Name, kingpin.CommandLine.Help = name, "Prometheus exporter for Zuora's data labeling jobs."
	kingpin.CommandLine.UsageWriter(os.Stdout)
	kingpin.Version(version.Print(name))
	kingpin.HelpFlag.Short('h')
	kingpin.Parse()
	logger := newLogger(*logLevel, *logFormat)

	if err := run(hangUp, logger); err != nil {
		level.Error(logger).Log("msg", name+" failed", "err", err)
		os.Exit(1)
	}
}

// run runs the exporter until a signal ends it.
func run(hangUp <-chan os.Signal, logger log.Logger) error {
	if *autoReload < 0 {
		return fmt.Errorf("--config.auto-reload-interval: %s is below 0", *autoReload)
	}
	file := config.NewFile(*configFile)
	load := file.Load
	if *demo {
		var stop func()
		load, stop = exporter.StartDemo()
		defer stop()
		if hasConfigFile {
			level.Warn(logger).Log("msg", "The demo has a configuration of its own: --config.file is not read", "file", *configFile)
		}
	}
	cfg, err := load()
	if missing, ok := errors.AsType[*fs.PathError](err); ok && missing.Path == *configFile && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; name the file with --config.file, or try --demo", err)
	}
	if err != nil {
		return err
	}
	if *configCheck || *configCheckAPI {
		exporter.Check(os.Stdout, cfg)
		if *configCheckAPI {
			return exporter.CheckAPI(os.Stdout, cfg)
		}
		return nil
	}

	if err := web.Validate(*webFlags.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %s: %w", *webFlags.WebConfigFile, err)
	}
	// Whoever reads the log may go away.
	signal.Ignore(syscall.SIGPIPE)
	level.Info(logger).Log("msg", "Starting "+name, "version", version.Info())
	level.Info(logger).Log("msg", "Build context", "build_context", version.BuildContext())
	ctx := notify()
	e, err := exporter.New(ctx, cfg, load, server.Options{
		TelemetryPath: *telemetryPath, TimeoutOffset: *timeoutOffset, EnablePprof: *enablePprof, Logger: logger,
		ExporterMetrics: []prometheus.Collector{
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
			versioncollector.NewCollector(name),
		},
	})
	if err != nil {
		return err
	}
	if *autoReload > 0 && !*demo {
		go e.Watch(*autoReload, file.Changed)
	}
	go func() {
		for range hangUp {
			_, _ = e.Reload() // it logs what comes of it
		}
	}()
	srv := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // of a body, which nobody needs
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          newErrorLog(logger),
	}
	if *demo { // BaseContext is called once the server listens
		srv.BaseContext = func(l net.Listener) context.Context {
			exporter.PrintDemo(os.Stdout, l, *telemetryPath)
			return context.Background()
		}
	}
	return serve(ctx, srv, logger)
}

// notify returns a context that the first SIGTERM or SIGINT ends. The second
// ends the program at once, whatever it is doing.
func notify() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2) // none is lost, however soon it comes
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		cancel()
		second, _ := (<-signals).(syscall.Signal)
		os.Exit(128 + int(second)) // as a shell says it
	}()
	return ctx
}

// serve serves until ctx ends, then lets scrapes in progress finish for 10 s.
func serve(ctx context.Context, srv *http.Server, logger log.Logger) error {
	served := make(chan error, 1)
	go func() { served <- web.ListenAndServe(srv, webFlags, newSlogLogger(logger)) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	level.Info(logger).Log("msg", "Shutting down")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		level.Warn(logger).Log("msg", "Scrapes in progress were cut off", "err", err)
		srv.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
