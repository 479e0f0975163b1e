package server

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"
)

// defaultScrapeTimeout is Prometheus's own default.
const defaultScrapeTimeout = 10 * time.Second

// scrapeContext returns the request's context with the deadline of the scrape:
// Prometheus's timeout less the offset, which is the time that is left for
// writing the page, but never less than half.
func scrapeContext(r *http.Request, offset time.Duration) (context.Context, context.CancelFunc) {
	timeout := scrapeTimeout(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"))
	return context.WithTimeout(r.Context(), max(timeout-offset, timeout/2))
}

func scrapeTimeout(header string) time.Duration {
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil || !(seconds > 0) || math.IsInf(seconds, 0) {
		return defaultScrapeTimeout
	}
	const longest = 24 * time.Hour // a Duration holds no more than 292 years
	return time.Duration(min(seconds, longest.Seconds()) * float64(time.Second))
}
