package server

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestScrapeContext(t *testing.T) {
	for _, tc := range []struct {
		header string
		offset time.Duration
		want   time.Duration
	}{
		{"15", 500 * time.Millisecond, 14500 * time.Millisecond},
		{"1", 500 * time.Millisecond, 500 * time.Millisecond},
		{"0.5", 500 * time.Millisecond, 250 * time.Millisecond}, // never less than half
		{"4", 10 * time.Second, 2 * time.Second},
		{"", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"soon", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"0", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"-3", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"NaN", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"+Inf", 500 * time.Millisecond, 9500 * time.Millisecond},
		{"1e300", 0, 24 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/metrics", nil)
			r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", tc.header)
			ctx, cancel := scrapeContext(r, tc.offset)
			defer cancel()
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != tc.want {
				t.Errorf("%q less %s: got %s, want %s", tc.header, tc.offset, time.Until(deadline), tc.want)
			}
		})
	}
}
