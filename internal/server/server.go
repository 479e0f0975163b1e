// Package server answers HTTP: scrapes and probes with their deadline, reloads,
// health checks and the landing page.
package server

import (
	"fmt"
	"net/http"
	_ "net/http/pprof" // on http.DefaultServeMux, which is served only if the user wants it
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/collector"
)

// Options say what to serve.
type Options struct {
	TelemetryPath string        // of the metrics, such as /metrics
	TimeoutOffset time.Duration // subtracted from Prometheus's scrape timeout
	EnablePprof   bool          // whether /debug/pprof/ is there
	// Collector returns the collector of the configuration in use.
	Collector func() *collector.Collector
	// Reload reads the configuration again, and returns what has changed, in
	// words. Its error says why it could not.
	Reload func() (changes string, err error)
	// ExporterMetrics are on the page too.
	ExporterMetrics []prometheus.Collector
	Logger          log.Logger
}

type server struct {
	Options
	probesRefused prometheus.Counter
}

// New returns the exporter's handler. An error is about the options.
func New(o Options) (http.Handler, error) {
	s := &server{o, prometheus.NewCounter(prometheus.CounterOpts{
		Name: "zuora_exporter_probes_refused_total",
		Help: "Probes that were answered with 400: a wrong job id or tenant.",
	})}
	s.ExporterMetrics = append(slices.Clip(o.ExporterMetrics), s.probesRefused)
	if p := o.TelemetryPath; p != path.Clean(p) || p[0] != '/' || strings.ContainsAny(p, "{}") || (&url.URL{Path: p}).EscapedPath() != p {
		return nil, fmt.Errorf("the telemetry path %q must be a clean path such as /metrics, without escapes or any of {}", p)
	}
	if o.TimeoutOffset < 0 {
		return nil, fmt.Errorf("the scrape timeout offset %s is below 0", o.TimeoutOffset)
	}
	routes := map[string]http.Handler{
		"GET /probe":     http.HandlerFunc(s.probe),
		"POST /-/reload": http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.reload)),
		"GET /-/healthy": plainText("zuora_exporter is healthy.\n"),
		"GET /-/ready":   plainText("zuora_exporter is ready.\n"),
	}
	if routes["GET "+o.TelemetryPath] != nil || routes["POST "+o.TelemetryPath] != nil {
		return nil, fmt.Errorf("the telemetry path %q is taken by another page", o.TelemetryPath)
	}
	if o.EnablePprof && strings.HasPrefix(o.TelemetryPath+"/", "/debug/pprof/") {
		return nil, fmt.Errorf("the telemetry path %q is taken by the profiles", o.TelemetryPath)
	}
	routes["GET /{$}"] = http.HandlerFunc(s.landingPage)
	metrics := o.TelemetryPath
	if metrics == "/" {
		metrics = "/{$}"
	}
	// Compressing the few KiB of a probe would cost as much as all else.
	compress, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.EnableZstd(false))
	if err != nil {
		return nil, err
	}
	routes["GET "+metrics] = compress(http.HandlerFunc(s.metrics))

	mux := http.NewServeMux()
	for route, handler := range routes {
		mux.Handle(route, limitSending(handler))
	}
	if o.EnablePprof { // profiles may take long to send
		mux.Handle("GET /debug/pprof/", http.DefaultServeMux)
	}
	return mux, nil
}

// limitSending disconnects a client that has not read its answer 30 s after
// sending begins.
func limitSending(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := sync.OnceFunc(func() {
			// A writer without deadlines is a test's.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(30 * time.Second))
		})
		next.ServeHTTP(sender{w, begin}, r)
	})
}

// sender is a ResponseWriter that calls begin before it writes.
type sender struct {
	http.ResponseWriter
	begin func()
}

func (s sender) Write(p []byte) (int, error) {
	s.begin()
	return s.ResponseWriter.Write(p)
}

// reload answers when the configuration was read again, or with why not.
func (s *server) reload(w http.ResponseWriter, _ *http.Request) {
	changes, err := s.Reload()
	if err != nil {
		http.Error(w, "the configuration was not reloaded: "+err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "the configuration was reloaded: "+changes)
}

func plainText(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, s)
	}
}
