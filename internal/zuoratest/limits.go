package zuoratest

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// RateLimit is how many requests a tenant may send in one window of time.
type RateLimit struct {
	Requests int
	Window   time.Duration
	Used     int // What others of the tenant, such as its billing, have used in each window.

	sent int // Job requests in this window.
	ends time.Time
}

// SetRateLimits replaces the limit and begins to count anew. A window begins
// with its first job request; once it is used up, job requests get 429 until it
// ends. Without a limit no RateLimit headers are sent.
func (s *Server) SetRateLimits(limit ...RateLimit) {
	s.locked(func() {
		s.limit = RateLimit{}
		for _, l := range limit { // There is one at most.
			s.limit = l
		}
	})
}

// withinLimits counts a job request, also one that is then refused. It sets the
// headers that every job answer carries, and reports whether no limit is exceeded.
func (c *call) withinLimits(inProgress int) bool {
	h, l := c.w.Header(), c.s.countAgainstLimit(time.Now())
	left := l.Requests - l.Used - l.sent
	if l.Requests > 0 {
		h.Set("RateLimit-Limit", fmt.Sprintf("%d, %d;w=%d", l.Requests, l.Requests, int(l.Window.Seconds())))
		h.Set("RateLimit-Remaining", strconv.Itoa(max(0, left)))
		h.Set("RateLimit-Reset", strconv.Itoa(int(math.Ceil(time.Until(l.ends).Seconds()))))
	}
	if c.s.concurrent > 0 {
		h.Set("Concurrency-Limit-Type", "Default")
		h.Set("Concurrency-Limit-Limit", strconv.Itoa(c.s.concurrent))
		h.Set("Concurrency-Limit-Remaining", strconv.Itoa(max(0, c.s.concurrent-inProgress)))
	}
	if c.s.concurrent > 0 && inProgress > c.s.concurrent {
		h.Set("Retry-After", "120") // Typical of this limit; the other has RateLimit-Reset.
		return false
	}
	return l.Requests == 0 || left >= 0
}

func (s *Server) countAgainstLimit(now time.Time) RateLimit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.limit.ends) {
		s.limit.ends, s.limit.sent = now.Add(s.limit.Window), 0
	}
	s.limit.sent++
	return s.limit
}
