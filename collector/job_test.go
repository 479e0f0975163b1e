package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestFreshAnswersAreServedAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		refresh, completed time.Duration
		status             string
		want               int64 // requests of 9 scrapes, 15 s apart
	}{
		"without intervals, every scrape asks":  {0, 0, zuora.Dispatched, 9},
		"an interval":                           {time.Minute, 0, zuora.Dispatched, 3},
		"an interval is for completed jobs too": {time.Minute, 0, zuora.Completed, 3},
		"completed jobs may have a longer one":  {30 * time.Second, time.Hour, zuora.Completed, 1},
		"a longer one is not for other jobs":    {30 * time.Second, time.Hour, zuora.Dispatched, 5},
		"shorter than the scrape interval":      {10 * time.Second, 0, zuora.Dispatched, 9},
		"equal to the scrape interval":          {15 * time.Second, 0, zuora.Dispatched, 9},
		"twice the scrape interval":             {30 * time.Second, 0, zuora.Dispatched, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				// The age runs from the scrape's start.
				f := newFixture(1, slowly(700*time.Millisecond, func(context.Context, string) (*zuora.DataLabelingJob, error) {
					return &zuora.DataLabelingJob{Status: tc.status}, nil
				}), "j")
				f.RefreshInterval, f.CompletedRefreshInterval = tc.refresh, tc.completed
				f.reload()
				for i := range 9 {
					late := time.Duration(i%3) * 100 * time.Millisecond // as exactly as Prometheus scrapes
					time.Sleep(late)
					begun := time.Now()
					f.scrape(t, time.Minute)
					time.Sleep(15*time.Second - time.Since(begun) - late)
				}
				if f.asked.Load() != tc.want {
					t.Errorf("got %d requests, want %d", f.asked.Load(), tc.want)
				}
				if every := ReadEvery(15*time.Second, tc.refresh); tc.completed == 0 && int64((135*time.Second-1)/every)+1 != tc.want {
					t.Errorf("ReadEvery says %s, but %d scrapes asked", every, tc.want)
				}
			})
		})
	}
}

// A good answer is served again while it is fresh, a failure never is. The time
// of the newest good answer outlives failures and reloads.
func TestLastSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(1, good, "j")
		f.RefreshInterval = time.Minute
		begun := time.Now()
		for _, step := range []struct {
			what          string
			after         time.Duration
			zuora         reader
			success, took int
			newest        time.Duration // after begun, none if it is 0
		}{
			{"never read", 0, bad(zuora.ReasonUnavailable), 0, 1, 0},
			{"read", time.Minute, good, 1, 1, time.Minute + time.Second},
			{"cached", time.Minute + 15*time.Second, bad(zuora.ReasonUnavailable), 1, 0, time.Minute + time.Second},
			{"no longer, though nothing newer can be had", 2 * time.Minute, bad(zuora.ReasonUnavailable), 0, 1, time.Minute + time.Second},
			{"read again", 2*time.Minute + 15*time.Second, good, 1, 1, 2*time.Minute + 16*time.Second},
		} {
			time.Sleep(time.Until(begun.Add(step.after)))
			f.play(slowly(time.Second, step.zuora))
			f.reload()
			want := fmt.Sprintf("scrape_duration_seconds{job_id=\"j\",tenant=\"t\"} %d\nscrape_success{job_id=\"j\",tenant=\"t\"} %d", step.took, step.success)
			if step.newest > 0 {
				want = fmt.Sprintf("last_success_timestamp_seconds{job_id=\"j\",tenant=\"t\"} %v\n", float64(begun.Add(step.newest).Unix())) + want
			}
			t.Log(step.what)
			expect(t, f.Scrape(t.Context()), want, "last_success_timestamp_seconds", "scrape_duration_seconds", "scrape_success")
		}
	})
}

