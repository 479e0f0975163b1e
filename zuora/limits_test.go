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

// How long an answer pauses requests like its own, if it does. It does even if
// another reason fits first, or beside a good job; its own failure is told, not
// the pause.
func TestPauses(t *testing.T) {
	const limit = "\ufeff" + `{"success":false,"reasons":[{"code":50000020},7,{"code":{},"message":[1]},{"code":"50000070"}]}`
	limited := func(headers ...string) roundTrip { return respond(429, "", headers...) }
	left := func(limit, remaining, reset string) roundTrip {
		return respond(200, sampleJob, "RateLimit-Limit", limit, "RateLimit-Remaining", remaining, "RateLimit-Reset", reset)
	}
	below := []string{"RateLimit-Limit", "1000", "RateLimit-Remaining", "1"}
	for name, tc := range map[string]struct {
		answer roundTrip
		reason Reason
		want   time.Duration
	}{
		"Retry-After alone, whatever is left": {limited("Retry-After", "30", "RateLimit-Remaining", "0", "RateLimit-Reset", "7200"), ReasonRateLimited, 30 * time.Second},
		"a fraction is rounded up":            {limited("Retry-After", "299.997"), ReasonRateLimited, 5 * time.Minute},
		"an HTTP date":                        {limited("Retry-After", "Sat, 01 Jan 2000 00:01:30 GMT"), ReasonRateLimited, 90 * time.Second},
		"a date by Zuora's clock":             {limited("Retry-After", "Mon, 23 Nov 2026 11:52:00 GMT", "Date", "Mon, 23 Nov 2026 11:50:00 GMT"), ReasonRateLimited, 2 * time.Minute},
		"a date in the past":                  {limited("Retry-After", "Fri, 31 Dec 1999 23:00:00 GMT"), ReasonRateLimited, time.Second},
		"a day, or any long span":             {limited("Retry-After", "1e10"), ReasonRateLimited, 15 * time.Minute},
		"Retry-After is no time":              {limited("Retry-After", "soon", "RateLimit-Reset", "7"), ReasonRateLimited, 7 * time.Second},
		"Retry-After below zero":              {limited("Retry-After", "-5"), ReasonRateLimited, time.Minute},
		"NaN":                                 {limited("Retry-After", "NaN"), ReasonRateLimited, time.Minute},
		"no time":                             {limited(), ReasonRateLimited, time.Minute},

		"401, category 70":      {respond(401, limit), ReasonAuth, time.Minute},
		"500, category 70":      {respond(500, limit), ReasonRateLimited, time.Minute},
		"503 with Retry-After":  {respond(503, "", "Retry-After", "600"), ReasonRateLimited, 10 * time.Minute},
		"502 with Retry-After":  {respond(502, "", "Retry-After", "600"), ReasonUnavailable, 0},
		"a reason beside a job": {respond(200, `{"jobStatus":"Completed","reasons":[{"code":50000070,"message":"m"}]}`), "", time.Minute},
		"a code beside a job":   {respond(200, `{"jobStatus":"Completed","code":"70","message":"m"}`), "", time.Minute},

		"at the reserve":                {left("1000", "50", "30"), "", 0},
		"below":                         {left(" 1000;w=60, 5;w=1", "49", "30"), "", 30 * time.Second},
		"below, until a distant reset":  {left("1000", "0", "7200"), "", 2 * time.Hour},
		"below, without a known reset":  {left("1000", "0", ""), "", time.Minute},
		"below, with an absurd reset":   {left("1000", "0", "20000000"), "", 24 * time.Hour},
		"below, and 503":                {respond(503, "", below...), ReasonUnavailable, time.Minute},
		"below, and 401":                {respond(401, "", below...), ReasonAuth, time.Minute},
		"no limit, no share of it":      {left("many", "1", "30"), "", 0},
		"none left, of whatever limit":  {left("", "0", "30"), "", 30 * time.Second},
		"no remaining, nothing to fear": {left("1000", "-1", "30"), "", 0},
	} {
		for _, operation := range []string{OperationDataLabelingJob, OperationToken} {
			if operation == OperationToken && tc.reason != ReasonRateLimited {
				continue
			}
			bubble(t, name+"/"+operation, func(t *testing.T) {
				var requests atomic.Int64
				token, job := goodToken, inTurn(&requests, tc.answer)
				if operation == OperationToken {
					token, job = job, goodJob
				}
				c := newFakeClient(t, token, job, func(c *Config) { c.RateLimitReserve = .05 })
				read(t, c, tc.reason)
				want, sent := map[string]time.Time{operation: time.Now().Add(tc.want)}, int64(1)
				if tc.want == 0 {
					want, sent = map[string]time.Time{}, 2
				}
				if diff := cmp.Diff(want, c.PausedUntil()); diff != "" {
					t.Error(diff)
				}
				time.Sleep(tc.want - time.Nanosecond)
				if _, _ = c.DataLabelingJob(t.Context(), sampleID); requests.Load() != sent {
					t.Errorf("got %d requests, want %d", requests.Load(), sent)
				}
			})
		}
	}
}

// A pause ends when it says, and no later answer to a request that was sent
// before shortens it.
func TestPauseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		c := newFakeClient(t, goodToken, inTurn(&requests,
			after(time.Second, respond(429, "", "Retry-After", "100")),
			after(4*time.Second, respond(429, "", "Retry-After", "1")),
			goodJob))
		readAll(t, c, 2, ReasonRateLimited)
		time.Sleep(97*time.Second - time.Nanosecond)
		if read(t, c, ReasonRateLimited); requests.Load() != 2 {
			t.Errorf("got %d requests during the pause, want the 2 before", requests.Load())
		}
		time.Sleep(time.Nanosecond)
		if read(t, c, ""); len(c.PausedUntil()) > 0 {
			t.Errorf("got the pauses %v at its end, want none", c.PausedUntil())
		}
	})
}

// A read that waited for its token while a pause began is not sent.
func TestPauseBeginsBeforeTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		old := newFakeClient(t, goodToken, respond(429, ""))
		c := newFakeClient(t, after(time.Second, goodToken), inTurn(&requests, goodJob), func(c *Config) { c.Previous = old })
		go read(t, old, ReasonRateLimited)
		if read(t, c, ReasonRateLimited); requests.Load() != 0 {
			t.Errorf("got %d requests during the pause, want none", requests.Load())
		}
	})
}

func TestLimitsAreKeptUntilToldOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newFakeClient(t, goodToken, after(time.Second, inTurn(new(atomic.Int64),
			respond(200, sampleJob, "RateLimit-Limit", "2250000, 50000;w=60", "RateLimit-Remaining", "99", "RateLimit-Reset", "60",
				"Concurrency-Limit-Type", "Default", "Concurrency-Limit-Limit", "40", "Concurrency-Limit-Remaining", "38"),
			respond(200, sampleJob, "RateLimit-Limit", "many", "RateLimit-Remaining", "98", "RateLimit-Reset", "-1"))))
		if diff := cmp.Diff(Limits{}, c.Limits()); diff != "" {
			t.Errorf("before any answer: %s", diff)
		}
		read(t, c, "")
		read(t, c, "")
		want := Limits{
			RateLimit: new(int64(2250000)), RateLimitRemaining: new(int64(98)), RateLimitReset: now.Add(61 * time.Second),
			ConcurrencyType: "Default", ConcurrencyLimit: new(int64(40)), ConcurrencyRemaining: new(int64(38)),
		}
		if diff := cmp.Diff(want, c.Limits()); diff != "" {
			t.Error(diff)
		}
	})
}
