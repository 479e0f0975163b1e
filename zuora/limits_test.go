package zuora

import (
	"net/http"
	"testing"
	"time"
)

func TestRateLimit(t *testing.T) {
	for value, want := range map[string]*int64{
		"2250000, 50000;w=60, 2250000;w=3600, 27000000;w=86400": new(int64(2250000)),
		"50000;w=60, 27000000;w=86400":                          new(int64(50000)),
		"100":                                                   new(int64(100)),
		" 100 ":                                                 new(int64(100)),
		"":                                                      nil,
		"many":                                                  nil,
		"-1":                                                    nil,
		"99999999999999999999":                                  nil,
		", 5":                                                   nil,
	} {
		got := rateLimit(value)
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("rateLimit(%q) = %v, want %v", value, got, want)
		}
	}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"120":                           2 * time.Minute,
		"0":                             0,
		"Mon, 23 Nov 2026 12:01:30 GMT": 90 * time.Second,
		"Mon, 23 Nov 2026 11:00:00 GMT": 0,
		"":                              -1,
		"-5":                            -1,
		"1.5":                           -1,
		"soon":                          -1,
		"1795000000":                    -1, // an instant is no time span
	} {
		got := retryAfter(http.Header{"Retry-After": {value}}, now)
		if (got == nil) != (want < 0) || got != nil && *got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

func TestPauses(t *testing.T) {
	for name, tc := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"Retry-After":                         {http.Header{"Retry-After": {"120"}, headerRateReset: {"7"}}, 2 * time.Minute},
		"RateLimit-Reset without it":          {http.Header{headerRateReset: {"7"}}, 7 * time.Second},
		"RateLimit-Reset where it is wrong":   {http.Header{"Retry-After": {"soon"}, headerRateReset: {"7"}}, 7 * time.Second},
		"neither":                             {nil, time.Minute},
		"Retry-After alone, whatever is left": {http.Header{"Retry-After": {"30"}, headerRateRemaining: {"0"}, headerRateReset: {"7200"}}, 30 * time.Second},
		"a date by Zuora's clock":             {http.Header{"Retry-After": {"Mon, 23 Nov 2026 11:52:00 GMT"}, "Date": {"Mon, 23 Nov 2026 11:50:00 GMT"}}, 2 * time.Minute},
		"at most 15 minutes":                  {http.Header{"Retry-After": {"86400"}}, 15 * time.Minute},
		"at least a second":                   {http.Header{"Retry-After": {"0"}}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			l := &limits{}
			l.pause(OperationToken, tc.header, now)
			if got := l.pausedUntil(now)[OperationToken].Sub(now); got != tc.want {
				t.Errorf("paused for %s, want %s", got, tc.want)
			}
			if l.paused(OperationToken, now.Add(tc.want-1)) == nil || l.paused(OperationToken, now.Add(tc.want)) != nil {
				t.Error("paused does not end when pausedUntil says")
			}
			if l.paused(OperationDataLabelingJob, now) != nil {
				t.Error("the other operation is paused too")
			}
			l.pause(OperationToken, http.Header{"Retry-After": {"1"}}, now)
			if got := l.pausedUntil(now)[OperationToken].Sub(now); got != tc.want {
				t.Errorf("a later answer brought the instant forward to %s", got)
			}
		})
	}
}

