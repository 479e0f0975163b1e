package server

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// metrics serves all configured jobs and the exporter itself.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("target") {
		http.Error(w, "target belongs to /probe: set metrics_path", http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	s.expose(w, r, append([]prometheus.Collector{s.Collector().Scrape(ctx)}, s.ExporterMetrics...)...)
}

// probe serves one job, configured or not.
func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	refuse := func(why string) {
		s.probesRefused.Inc()
		http.Error(w, why, http.StatusBadRequest)
	}
	query := r.URL.Query()
	for name, values := range query {
		if len(values) > 1 {
			refuse(fmt.Sprintf("the parameter %q is given %d times", name, len(values)))
			return
		}
	}
	debug := query.Get("debug")
	switch {
	case !query.Has("target"):
		refuse("the parameter \"target\", a job id, is missing")
		return
	case debug != "" && debug != "true" && debug != "false":
		refuse("the parameter \"debug\" must be true or false")
		return
	}
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	p, err := s.Collector().Probe(ctx, query.Get("tenant"), query.Get("target"))
	switch {
	case err != nil:
		refuse(err.Error())
	case r.Method == http.MethodHead:
	case debug == "true":
		families, err := gather(p)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		p.Explain(w)
		fmt.Fprintln(w, "\nMetrics:")
		if err != nil {
			fmt.Fprintln(w, err)
		}
		for _, f := range families {
			if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
				return // the client has left
			}
		}
	default:
		s.expose(w, r, p)
	}
}

// gather collects at once, from a registry of the collectors.
func gather(collectors ...prometheus.Collector) ([]*dto.MetricFamily, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors...)
	families, err := registry.Gather()
	// go_memstats_alloc_bytes has the same name in OpenMetrics as
	// go_memstats_alloc_bytes_total; go_memstats_heap_alloc_bytes has its value.
	families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return f.GetName() == "go_memstats_alloc_bytes" })
	return families, err
}

// expose serves what the collectors have.
func (s *server) expose(w http.ResponseWriter, r *http.Request, collectors ...prometheus.Collector) {
	gathered := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return gather(collectors...) })
	promhttp.HandlerFor(gathered, promhttp.HandlerOpts{
		ErrorLog: errorLog{r.Context(), s.Logger}, ErrorHandling: promhttp.ContinueOnError,
		EnableOpenMetrics: true, DisableCompression: true, // compress is cheaper
	}).ServeHTTP(w, r)
}

// errorLog logs promhttp's errors about a page, unless the client has left.
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

// scrapeContext returns the request's context with the deadline of the scrape:
// Prometheus's timeout less the offset, which is the time that is left for
// writing the page, but never less than half.
func scrapeContext(r *http.Request, offset time.Duration) (context.Context, context.CancelFunc) {
	seconds, err := strconv.ParseFloat(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || !(seconds > 0) || math.IsInf(seconds, 0) {
		seconds = 10 // Prometheus's own default
	}
	const longest = 24 * time.Hour // a Duration holds no more than 292 years
	timeout := time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
	return context.WithTimeout(r.Context(), max(timeout-offset, timeout/2))
}
