// Package server answers HTTP: scrapes and probes with their deadline, reloads,
// health checks and the landing page.
package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/zuora-exporter/zuora_exporter/collector"
)

// Options say how to serve.
type Options struct {
	TelemetryPath string        // where the metrics are, such as /metrics
	TimeoutOffset time.Duration // taken off Prometheus's scrape timeout
	EnablePprof   bool          // whether /debug/pprof/ is there
	// Reload reads the configuration anew. Its error says why it could not.
	Reload func() error
	// Self are the metrics of the exporter itself, put on each page.
	Self   []prometheus.Collector
	Logger log.Logger
}

// Server is the exporter's http.Handler.
type Server struct {
	Options
	mux *http.ServeMux

	mu      sync.RWMutex
	current *generation
}

// generation is a collector, and who still uses it.
type generation struct {
	*collector.Collector
	inUse sync.WaitGroup
}

// New returns a server of c's jobs. An error is about the options.
func New(o Options, c *collector.Collector) (*Server, error) {
	if !strings.HasPrefix(o.TelemetryPath, "/") || strings.ContainsAny(o.TelemetryPath, " {}?#") {
		return nil, fmt.Errorf("the telemetry path %q must begin with / and hold no space, brace, ? or #", o.TelemetryPath)
	}
	if o.TimeoutOffset < 0 {
		return nil, fmt.Errorf("the scrape timeout offset %s is below 0", o.TimeoutOffset)
	}
	s := &Server{Options: o, mux: http.NewServeMux(), current: &generation{Collector: c}}

	routes := map[string]http.HandlerFunc{
		"GET /probe":     s.probe,
		"POST /-/reload": s.reload,
		"GET /-/healthy": plainText("zuora_exporter is healthy.\n"),
		"GET /-/ready":   plainText("zuora_exporter is ready.\n"),
	}
	if o.EnablePprof {
		routes["GET /debug/pprof/"] = pprof.Index
		routes["GET /debug/pprof/cmdline"] = pprof.Cmdline
		routes["GET /debug/pprof/profile"] = pprof.Profile
		routes["GET /debug/pprof/symbol"] = pprof.Symbol
		routes["GET /debug/pprof/trace"] = pprof.Trace
	}
	for route := range routes {
		if _, path, _ := strings.Cut(route, " "); path == o.TelemetryPath {
			return nil, fmt.Errorf("the telemetry path %q is taken by another page", o.TelemetryPath)
		}
	}
	if o.TelemetryPath != "/" {
		routes["GET /{$}"] = s.landingPage
		routes["GET "+exactly(o.TelemetryPath)] = s.metrics
	} else {
		routes["GET /{$}"] = s.metrics
	}
	for route, handler := range routes {
		s.mux.HandleFunc(route, handler)
	}
	return s, nil
}

// exactly makes a path a pattern for it alone, not for all below it.
func exactly(path string) string {
	if strings.HasSuffix(path, "/") {
		return path + "{$}"
	}
	return path
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Swap serves c from now on. What is under way finishes with the collector
// before it; the function that Swap returns waits for that.
func (s *Server) Swap(c *collector.Collector) (wait func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	previous := s.current
	s.current = &generation{Collector: c}
	return previous.inUse.Wait
}

// use returns the collector of the moment. The caller calls Done on inUse when
// it no longer needs it.
func (s *Server) use() *generation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.current.inUse.Add(1)
	return s.current
}

// metrics serves all configured jobs and the exporter itself. Everything is
// gathered from one registry: merging two would check each sample twice.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	c := s.use()
	defer c.inUse.Done()
	s.expose(w, r, promhttp.HandlerOpts{}, append(slices.Clip(s.Self), c.Scrape(ctx))...)
}

// probe serves one job, configured or not.
func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	c := s.use()
	defer c.inUse.Done()
	query := r.URL.Query()
	for name, values := range query {
		if len(values) > 1 {
			http.Error(w, fmt.Sprintf("the parameter %q is given %d times", name, len(values)), http.StatusBadRequest)
			return
		}
	}
	if !query.Has("target") {
		http.Error(w, "the parameter \"target\", a job id, is missing", http.StatusBadRequest)
		return
	}
	p, err := c.Probe(ctx, query.Get("tenant"), query.Get("target"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// Packing 4 KiB would cost as much as all else on the page.
	s.expose(w, r, promhttp.HandlerOpts{DisableCompression: true}, p)
}

func (s *Server) expose(w http.ResponseWriter, r *http.Request, o promhttp.HandlerOpts, collectors ...prometheus.Collector) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors...)
	o.ErrorLog, o.ErrorHandling, o.EnableOpenMetrics = errorLog{r.Context(), s.Logger}, promhttp.ContinueOnError, true
	promhttp.HandlerFor(registry, o).ServeHTTP(w, r)
}

func (s *Server) reload(w http.ResponseWriter, _ *http.Request) {
	if err := s.Reload(); err != nil {
		http.Error(w, "the configuration was not reloaded: "+err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "the configuration was reloaded")
}

func plainText(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, s)
	}
}

// errorLog hands promhttp's errors about a page to go-kit's logger, but for
// those that come of a client that has left.
type errorLog struct {
	ctx context.Context
	log.Logger
}

// Println implements promhttp.Logger.
func (l errorLog) Println(v ...any) {
	if l.ctx.Err() != nil {
		return
	}
	level.Error(l.Logger).Log("msg", "Exposing metrics failed", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
