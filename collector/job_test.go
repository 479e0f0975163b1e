package collector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// asking returns a Reader that counts, and answers with a status.
func asking(n *atomic.Int64, status string) reader {
	return func(context.Context, string) (*zuora.DataLabelingJob, error) {
		n.Add(1)
		return &zuora.DataLabelingJob{Status: status, ReceivedAt: time.Now()}, nil
	}
}

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
		for _, kind := range []string{"configured", "probed"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var n atomic.Int64
					tenant := newTestTenant(1, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
						time.Sleep(700 * time.Millisecond) // the age runs from the scrape's start
						return asking(&n, tc.status)(ctx, id)
					})
					tenant.RefreshInterval, tenant.CompletedRefreshInterval = tc.refresh, tc.completed
					if kind == "configured" {
						tenant.Jobs = []ConfiguredJob{{ID: jobID(0)}}
					}
					c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
					for i := range 9 {
						time.Sleep(time.Duration(i%3) * 100 * time.Millisecond) // as exactly as Prometheus scrapes
						begun := time.Now()
						if kind == "configured" {
							gathered(t, c.Scrape(t.Context()))
						} else {
							gathered(t, newProbe(t, t.Context(), c, jobID(0)))
						}
						time.Sleep(15*time.Second - time.Since(begun) - time.Duration(i%3)*100*time.Millisecond)
					}
					if n.Load() != tc.want {
						t.Errorf("got %d requests, want %d", n.Load(), tc.want)
					}
					if every := ReadEvery(15*time.Second, tc.refresh); tc.completed == 0 && int64((135*time.Second-1)/every)+1 != tc.want {
						t.Errorf("ReadEvery says %s, but %d scrapes asked", every, tc.want)
					}
				})
			})
		}
	}
}

func TestFailuresAreNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := false
		tenant := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			if fail {
				return nil, errors.New("x")
			}
			return completed()
		}, "j")
		tenant.RefreshInterval = time.Minute
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		for _, step := range []struct {
			sleep time.Duration
			fail  bool
			want  float64
		}{
			{0, false, 1},
			{time.Second, true, 1}, // cached
			{time.Minute, true, 0}, // an answer too old is not served instead of a newer one
			{time.Second, false, 1},
		} {
			time.Sleep(step.sleep)
			fail = step.fail
			if got := success(t, c.Scrape(t.Context()))["j"]; got != step.want {
				t.Errorf("%+v: got scrape_success %v", step, got)
			}
		}
	})
}

func TestCachedAnswerKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			time.Sleep(time.Second)
			return completed()
		}, "j")
		tenant.RefreshInterval = time.Minute
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		at := float64(time.Now().Add(time.Second).Unix())
		for _, duration := range []int{1, 0} {
			expect(t, c.Scrape(t.Context()), fmt.Sprintf(`
last_success_timestamp_seconds{job_id="j",tenant="t"} %v
scrape_duration_seconds{job_id="j",tenant="t"} %d
scrape_success{job_id="j",tenant="t"} 1`, at, duration), "last_success_timestamp_seconds", "scrape_duration_seconds", "scrape_success")
			time.Sleep(15 * time.Second)
		}
	})
}

// Scrapes and probes that overlap share one request, a configured job's and a
// probed one's, each until its own deadline.
func TestOverlappingReadsShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := newCollector(log.NewNopLogger(), 10, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			n.Add(1)
			time.Sleep(time.Second)
			return completed()
		}, jobID(1))
		for _, id := range []string{jobID(1), jobID(2)} {
			n.Store(0)
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					timeout, want := 2*time.Second, 1.0
					if i >= 10 {
						timeout, want = 500*time.Millisecond, 0
					}
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					defer cancel()
					var asked prometheus.Collector = c.Scrape(ctx)
					if i%2 == 0 || id == jobID(2) {
						asked = newProbe(t, ctx, c, id)
					}
					if got := success(t, asked)[id]; got != want {
						t.Errorf("within %s: got scrape_success %v, want %v", timeout, got, want)
					}
				})
			}
			group.Wait()
			if n.Load() != 1 {
				t.Errorf("got %d requests, want 1", n.Load())
			}
			time.Sleep(time.Second)
			gathered(t, newProbe(t, t.Context(), c, id))
			if n.Load() != 2 {
				t.Errorf("got %d requests after a later read, want 2", n.Load())
			}
		}
	})
}

// What comes after the deadline serves the next scrapes that are too early,
// for five minutes, if it was good.
func TestTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var takes atomic.Int64
		var bad atomic.Bool
		takes.Store(int64(2 * time.Second))
		c := newCollector(log.NewNopLogger(), 1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			time.Sleep(time.Duration(takes.Load()))
			if bad.Load() {
				return failed(zuora.ReasonNotFound)
			}
			return completed()
		}, "j")
		begun := time.Now()
		page := func(want string) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			expect(t, c.Scrape(ctx), want, "scrape_success", "scrape_error", "scrape_duration_seconds", "last_success_timestamp_seconds", "labeled_objects", "zuora_up")
			time.Sleep(14 * time.Second)
		}
		page(`
scrape_duration_seconds{job_id="j",tenant="t"} 1
scrape_error{job_id="j",reason="timeout",tenant="t"} 1
scrape_success{job_id="j",tenant="t"} 0
zuora_up{tenant="t"} 0`)
		late := fmt.Sprintf(`
labeled_objects{job_id="j",object_type="Account",tenant="t"} 9
last_success_timestamp_seconds{job_id="j",tenant="t"} %v
scrape_duration_seconds{job_id="j",tenant="t"} 0
scrape_success{job_id="j",tenant="t"} 1
zuora_up{tenant="t"} 1`, float64(begun.Add(2*time.Second).Unix()))
		takes.Store(int64(time.Hour))
		for range 20 {
			page(late)
		}
		page(fmt.Sprintf(`
last_success_timestamp_seconds{job_id="j",tenant="t"} %v
scrape_duration_seconds{job_id="j",tenant="t"} 301
scrape_error{job_id="j",reason="timeout",tenant="t"} 1
scrape_success{job_id="j",tenant="t"} 0
zuora_up{tenant="t"} 0`, float64(begun.Add(2*time.Second).Unix())))

		time.Sleep(time.Hour) // the read that hung has ended
		takes.Store(int64(2 * time.Second))
		bad.Store(true)
		scrape(t, c, time.Second)
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		expect(t, c.Scrape(ctx), `scrape_error{job_id="j",reason="timeout",tenant="t"} 1`, "scrape_error")
		time.Sleep(time.Minute)
	})
}

