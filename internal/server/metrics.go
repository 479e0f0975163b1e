package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/zuora-exporter/zuora_exporter/collector"
)

// metrics serves all configured jobs and the exporter itself.
func (s *server) metrics(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	c, done := s.Use()
	defer done()
	families, err := c.Scrape(ctx).Gather()
	done() // before sending, which takes as long as the client wants
	own, ownErr := gather(s.ExporterMetrics...)
	families = append(families, own...) // no metric is in both
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	s.expose(w, r, families, errors.Join(err, ownErr))
}

// probe serves one job, configured or not.
func (s *server) probe(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	for name, values := range query {
		if len(values) > 1 {
			http.Error(w, fmt.Sprintf("the parameter %q is given %d times", name, len(values)), http.StatusBadRequest)
			return
		}
	}
	debug := query.Get("debug")
	switch {
	case !query.Has("target"):
		http.Error(w, "the parameter \"target\", a job id, is missing", http.StatusBadRequest)
		return
	case debug != "" && debug != "true" && debug != "false":
		http.Error(w, "the parameter \"debug\" must be true or false", http.StatusBadRequest)
		return
	}
	c, done := s.Use()
	defer done()
	p, err := c.Probe(query.Get("tenant"), query.Get("target"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := scrapeContext(r, s.TimeoutOffset)
	defer cancel()
	if err := p.Read(ctx); errors.Is(err, collector.ErrTooManyProbes) {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	done()
	if debug == "true" {
		s.explain(w, p)
		return
	}
	families, err := p.Gather()
	s.expose(w, r, families, err)
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

// expose serves what was gathered.
func (s *server) expose(w http.ResponseWriter, r *http.Request, families []*dto.MetricFamily, err error) {
	gathered := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return families, err })
	promhttp.HandlerFor(gathered, promhttp.HandlerOpts{
		ErrorLog: errorLog{r.Context(), s.Logger}, ErrorHandling: promhttp.ContinueOnError,
		EnableOpenMetrics: true, DisableCompression: true, // compress is cheaper
	}).ServeHTTP(w, r)
}

// explain serves what happened in a probe, and then its metrics.
func (s *server) explain(w http.ResponseWriter, p *collector.Probe) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	p.Explain(w)
	fmt.Fprintln(w, "\nMetrics:")
	families, err := p.Gather()
	if err != nil {
		fmt.Fprintln(w, err)
	}
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(w, f); err != nil {
			return // the client has left
		}
	}
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
