package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// asking returns a Reader that counts, and answers with a status.
func asking(n *atomic.Int64, status string) reader {
	return func(context.Context, string) (*zuora.DataLabelingJob, error) {
		n.Add(1)
		return &zuora.DataLabelingJob{Status: status, ReceivedAt: time.Now()}, nil
	}
}

// jobID returns the id of job n.
func jobID(n int) string { return fmt.Sprintf("%032d", n) }

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
						tenant.Jobs = []Job{{ID: jobID(0)}}
					}
					c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
					for i := range 9 {
						time.Sleep(time.Duration(i%3) * 100 * time.Millisecond) // as exactly as Prometheus scrapes
						begun := time.Now()
						if kind == "configured" {
							testutil.CollectAndCount(c.Scrape(t.Context()))
						} else {
							probe(t, t.Context(), c, jobID(0))
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
		success := func(want int) {
			t.Helper()
			expect(t, c.Scrape(t.Context()), fmt.Sprintf(`scrape_success{job_id="j",tenant="t"} %d`, want), "scrape_success")
		}
		success(1)
		fail = true
		success(1) // cached
		time.Sleep(time.Minute)
		success(0) // an answer too old is not served instead of a newer one
		fail = false
		success(1) // a failure is not served again
	})
}

func TestProbedJobsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		tenant := newTestTenant(1, asking(&n, zuora.Dispatched), jobID(maxProbed+200))
		tenant.RefreshInterval = time.Minute
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		kept := func() int { return len(c.tenants[0].probed.jobs) }
		for i := range maxProbed + 100 {
			probe(t, t.Context(), c, jobID(i))
		}
		if kept() != maxProbed {
			t.Errorf("got %d answers kept, want %d", kept(), maxProbed)
		}
		probe(t, t.Context(), c, jobID(maxProbed+200)) // has a place of its own
		before := n.Load()
		probe(t, t.Context(), c, jobID(maxProbed+200))
		if n.Load() != before {
			t.Error("a configured job is not cached")
		}
		time.Sleep(time.Minute)
		probe(t, t.Context(), c, jobID(maxProbed+300))
		if kept() != 1 {
			t.Errorf("got %d answers kept, want 1: all others are old", kept())
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

// success returns the value of scrape_success of a scrape or probe of one job.
func success(t *testing.T, s any) float64 {
	for _, f := range gathered(t, s) {
		if f.GetName() == "zuora_data_labeling_job_scrape_success" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

func TestOverlappingReadsShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := newCollector(log.NewNopLogger(), 10, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			n.Add(1)
			time.Sleep(time.Second)
			return completed()
		}, jobID(1))
		for _, id := range []string{jobID(1), jobID(2)} { // configured, or only probed
			n.Store(0)
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					var asked any = c.Scrape(t.Context())
					if i%2 == 0 || id == jobID(2) {
						asked = probe(t, t.Context(), c, id)
					}
					if got := success(t, asked); got != 1 {
						t.Errorf("got scrape_success %v, want 1", got)
					}
				})
			}
			group.Wait()
			if id == jobID(1) && n.Load() != 1 || id == jobID(2) && n.Load() != 1 {
				t.Errorf("got %d requests, want 1", n.Load())
			}
			probe(t, t.Context(), c, id)
			if n.Load() != 2 {
				t.Errorf("got %d requests after a later read, want 2", n.Load())
			}
		}
	})
}

func TestRequestEndsWithItsLastWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		begun := time.Now()
		c := newCollector(log.NewNopLogger(), 10, func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			<-ctx.Done()
			ended = time.Since(begun)
			return failed(zuora.ReasonTimeout)
		}, "j")
		var group sync.WaitGroup
		for _, patience := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second} {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				expect(t, c.Scrape(ctx), `scrape_error{job_id="j",reason="timeout",tenant="t"} 1`, "scrape_error")
				if waited := time.Since(begun); waited != patience {
					t.Errorf("got an answer after %s, want it after %s", waited, patience)
				}
			})
		}
		group.Wait()
		synctest.Wait()
		if ended != 3*time.Second {
			t.Errorf("the request ended after %s, want 3s", ended)
		}
	})
}

func TestWaiterThatLeavesTakesTheRequestFromNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(log.NewNopLogger(), 10, func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			select {
			case <-time.After(2 * time.Second):
				return completed()
			case <-ctx.Done():
				return failed(zuora.ReasonTimeout)
			}
		}, "j")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if got := success(t, c.Scrape(ctx)); got != 0 {
				t.Errorf("got scrape_success %v for the one that left, want 0", got)
			}
		})
		synctest.Wait()
		if got := success(t, c.Scrape(t.Context())); got != 1 {
			t.Errorf("got scrape_success %v for the one that waited, want 1", got)
		}
		group.Wait()
	})
}

// A Reader that hangs, as one does whose TLS files are on a hung file system,
// keeps nobody waiting.
func TestReaderThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		c := newCollector(log.NewNopLogger(), 2, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			<-hung
			return completed()
		}, ids(3)...)
		for range 3 {
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			expect(t, c.Scrape(ctx), `zuora_up{tenant="t"} 0`, "zuora_up")
			cancel()
			if took := time.Since(begun); took > 5100*time.Millisecond {
				t.Errorf("the scrape took %s, want 5s, and a moment for the requests to end", took)
			}
		}
		close(hung)
		synctest.Wait()
		expect(t, c.Scrape(t.Context()), `zuora_up{tenant="t"} 1`, "zuora_up")
	})
}
