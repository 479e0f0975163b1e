package zuoratest

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// RateLimit is how many requests a tenant may send in one window of time.
type RateLimit struct {
	Requests int
	Window   time.Duration
	Used     int // What others of the tenant, such as its billing, have used in each window.
}

// limits counts requests against the tenant's quota.
type limits struct {
	concurrent int // Job requests at once; 0 for no limit.

	mu      sync.Mutex
	windows []*window
}

type window struct {
	RateLimit
	header string // RateLimit-Limit while this window is nearest to exhaustion.
	ends   time.Time
	used   int
}

func newLimits() limits {
	return limits{
		concurrent: 40,
		windows: newWindows([]RateLimit{
			{Requests: 50_000, Window: time.Minute},
			{Requests: 2_250_000, Window: time.Hour},
			{Requests: 27_000_000, Window: 24 * time.Hour},
		}),
	}
}

func newWindows(limits []RateLimit) []*window {
	var list strings.Builder
	for _, l := range limits {
		fmt.Fprintf(&list, ", %d;w=%d", l.Requests, int(l.Window.Seconds()))
	}
	var windows []*window
	for _, l := range limits {
		windows = append(windows, &window{RateLimit: l, header: strconv.Itoa(l.Requests) + list.String()})
	}
	return windows
}

// SetRateLimits replaces the limits and begins to count anew. A window begins
// with its first job request; once it is used up, job requests get 429 until it
// ends. Without limits no RateLimit headers are sent.
func (s *Server) SetRateLimits(limits ...RateLimit) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	s.limits.windows = newWindows(limits)
}

// withinLimits counts a job request, sets the headers that every job answer
// carries and, if a limit is exceeded, sends the 429.
func (c *call) withinLimits(inProgress int) bool {
	h := c.w.Header()
	within := c.s.limits.take(h, c.s.clock())
	concurrent := c.s.limits.concurrent
	if concurrent > 0 {
		h.Set("Concurrency-Limit-Type", "Default")
		h.Set("Concurrency-Limit-Limit", strconv.Itoa(concurrent))
		h.Set("Concurrency-Limit-Remaining", strconv.Itoa(max(0, concurrent-inProgress)))
		if inProgress > concurrent {
			h.Set("Retry-After", "120") // Typical of this limit; the other has RateLimit-Reset.
			within = false
		}
	}
	if !within {
		c.refuseWith(http.StatusTooManyRequests, `"50000070"`, "Request exceeded limit")
	}
	return within
}

// take counts a request in every window, also one that is then refused, and
// describes the window nearest to exhaustion.
func (l *limits) take(h http.Header, now time.Time) (within bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var nearest *window
	share := math.Inf(1)
	for _, w := range l.windows {
		if !now.Before(w.ends) {
			w.ends, w.used = now.Add(w.Window), w.Used
		}
		w.used++
		if left := float64(w.Requests-w.used) / float64(w.Requests); left < share {
			nearest, share = w, left
		}
	}
	if nearest == nil {
		return true
	}
	h.Set("RateLimit-Limit", nearest.header)
	h.Set("RateLimit-Remaining", strconv.Itoa(max(0, nearest.Requests-nearest.used)))
	h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(nearest.ends.Sub(now).Seconds()))))
	return nearest.used <= nearest.Requests
}