// Scrapes and probes that overlap share one request, a configured job's and a
// probed one's, each until its own deadline.
func TestOverlappingReadsShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(10, slowly(time.Second, good), jobID(1))
		for _, id := range []string{jobID(1), jobID(2)} {
			f.asked.Store(0)
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					timeout := 2 * time.Second
					if i >= 10 {
						timeout = 500 * time.Millisecond
					}
					var asked prometheus.Collector = f.Scrape(within(t, timeout))
					if i%2 == 0 || id == jobID(2) {
						asked = f.newProbe(t, id, timeout)
					}
					if got := success(t, asked)[id]; got != (i < 10) {
						t.Errorf("within %s: got success %v, want %v", timeout, got, i < 10)
					}
				})
			}
			group.Wait()
			time.Sleep(time.Second)
			if got := f.asked.Load(); got != 1 {
				t.Errorf("got %d requests, want 1", got)
			}
			if f.probe(t, id, time.Minute); f.asked.Load() != 2 {
				t.Errorf("got %d requests after a later read, want 2", f.asked.Load())
			}
		}
	})
}

// What comes after the deadline serves the next scrapes that are too early,
// for five minutes, if it was good. A read that hung while the tenant was down closes
// idle connections at its end, too.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(1, slowly(2*time.Second, good), "j")
		begun := time.Now()
		page := func(want string) {
			t.Helper()
			expect(t, f.Scrape(within(t, time.Second)), want,
				"scrape_success", "scrape_error", "scrape_duration_seconds", "last_success_timestamp_seconds", "labeled_objects", "zuora_up")
			time.Sleep(14 * time.Second)
		}
		page(`
scrape_duration_seconds{job_id="j",tenant="t"} 1
scrape_error{job_id="j",reason="timeout",tenant="t"} 1
scrape_success{job_id="j",tenant="t"} 0
zuora_up{tenant="t"} 0`)
		f.play(slowly(time.Hour, bad(zuora.ReasonTimeout)))
		answered := fmt.Sprintf(`last_success_timestamp_seconds{job_id="j",tenant="t"} %v`, float64(begun.Add(2*time.Second).Unix()))
		for range 20 {
			page(`
labeled_objects{job_id="j",object_type="Account",tenant="t"} 9
` + answered + `
scrape_duration_seconds{job_id="j",tenant="t"} 0
scrape_success{job_id="j",tenant="t"} 1
zuora_up{tenant="t"} 1`)
		}
		page(answered + `
scrape_duration_seconds{job_id="j",tenant="t"} 301
scrape_error{job_id="j",reason="timeout",tenant="t"} 1
scrape_success{job_id="j",tenant="t"} 0
zuora_up{tenant="t"} 0`)

		before := f.api.closed.Load()
		time.Sleep(time.Hour) // the read that hung has ended, while the tenant was down
		if before != 0 || f.api.closed.Load() == 0 {
			t.Errorf("got idle connections closed %d times before its end, and %d after; want 0, and once at least", before, f.api.closed.Load())
		}
		f.play(slowly(2*time.Second, bad(zuora.ReasonNotFound)))
		f.scrape(t, time.Second)
		time.Sleep(5 * time.Second)
		expect(t, f.Scrape(within(t, time.Second)), `scrape_error{job_id="j",reason="timeout",tenant="t"} 1`, "scrape_error")
		time.Sleep(time.Minute)
	})
}

// No request is cancelled because nobody waits any more. What waited in vain is
// told of a job until there is an answer, but nothing of a client that left.
func TestReadsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(10, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			select {
			case <-time.After(2 * time.Second):
				return good(ctx, id)
			case <-ctx.Done():
				return bad(zuora.ReasonTimeout)(ctx, id)
			}
		}, ids(5)...)
		f.api.token.Store(&zuora.TokenState{})
		left, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second/2, leave)
		for _, step := range []struct {
			what   string
			ctx    context.Context
			read   bool
			failed string
		}{
			{"a client that left", left, false, "<nil>"},
			{"a deadline", within(t, time.Second), false, "getting a token: no token before the deadline"},
			{"an answer", within(t, time.Minute), true, "<nil>"},
		} {
			read := success(t, f.Scrape(step.ctx))
			for _, k := range f.LastReads() {
				if got := fmt.Sprint(k.Failure); read[k.Job.ID] != step.read || got != step.failed {
					t.Errorf("%s: got %s read: %t, and the failure %s, want %t and %s", step.what, k.Job.ID, read[k.Job.ID], got, step.read, step.failed)
				}
			}
		}
		if f.asked.Load() != 5 {
			t.Errorf("got %d requests, want 5", f.asked.Load())
		}
	})
}

