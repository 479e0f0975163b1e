package zuora

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// now is when a bubble of synctest begins.
var now = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func TestPauses(t *testing.T) {
	for name, tc := range map[string]struct {
		headers []string
		want    time.Duration
	}{
		"Retry-After alone, whatever is left": {[]string{"Retry-After", "30", "RateLimit-Remaining", "0", "RateLimit-Reset", "7200"}, 30 * time.Second},
		"a fraction is rounded up":            {[]string{"Retry-After", "299.997"}, 5 * time.Minute},
		"an HTTP date":                        {[]string{"Retry-After", "Sat, 01 Jan 2000 00:01:30 GMT"}, 90 * time.Second},
		"a date by Zuora's clock":             {[]string{"Retry-After", "Mon, 23 Nov 2026 11:52:00 GMT", "Date", "Mon, 23 Nov 2026 11:50:00 GMT"}, 2 * time.Minute},
		"a date in the past":                  {[]string{"Retry-After", "Fri, 31 Dec 1999 23:00:00 GMT"}, time.Second},
		"at once":                             {[]string{"Retry-After", "0"}, time.Second},
		"a day":                               {[]string{"Retry-After", "86400"}, 15 * time.Minute},
		"RateLimit-Reset":                     {[]string{"RateLimit-Reset", "7"}, 7 * time.Second},
		"RateLimit-Reset with a fraction":     {[]string{"RateLimit-Reset", "6.1"}, 7 * time.Second},
		"Retry-After is no time":              {[]string{"Retry-After", "soon", "RateLimit-Reset", "7"}, 7 * time.Second},
		"Retry-After below zero":              {[]string{"Retry-After", "-5"}, time.Minute},
		"an instant, or any long span":        {[]string{"Retry-After", "1795000000"}, 15 * time.Minute},
		"NaN":                                 {[]string{"Retry-After", "NaN"}, time.Minute},
		"none":                                {nil, time.Minute},
	} {
		bubble(t, name, func(t *testing.T) {
			limited := respond(429, "", tc.headers...)
			for operation, c := range map[string]*Client{
				OperationDataLabelingJob: newFakeClient(t, goodToken, limited),
				OperationToken:           newFakeClient(t, limited, goodJob),
			} {
				_, _ = read(t, c)
				want := map[string]time.Time{operation: time.Now().Add(tc.want)}
				if diff := cmp.Diff(want, c.PausedUntil()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// A pause ends when it says, and no later answer to a request that was sent
// before shortens it.
func TestPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c := newFakeClient(t, goodToken, counted(&requests, inTurn(
			after(time.Second, respond(429, "", "Retry-After", "100")),
			after(4*time.Second, respond(429, "", "Retry-After", "1")),
			goodJob)))
		readAll(t, c, 2)
		time.Sleep(97*time.Second - time.Nanosecond)
		_, err := read(t, c)
		if expectReason(t, err, ReasonRateLimited); requests.Load() != 2 {
			t.Errorf("got %d requests during the pause, want the 2 before", requests.Load())
		}
		time.Sleep(time.Nanosecond)
		if _, err := read(t, c); err != nil || len(c.PausedUntil()) > 0 {
			t.Errorf("got %v and the pauses %v at its end, want an answer and none", err, c.PausedUntil())
		}
	})
}

// A read that waited for its token while a pause began is not sent.
func TestPauseBeginsBeforeTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		old := newFakeClient(t, goodToken, respond(429, ""))
		c := newFakeClient(t, after(time.Second, goodToken), counted(&requests, goodJob), func(c *Config) { c.Previous = old })
		go func() { _, _ = read(t, old) }()
		if readFails(t, c, ReasonRateLimited); requests.Load() != 0 {
			t.Errorf("got %d requests during the pause, want none", requests.Load())
		}
	})
}

func TestReserve(t *testing.T) {
	for name, tc := range map[string]struct {
		limit, remaining, reset string
		want                    time.Duration
	}{
		"at the reserve":                {"1000", "50", "30", 0},
		"below":                         {"1000, 5;w=1", "49", "30", 30 * time.Second},
		"below, the first of a list":    {" 1000;w=60, 27000000;w=86400", "49", "30", 30 * time.Second},
		"below, until a distant reset":  {"1000", "0", "7200", 2 * time.Hour},
		"below, without a known reset":  {"1000", "0", "", time.Minute},
		"below, with an absurd reset":   {"1000", "0", "20000000", 24 * time.Hour},
		"no limit, no share of it":      {"many", "1", "30", 0},
		"none left, of whatever limit":  {"", "0", "30", 30 * time.Second},
		"no remaining, nothing to fear": {"1000", "-1", "30", 0},
	} {
		bubble(t, name, func(t *testing.T) {
			c := newFakeClient(t, goodToken, respond(200, `{"jobStatus":"Completed"}`,
				"RateLimit-Limit", tc.limit, "RateLimit-Remaining", tc.remaining, "RateLimit-Reset", tc.reset,
			), func(c *Config) { c.RateLimitReserve = .05 })
			mustRead(t, c)
			until, paused := c.PausedUntil()[OperationDataLabelingJob]
			if got := time.Until(until); paused != (tc.want > 0) || paused && got != tc.want {
				t.Errorf("got a pause of %s: %t, want %s", got, paused, tc.want)
			}
		})
	}
}

func TestLimitsAreKeptUntilToldOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeClient(t, goodToken, after(time.Second, inTurn(
			respond(200, "", "RateLimit-Limit", "2250000, 50000;w=60", "RateLimit-Remaining", "99", "RateLimit-Reset", "60",
				"Concurrency-Limit-Type", "Default", "Concurrency-Limit-Limit", "40", "Concurrency-Limit-Remaining", "38"),
			respond(200, "", "RateLimit-Limit", "many", "RateLimit-Remaining", "98", "RateLimit-Reset", "-1"))))
		if diff := cmp.Diff(Limits{}, c.Limits()); diff != "" {
			t.Errorf("before any answer: %s", diff)
		}
		_, _ = read(t, c)
		_, _ = read(t, c)
		want := Limits{
			RateLimit: new(int64(2250000)), RateLimitRemaining: new(int64(98)), RateLimitReset: now.Add(61 * time.Second),
			ConcurrencyType: "Default", ConcurrencyLimit: new(int64(40)), ConcurrencyRemaining: new(int64(38)),
		}
		if diff := cmp.Diff(want, c.Limits()); diff != "" {
			t.Error(diff)
		}
	})
}
