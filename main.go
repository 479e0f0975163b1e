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

const (
	name = "zuora_exporter"
	// shutdownTimeout is how long scrapes in progress may take to finish.
	shutdownTimeout = 10 * time.Second
)

//go:embed VERSION
var versionFile string

func main() {
	// First of all, because a SIGHUP that comes before would end the exporter.
	hangUp := make(chan os.Signal, 1)
	signal.Notify(hangUp, syscall.SIGHUP)

	if version.Version == "" { // not built by promu
		version.Version = strings.TrimSpace(versionFile)
	}

	app := kingpin.New(name, "Prometheus exporter for Zuora's data labeling jobs.")
	var o options
	app.Flag("config.file", "Configuration file.").Default("zuora_exporter.yml").IsSetByUser(&o.hasConfigFile).StringVar(&o.configFile)
	app.Flag("config.check", "Validate the configuration file, print what it would read and cost, and exit: 0 if it is valid, else 1.").BoolVar(&o.configCheck)
	app.Flag("config.check-api", "Do the same, then get a token for each tenant, read each job once, and print a report. Exits with 1 if one could not be had.").BoolVar(&o.configCheckAPI)
	app.Flag("demo", "Run against an embedded stand-in for Zuora; needs no configuration file.").BoolVar(&o.demo)
	app.Flag("config.auto-reload-interval", "How often to check whether the configuration file has changed, and reload it if so. 0s: never.").Default("0s").DurationVar(&o.autoReload)
	app.Flag("scrape.timeout-offset", "Time subtracted from Prometheus's scrape timeout.").Default("500ms").DurationVar(&o.server.TimeoutOffset)
	app.Flag("web.telemetry-path", "Path under which to expose metrics.").Default("/metrics").StringVar(&o.server.TelemetryPath)
	app.Flag("web.enable-pprof", "Serve runtime profiles under /debug/pprof/.").BoolVar(&o.server.EnablePprof)
	o.web = kingpinflag.AddFlags(app, ":10986")
	logFlags := addLogFlags(app)
	app.Version(version.Print(name))
	app.HelpFlag.Short('h')
	app.UsageWriter(os.Stdout)
	kingpin.MustParse(app.Parse(os.Args[1:]))
	logger := newLogger(logFlags)
	o.server.Logger = logger

	if err := run(o, hangUp, logger); err != nil {
		level.Error(logger).Log("msg", name+" failed", "err", err)
		os.Exit(1)
	}
}

type options struct {
	configFile     string
	hasConfigFile  bool
	configCheck    bool
	configCheckAPI bool
	autoReload     time.Duration
	demo           bool
	server         server.Options
	web            *web.FlagConfig
}

// run runs the exporter until a signal ends it.
func run(o options, hangUp <-chan os.Signal, logger log.Logger) error {
	if o.autoReload < 0 {
		return fmt.Errorf("--config.auto-reload-interval: %s is below 0", o.autoReload)
	}
	file := config.NewFile(o.configFile)
	load := file.Load
	if o.demo {
		standIn := exporter.StartDemo()
		defer standIn.Close()
		load = func() (*config.Config, error) { return exporter.DemoConfig(standIn) }
		o.autoReload = 0
		if o.hasConfigFile {
			level.Warn(logger).Log("msg", "The demo has a configuration of its own: --config.file is not read", "file", o.configFile)
		}
	}
	cfg, err := load()
	if missing, ok := errors.AsType[*fs.PathError](err); ok && missing.Path == o.configFile && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; name the file with --config.file, or try --demo", err)
	}
	if err != nil {
		return err
	}
	if o.configCheck || o.configCheckAPI {
		exporter.Check(os.Stdout, cfg)
		if o.configCheckAPI {
			return exporter.CheckAPI(notify(), os.Stdout, cfg)
		}
		return nil
	}

	if err := web.Validate(*o.web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file: %s: %w", *o.web.WebConfigFile, err)
	}
	// Whoever reads the log may go away.
	signal.Ignore(syscall.SIGPIPE)
	level.Info(logger).Log("msg", "Starting "+name, "version", version.Info())
	level.Info(logger).Log("msg", "Build context", "build_context", version.BuildContext())
	o.server.ExporterMetrics = []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector(name),
	}
	ctx := notify()
	e, err := exporter.New(ctx, cfg, load, o.server)
	if err != nil {
		return err
	}
	defer e.Close()
	if o.autoReload > 0 {
		go e.Watch(o.autoReload, file.Changed)
	}
	go func() {
		for range hangUp {
			_, _ = e.Reload(ctx) // it logs what comes of it
		}
	}()
	srv := &http.Server{
		Handler:           e,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // of a body, which nobody needs
		IdleTimeout:       5 * time.Minute,
	}
	setErrorLog(srv, logger)
	if o.demo { // BaseContext is called once the server listens
		srv.BaseContext = func(l net.Listener) context.Context {
			exporter.PrintDemo(os.Stdout, l, o.server.TelemetryPath)
			return context.Background()
		}
	}
	return serve(ctx, srv, o.web, logger)
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

// serve serves until ctx ends, then lets scrapes in progress finish.
func serve(ctx context.Context, srv *http.Server, flags *web.FlagConfig, logger log.Logger) error {
	served := make(chan error, 1)
	go func() { served <- web.ListenAndServe(srv, flags, newSlogLogger(logger)) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	level.Info(logger).Log("msg", "Shutting down")
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
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