// A probed job that is configured later, or the reverse, is the same job: its
// read in progress and its answer go on.
func TestProbedAndConfiguredAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(10, slowly(time.Second, good))
		f.RefreshInterval = time.Hour
		f.reload()
		go f.probe(t, jobID(1), time.Minute)
		synctest.Wait()
		previous := f.Collector
		f.Jobs = []ConfiguredJob{{ID: jobID(1), Labels: map[string]string{"wave": "first"}}}
		f.reload("wave")
		if _, err := previous.Probe(t.Context(), "", jobID(1)); err != nil || len(f.LastReads()) != 1 {
			t.Errorf("got %+v, %v, want one job after a probe that began before the reload", f.LastReads(), err)
		}
		expect(t, f.Scrape(t.Context()), `scrape_success{job_id="`+jobID(1)+`",tenant="t",wave="first"} 1`, "scrape_success")
		time.Sleep(time.Minute)
		f.Jobs = nil
		f.reload()
		if got := f.LastReads(); len(got) != 0 {
			t.Errorf("got %+v, want nothing of a job that is neither configured nor probed", got)
		}
		expect(t, f.newProbe(t, jobID(1), time.Minute), `scrape_success{job_id="`+jobID(1)+`",tenant="t"} 1`, "scrape_success")
		if f.asked.Load() != 1 {
			t.Errorf("got %d requests, want 1", f.asked.Load())
		}
	})
}

// A corrected spelling of an id is what is asked for from then on, and a probe
// knows a configured job in any spelling.
func TestSpelling(t *testing.T) {
	const right, wrong = "ff80808186b966950186b97922e200ab", "FF80808186B966950186B97922E200AB"
	var asked []string
	f := newFixture(1, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		asked = append(asked, id)
		return good(ctx, id)
	}, wrong)
	f.scrape(t, time.Minute)
	f.configure(right)
	f.reload()
	f.scrape(t, time.Minute)
	expect(t, f.newProbe(t, wrong, time.Minute), `scrape_success{job_id="`+right+`",tenant="t"} 1`, "scrape_success")
	if want := []string{wrong, right, right}; !slices.Equal(asked, want) {
		t.Errorf("asked for %s, want %s", strings.Join(asked, " "), strings.Join(want, " "))
	}
}

// Of probed jobs, the 10,000 probed last are known, each for 15 min, or for its
// refresh interval.
func TestProbedJobsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(1, good)
		f.RefreshInterval = 20 * time.Minute
		f.reload()
		asks := func(id int, want int64) {
			t.Helper()
			before := f.asked.Load()
			f.probe(t, jobID(id), time.Minute)
			if got := f.asked.Load() - before; got != want {
				t.Errorf("job %d: got %d requests, want %d", id, got, want)
			}
			time.Sleep(time.Millisecond)
		}
		known := func(want int) {
			t.Helper()
			if got := len(f.LastReads()); got != want {
				t.Errorf("got %d jobs, want %d", got, want)
			}
		}
		for i := range 10_000 {
			asks(i, 1)
		}
		asks(0, 0)
		asks(10_000, 1)
		known(10_000)
		asks(1, 1) // it was probed longest ago
		asks(3, 0)
		time.Sleep(19 * time.Minute)
		asks(0, 0)
		asks(3000, 0)
		time.Sleep(2 * time.Minute)
		asks(20_000, 1)
		asks(1, 1) // it was probed too long ago
		known(4)
		time.Sleep(20 * time.Minute)
		f.play(bad(zuora.ReasonUnavailable))
		expect(t, f.newProbe(t, jobID(0), time.Minute), "", "last_success_timestamp_seconds")
		known(1)
	})
}