func TestReserve(t *testing.T) {
	header := func(limit, remaining, reset string) http.Header {
		return http.Header{headerRateLimit: {limit}, headerRateRemaining: {remaining}, headerRateReset: {reset}}
	}
	for name, tc := range map[string]struct {
		header http.Header
		want   time.Duration
	}{
		"above":                         {header("1000", "51", "30"), 0},
		"at the reserve":                {header("1000", "50", "30"), 0},
		"below":                         {header("1000, 5;w=1", "49", "30"), 30 * time.Second},
		"below, until a distant reset":  {header("1000", "0", "7200"), 2 * time.Hour},
		"below, without a known reset":  {header("1000", "0", ""), time.Minute},
		"below, with an absurd reset":   {header("1000", "0", "20000000"), 24 * time.Hour},
		"no limit, no share of it":      {header("", "1", "30"), 0},
		"none left, of whatever limit":  {header("", "0", "30"), 30 * time.Second},
		"no remaining, nothing to fear": {header("1000", "", "30"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := new(limits)
			l.note(tc.header, false, .05, secrets{}, now)
			until, paused := l.pausedUntil(now)[OperationDataLabelingJob]
			if got := until.Sub(now); paused != (tc.want > 0) || paused && got != tc.want {
				t.Errorf("paused for %s, want %s", got, tc.want)
			}
		})
	}
}

func TestLimitsAreKeptUntilToldOtherwise(t *testing.T) {
	l := &limits{}
	if s := l.snapshot(); s.RateLimit != nil || s.RateLimitRemaining != nil || !s.RateLimitReset.IsZero() || len(s.Concurrency) != 0 {
		t.Errorf("limits before any answer: %+v", s)
	}
	l.note(http.Header{
		headerRateLimit: {"100"}, headerRateRemaining: {"99"}, headerRateReset: {"60"},
		headerConcurrencyType: {"Default"}, headerConcurrencyLimit: {"40"}, headerConcurrencyRemaining: {"38"},
	}, false, .05, secrets{}, now)
	l.note(http.Header{headerRateRemaining: {"98"}}, false, .05, secrets{}, now.Add(time.Second))
	s := l.snapshot()
	if *s.RateLimit != 100 || *s.RateLimitRemaining != 98 || !s.RateLimitReset.Equal(now.Add(time.Minute)) {
		t.Errorf("rate limit %d, %d, %s", *s.RateLimit, *s.RateLimitRemaining, s.RateLimitReset)
	}
	if c := s.Concurrency["Default"]; *c.Limit != 40 || *c.Remaining != 38 {
		t.Errorf("concurrency %+v", c)
	}
	for i := range 100 {
		l.note(http.Header{headerConcurrencyType: {string(rune('a' + i))}, headerConcurrencyLimit: {"1"}}, false, .05, secrets{}, now)
	}
	if n := len(l.snapshot().Concurrency); n != maxConcurrencyTypes {
		t.Errorf("%d types kept", n)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"120", "Mon, 23 Nov 2026 12:01:30 GMT", "", "-1", "99999999999999999999"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := retryAfter(http.Header{"Retry-After": {value}}, now); d != nil && *d < 0 {
			t.Errorf("%s", *d)
		}
		l := &limits{}
		l.pause(OperationToken, http.Header{"Retry-After": {value}}, now)
		if d := l.pausedUntil(now)[OperationToken].Sub(now); d < minPause || d > maxPause {
			t.Errorf("paused for %s", d)
		}
	})
}

func FuzzLimits(f *testing.F) {
	f.Add("2250000, 50000;w=60", "2249999", "17", "Default", "40", "39")
	f.Add("", "-1", "x", "", "", "")
	f.Fuzz(func(t *testing.T, limit, remaining, reset, kind, concurrent, left string) {
		l := new(limits)
		h := http.Header{
			headerRateLimit: {limit}, headerRateRemaining: {remaining}, headerRateReset: {reset},
			headerConcurrencyType: {kind}, headerConcurrencyLimit: {concurrent}, headerConcurrencyRemaining: {left},
		}
		l.note(h, false, .05, secrets{}, now)
		s := l.snapshot()
		for _, n := range []*int64{s.RateLimit, s.RateLimitRemaining} {
			if n != nil && *n < 0 {
				t.Errorf("%d", *n)
			}
		}
		if until, ok := l.pausedUntil(now)[OperationDataLabelingJob]; ok && until.Sub(now) > maxReservePause {
			t.Errorf("paused until %s", until)
		}
	})
}
