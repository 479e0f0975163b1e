package zuora

import (
	"cmp"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Zuora's headers, spelt as net/http stores them.
const (
	headerRequestID            = "Zuora-Request-Id"
	headerTrackID              = "Zuora-Track-Id"
	headerRateLimit            = "Ratelimit-Limit"
	headerRateRemaining        = "Ratelimit-Remaining"
	headerRateReset            = "Ratelimit-Reset"
	headerConcurrencyType      = "Concurrency-Limit-Type"
	headerConcurrencyLimit     = "Concurrency-Limit-Limit"
	headerConcurrencyRemaining = "Concurrency-Limit-Remaining"
	headerRetryAfter           = "Retry-After"
)

const (
	defaultPause = time.Minute      // if a 429 names no time
	maxPause     = 15 * time.Minute // whatever a 429 says
	minPause     = time.Second      // "at once" still means not now
	// maxSeconds is the longest time span that is believed, a year. More is most
	// likely an instant.
	maxSeconds = 365 * 24 * 60 * 60
	// maxReservePause is the longest window for which Zuora counts requests.
	maxReservePause = 24 * time.Hour
)

// Limits is what Zuora said of the tenant's limits in its newest answers to job
// requests. A field that it never sent is nil, zero or missing.
//
// Source: "Rate limits" and "Concurrent request limits" in Zuora's API
// reference.
type Limits struct {
	// RateLimit is how many requests the window nearest to exhaustion allows,
	// RateLimitRemaining how many of them are left, RateLimitReset when it
	// ends.
	RateLimit, RateLimitRemaining *int64
	RateLimitReset                time.Time
	// ConcurrencyLimit is how many requests of one type, that of job requests,
	// may run at once, ConcurrencyRemaining how many more could have.
	ConcurrencyType                        string // Concurrency-Limit-Type
	ConcurrencyLimit, ConcurrencyRemaining *int64
}

// limits remembers what Zuora said of the limits, and until when requests are
// paused. Clients that replace one another share it, and with it the pace of
// token requests.
type limits struct {
	mu     sync.Mutex
	told   Limits
	pauses map[string]time.Time // by operation

	failure   *Error        // of the newest token request; nil if it succeeded
	backoff   time.Duration // after that failure
	notBefore time.Time     // the next token request
	renewed   time.Time     // when a token was last asked for after a 401
}

// note remembers what the answer to a job request says of the limits, and
// pauses job requests if a limit was reached, or if less than the reserve, a
// share of the rate limit, is left.
func (l *limits) note(a *answer, refused time.Duration, reserve float64) {
	h := a.header
	limit, remaining, reset := number(h.Get(headerRateLimit)), number(h.Get(headerRateRemaining)), seconds(h.Get(headerRateReset))
	atOnce, more := number(h.Get(headerConcurrencyLimit)), number(h.Get(headerConcurrencyRemaining))
	kind := a.secrets.label(h.Get(headerConcurrencyType))

	l.mu.Lock()
	defer l.mu.Unlock()
	if limit != nil {
		l.told.RateLimit = limit
	}
	if remaining != nil {
		l.told.RateLimitRemaining = remaining
	}
	if reset != nil && *reset < maxSeconds*time.Second {
		l.told.RateLimitReset = time.Now().Add(*reset)
	}
	if atOnce != nil || more != nil {
		l.told.ConcurrencyType, l.told.ConcurrencyLimit, l.told.ConcurrencyRemaining = kind, atOnce, more
	}
	switch {
	case refused > 0:
		l.pause(OperationDataLabelingJob, refused)
	case remaining == nil: // Zuora said nothing
	// None left is less than any share, even of an unknown limit.
	case limit != nil && float64(*remaining) < reserve*float64(*limit), *remaining == 0 && reserve > 0:
		wait := *cmp.Or(reset, new(defaultPause))
		l.pause(OperationDataLabelingJob, min(max(wait, minPause), maxReservePause))
	}
}

// pause begins a pause, of which 0 is none. It never shortens one: the answers
// to requests that ran at once come in any order. The caller holds the lock.
func (l *limits) pause(operation string, d time.Duration) {
	if until := time.Now().Add(d); until.After(l.pauses[operation]) {
		l.pauses[operation] = until
	}
}

// paused returns the error for a request that has to wait, and nil if it may
// be sent.
func (l *limits) paused(operation string) *Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.pauses[operation]
	if !time.Now().Before(until) {
		return nil
	}
	return &Error{
		Operation: operation,
		Reason:    ReasonRateLimited,
		Message:   "paused until " + until.UTC().Format(time.RFC3339) + " because of Zuora's limits",
	}
}

// PausedUntil returns, for each operation whose requests are paused, until
// when they are.
func (c *Client) PausedUntil() map[string]time.Time {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	ends, now := maps.Clone(c.limits.pauses), time.Now()
	maps.DeleteFunc(ends, func(_ string, until time.Time) bool { return !now.Before(until) })
	return ends
}

// Limits returns what Zuora said of the tenant's limits so far.
func (c *Client) Limits() Limits {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	return c.limits.told
}

// pauseAfter is how long to pause after an answer saying that a limit was
// reached. Retry-After, in seconds or as an HTTP date, alone decides if it is
// there. A date is by Zuora's clock, which the answer's own Date shows.
func pauseAfter(h http.Header) time.Duration {
	retryAfter := h.Get(headerRetryAfter)
	wait := seconds(retryAfter)
	if at, err := http.ParseTime(strings.TrimSpace(retryAfter)); err == nil {
		now, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		wait = new(at.Sub(now))
	}
	wait = cmp.Or(wait, seconds(h.Get(headerRateReset)), new(defaultPause))
	return min(max(*wait, minPause), maxPause)
}

// number reads a count that a header gives; nil if it gives none. Of a list, such
// as the RateLimit-Limit "2250000, 50000;w=60, 2250000;w=3600", it reads the first
// item: that is the limit which RateLimit-Remaining counts down from.
func number(value string) *int64 {
	if value == "" {
		return nil // most are empty, and ParseInt would make an error for each
	}
	if end := strings.IndexAny(value, ",;"); end >= 0 {
		value = value[:end]
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// seconds reads a time span in seconds, of which a fraction counts as a whole
// one, and a year is the most.
func seconds(value string) *time.Duration {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !(n >= 0) { // NaN, too
		return nil
	}
	return new(time.Duration(math.Ceil(min(n, maxSeconds))) * time.Second)
}
