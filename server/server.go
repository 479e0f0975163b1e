// Package server answers HTTP: the scrapes with their deadline, the health
// checks and the landing page.
package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/zuora-exporter/zuora_exporter/collector"
)

// Options say how to serve.
type Options struct {
	TelemetryPath string        // where the metrics are, such as /metrics
	TimeoutOffset time.Duration // taken off Prometheus's scrape timeout
	// Self are the metrics of the exporter itself, put on each page.
	Self   []prometheus.Collector
	Logger log.Logger
}

// Server is the exporter's http.Handler.
type Server struct {
	Options
	mux       *http.ServeMux
	collector atomic.Pointer[collector.Collector]
}

// New returns a server of c's jobs. An error is about the options.
func New(o Options, c *collector.Collector) (*Server, error) {
	if !strings.HasPrefix(o.TelemetryPath, "/") || strings.ContainsAny(o.TelemetryPath, " {}") {
		return nil, fmt.Errorf("the telemetry path %q must begin with / and hold neither spaces nor braces", o.TelemetryPath)
	}
	s := &Server{Options: o, mux: http.NewServeMux()}
	s.collector.Store(c)

	routes := map[string]http.HandlerFunc{
		"/-/healthy": plainText("zuora_exporter is healthy.\n"),
		"/-/ready":   plainText("zuora_exporter is ready.\n"),
	}
	if _, taken := routes[o.TelemetryPath]; taken {
		return nil, fmt.Errorf("the telemetry path %q is taken by another page", o.TelemetryPath)
	}
	routes[o.TelemetryPath] = s.metrics
	if o.TelemetryPath != "/" {
		landing, err := s.landingPage()
		if err != nil {
			return nil, fmt.Errorf("making the landing page: %w", err)
		}
		routes["/"] = landing.ServeHTTP
	}
	for path, handler := range routes {
		if strings.HasSuffix(path, "/") {
			path += "{$}" // this path alone, not all below it
		}
		s.mux.HandleFunc("GET "+path, handler)
	}
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// metrics serves all configured jobs and the exporter itself. Everything is
// gathered from one registry: merging two would check each sample twice.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.Self...)
	registry.MustRegister(s.collector.Load().Scrape(ctx))
	s.expose(registry, w, r)
}

func (s *Server) expose(registry *prometheus.Registry, w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:          errorLog{s.Logger},
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
	}).ServeHTTP(w, r)
}

func (s *Server) landingPage() (http.Handler, error) {
	return web.NewLandingPage(web.LandingConfig{
		Name:        "Zuora Exporter",
		Description: "Prometheus exporter for Zuora's data labeling jobs",
		Version:     version.Version,
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: strings.TrimPrefix(s.TelemetryPath, "/"), Text: "Metrics", Description: "all configured jobs, and the exporter itself"},
			{Address: "-/healthy", Text: "Health", Description: "answers while the exporter runs"},
			{Address: "-/ready", Text: "Readiness", Description: "answers once the exporter can be scraped"},
		},
	})
}

func plainText(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, s)
	}
}

// errorLog hands promhttp's errors to go-kit's logger.
type errorLog struct{ log.Logger }

// Println implements promhttp.Logger.
func (l errorLog) Println(v ...any) {
	level.Error(l.Logger).Log("msg", "Exposing metrics failed", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