// No request is cancelled because nobody waits any more, and nothing is said of
// a job that somebody did not wait for.
func TestReadsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun, cancelled atomic.Int64
		c := newCollector(log.NewNopLogger(), 10, func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			begun.Add(1)
			select {
			case <-time.After(2 * time.Second):
				return completed()
			case <-ctx.Done():
				cancelled.Add(1)
				return failed(zuora.ReasonTimeout)
			}
		}, ids(5)...)
		left, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		gathered(t, c.Scrape(left))
		for _, k := range c.LastReads() {
			if k.Failure != nil {
				t.Errorf("%s: got %v, want no failure: the client left", k.Job.ID, k.Failure)
			}
		}
		if n := success(t, c.Scrape(t.Context())); n["job-004"] != 1 {
			t.Errorf("got %v, want the answers of the reads in progress", n)
		}
		if begun.Load() != 5 || cancelled.Load() != 0 {
			t.Errorf("got %d reads, %d cancelled; want 5, none cancelled", begun.Load(), cancelled.Load())
		}
	})
}

// A probed job that is configured later, or the reverse, is the same job: its
// read in progress and its answer go on.
func TestProbedAndConfiguredAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		probed := newTestTenant(10, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			n.Add(1)
			time.Sleep(time.Second)
			return completed()
		})
		probed.RefreshInterval = time.Hour
		configured := probed
		configured.Jobs = []ConfiguredJob{{ID: jobID(1), Labels: map[string]string{"wave": "first"}}}
		c := New([]Tenant{probed}, nil, log.NewNopLogger(), nil)
		go gathered(t, newProbe(t, t.Context(), c, jobID(1)))
		synctest.Wait()
		c = New([]Tenant{configured}, []string{"wave"}, log.NewNopLogger(), c)
		expect(t, c.Scrape(t.Context()), `scrape_success{job_id="`+jobID(1)+`",tenant="t",wave="first"} 1`, "scrape_success")
		time.Sleep(time.Minute)
		c = New([]Tenant{probed}, nil, log.NewNopLogger(), c)
		expect(t, newProbe(t, t.Context(), c, jobID(1)), `scrape_success{job_id="`+jobID(1)+`",tenant="t"} 1`, "scrape_success")
		if n.Load() != 1 {
			t.Errorf("got %d requests, want 1", n.Load())
		}
	})
}

// A corrected spelling of an id is what is asked for from then on, and a probe
// knows a configured job in any spelling.
func TestSpelling(t *testing.T) {
	const right = "ff80808186b966950186b97922e200ab"
	var asked []string
	tenant := newTestTenant(1, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
		asked = append(asked, id)
		return completed()
	}, strings.ToUpper(right))
	c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
	gathered(t, c.Scrape(t.Context()))
	tenant.Jobs = []ConfiguredJob{{ID: right}}
	c = New([]Tenant{tenant}, nil, log.NewNopLogger(), c)
	gathered(t, c.Scrape(t.Context()))
	expect(t, newProbe(t, t.Context(), c, strings.ToUpper(right)), `scrape_success{job_id="`+right+`",tenant="t"} 1`, "scrape_success")
	if got, want := fmt.Sprint(asked), fmt.Sprint([]string{strings.ToUpper(right), right, right}); got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

// Of probed jobs, the 10,000 probed last are known, each for 15 min, or for its
// refresh interval.
func TestProbedJobsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		tenant := newTestTenant(1, asking(&n, zuora.Dispatched))
		tenant.RefreshInterval = 20 * time.Minute
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		asks := func(id int, want int64) {
			t.Helper()
			before := n.Load()
			gathered(t, newProbe(t, t.Context(), c, jobID(id)))
			if got := n.Load() - before; got != want {
				t.Errorf("job %d: got %d requests, want %d", id, got, want)
			}
			time.Sleep(time.Millisecond)
		}
		known := func(want int) {
			t.Helper()
			if got := len(c.LastReads()); got != want {
				t.Errorf("got %d jobs, want %d", got, want)
			}
		}
		for i := range 11_000 {
			asks(i, 1)
		}
		asks(0, 0)
		asks(11_000, 1)
		known(10_000)
		asks(0, 0)
		asks(1002, 0)
		asks(1001, 1) // it was probed longest ago
		time.Sleep(19 * time.Minute)
		asks(0, 0)
		asks(3000, 0)
		time.Sleep(2 * time.Minute)
		asks(20_000, 1)
		asks(1001, 1) // it was probed too long ago
		known(4)
		time.Sleep(20 * time.Minute)
		known(0)
	})
}
