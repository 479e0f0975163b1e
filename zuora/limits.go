package zuora

import (
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The headers of Zuora's answers, spelt as net/http stores them.
const (
	headerRequestID            = "Zuora-Request-Id"
	headerRateLimit            = "Ratelimit-Limit"
	headerRateRemaining        = "Ratelimit-Remaining"
	headerRateReset            = "Ratelimit-Reset"
	headerConcurrencyType      = "Concurrency-Limit-Type"
	headerConcurrencyLimit     = "Concurrency-Limit-Limit"
	headerConcurrencyRemaining = "Concurrency-Limit-Remaining"
	headerRetryAfter           = "Retry-After"
)

const (
	defaultHold = time.Minute      // where a 429 names no instant
	maxHold     = 15 * time.Minute // whatever a 429 says
	minHold     = time.Second      // "at once" still means not now
	// maxReserveHold is the longest window for which Zuora counts requests.
	maxReserveHold = 24 * time.Hour
	// maxConcurrencyTypes bounds what a confused gateway can make us keep;
	// Zuora documents four.
	maxConcurrencyTypes = 16
)

// Limits is what Zuora said of the tenant's limits in its newest answers about
// jobs. A field that it never sent is nil, zero or missing.
//
// Source: "Rate limits" and "Concurrent request limits" in Zuora's API
// reference.
type Limits struct {
	// RateLimit is how many requests the window nearest to exhaustion allows,
	// RateLimitRemaining how many of them are left, RateLimitReset when it
	// begins anew.
	RateLimit, RateLimitRemaining *int64
	RateLimitReset                time.Time
	// Concurrency is keyed by Concurrency-Limit-Type.
	Concurrency map[string]ConcurrencyLimit
}

// ConcurrencyLimit is how many requests of one type may run at once, and how
// many more could have at the newest answer.
type ConcurrencyLimit struct {
	Limit, Remaining *int64
}

// limiter remembers limits and until when requests are held back.
type limiter struct {
	reserve float64 // share of the rate limit that is left to others

	mu     sync.Mutex
	limits Limits
	until  map[string]time.Time // by operation
}

func newLimiter(reserve float64) *limiter {
	return &limiter{
		reserve: reserve,
		limits:  Limits{Concurrency: make(map[string]ConcurrencyLimit)},
		until:   make(map[string]time.Time),
	}
}

// observe takes in the headers of an answer about a job, in which no secret may
// stay.
func (l *limiter) observe(h http.Header, secrets *strings.Replacer, now time.Time) {
	limit, remaining, reset := rateLimit(h.Get(headerRateLimit)), number(h.Get(headerRateRemaining)), seconds(h.Get(headerRateReset))
	concurrency := ConcurrencyLimit{number(h.Get(headerConcurrencyLimit)), number(h.Get(headerConcurrencyRemaining))}

	l.mu.Lock()
	defer l.mu.Unlock()
	if limit != nil {
		l.limits.RateLimit = limit
	}
	if remaining != nil {
		l.limits.RateLimitRemaining = remaining
	}
	if reset != nil {
		l.limits.RateLimitReset = now.Add(*reset)
	}
	if concurrency != (ConcurrencyLimit{}) {
		name := Printable(secrets.Replace(h.Get(headerConcurrencyType)), 64)
		if _, known := l.limits.Concurrency[name]; known || len(l.limits.Concurrency) < maxConcurrencyTypes {
			l.limits.Concurrency[name] = concurrency
		}
	}
	// None left is less than any share, even where nobody says of how many.
	below := remaining != nil && (limit != nil && float64(*remaining) < l.reserve*float64(*limit) || *remaining == 0 && l.reserve > 0)
	if below {
		wait := defaultHold
		if reset != nil {
			wait = *reset
		}
		l.hold(OperationDataLabelingJob, now.Add(min(max(wait, minHold), maxReserveHold)))
	}
}

// limited takes in the headers of an answer that says that a limit was
// reached, and holds back the operation's requests until the instant it returns.
func (l *limiter) limited(operation string, h http.Header, now time.Time) time.Time {
	wait := defaultHold
	if d := retryAfter(h.Get(headerRetryAfter), now); d != nil {
		wait = *d
	} else if d := seconds(h.Get(headerRateReset)); d != nil {
		wait = *d
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hold(operation, now.Add(min(max(wait, minHold), maxHold)))
	return l.until[operation]
}

// hold never brings forward an instant that is known already: the answers to
// requests that ran at once come in any order.
func (l *limiter) hold(operation string, until time.Time) {
	if until.After(l.until[operation]) {
		l.until[operation] = until
	}
}

// held returns the error for a request to operation that has to wait, and nil
// where it may go.
func (l *limiter) held(operation string, now time.Time) *Error {
	l.mu.Lock()
	until := l.until[operation]
	l.mu.Unlock()
	if !now.Before(until) {
		return nil
	}
	return &Error{
		Operation: operation,
		Reason:    ReasonRateLimited,
		Message:   "held back until " + until.UTC().Format(time.RFC3339) + " because of Zuora's limits",
	}
}

// pausedUntil returns, by operation, the instants that lie ahead.
func (l *limiter) pausedUntil(now time.Time) map[string]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	ahead := make(map[string]time.Time, len(l.until))
	for operation, until := range l.until {
		if now.Before(until) {
			ahead[operation] = until
		}
	}
	return ahead
}

func (l *limiter) snapshot() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.limits
	s.Concurrency = maps.Clone(s.Concurrency)
	return s
}

// number reads a count that a header gives, nil where it gives none.
func number(value string) *int64 {
	if value == "" {
		return nil // as most are; an error would be made for each
	}
	n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// seconds reads a time span in whole seconds. One of more than a year is a
// mistake, most likely an instant, and says nothing.
func seconds(value string) *time.Duration {
	n := number(value)
	if n == nil || *n > 365*24*60*60 {
		return nil
	}
	d := time.Duration(*n) * time.Second
	return &d
}

// rateLimit reads RateLimit-Limit, a list such as
// "2250000, 50000;w=60, 2250000;w=3600" whose first item is the limit that
// RateLimit-Remaining counts down from.
func rateLimit(value string) *int64 {
	first, _, _ := strings.Cut(value, ",")
	first, _, _ = strings.Cut(first, ";")
	return number(first)
}

// retryAfter reads Retry-After, in seconds or as an HTTP date, as a time span
// from now on; one that lies behind is zero.
func retryAfter(value string, now time.Time) *time.Duration {
	if d := seconds(value); d != nil {
		return d
	}
	at, err := http.ParseTime(strings.TrimSpace(value))
	if err != nil {
		return nil
	}
	d := max(at.Sub(now), 0)
	return &d
}
