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

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// asking returns a Reader that counts, and answers with a status.
func asking(n *atomic.Int64, status string) reader {
	return func(context.Context, string) (*zuora.DataLabelingJob, error) {
		n.Add(1)
		return &zuora.DataLabelingJob{Status: status, ReceivedAt: time.Now()}, nil
	}
}

func TestFreshAnswersAreNotAskedForAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		refresh, completed time.Duration
		status             string
		want               int64 // requests of 9 scrapes, 15 s apart
	}{
		"no intervals ask at every scrape":         {0, 0, zuora.Dispatched, 9},
		"an interval":                              {time.Minute, 0, zuora.Dispatched, 3},
		"an interval is for completed jobs too":    {time.Minute, 0, zuora.Completed, 3},
		"completed jobs may have a longer one":     {30 * time.Second, time.Hour, zuora.Completed, 1},
		"which is not for others":                  {30 * time.Second, time.Hour, zuora.Dispatched, 5},
		"an interval shorter than a scrape's ones": {10 * time.Second, 0, zuora.Dispatched, 9},
	} {
		for _, jobs := range [][]Job{{{ID: "j"}}, nil} { // configured, or only probed
			t.Run(fmt.Sprintf("%s, %d configured", name, len(jobs)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var n atomic.Int64
					f := NewFresh(asking(&n, tc.status))
					f.Configure(tc.refresh, tc.completed, jobs)
					for range 9 {
						if _, err := f.DataLabelingJob(t.Context(), "j"); err != nil {
							t.Fatal(err)
						}
						time.Sleep(15 * time.Second)
					}
					if n.Load() != tc.want {
						t.Errorf("%d requests, want %d", n.Load(), tc.want)
					}
				})
			})
		}
	}
}

func TestFreshKeepsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := false
		f := NewFresh(reader(func(context.Context, string) (*zuora.DataLabelingJob, error) {
			if fail {
				return nil, errors.New("x")
			}
			return completed()
		}))
		f.Configure(time.Minute, 0, []Job{{ID: "j"}})
		if _, err := f.DataLabelingJob(t.Context(), "j"); err != nil {
			t.Fatal(err)
		}
		fail = true
		time.Sleep(time.Minute)
		if _, err := f.DataLabelingJob(t.Context(), "j"); err == nil {
			t.Error("an answer too old is served for want of a newer one")
		}
		fail = false
		if _, err := f.DataLabelingJob(t.Context(), "j"); err != nil {
			t.Error("a failure is served from memory")
		}
	})
}

func TestFreshIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		f := NewFresh(asking(&n, zuora.Dispatched))
		f.Configure(time.Minute, 0, []Job{{ID: "j"}})
		for i := range maxProbed + 100 {
			f.DataLabelingJob(t.Context(), fmt.Sprint(i))
		}
		if len(f.probed) != maxProbed {
			t.Errorf("%d answers kept", len(f.probed))
		}
		f.DataLabelingJob(t.Context(), "j") // has a place of its own
		before := n.Load()
		f.DataLabelingJob(t.Context(), "j")
		if n.Load() != before {
			t.Error("a configured job is not kept")
		}
		time.Sleep(time.Minute)
		f.DataLabelingJob(t.Context(), "new")
		if len(f.probed) != 1 {
			t.Errorf("%d answers kept, though all but one are old", len(f.probed))
		}
	})
}

func TestFreshAnswerKeepsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFresh(reader(func(context.Context, string) (*zuora.DataLabelingJob, error) {
			time.Sleep(time.Second)
			return completed()
		}))
		f.Configure(time.Minute, 0, []Job{{ID: "j"}})
		c := newCollector(log.NewNopLogger(), 1, f.DataLabelingJob, "j")
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

func TestOverlappingReadsShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		s := NewShared(reader(func(context.Context, string) (*zuora.DataLabelingJob, error) {
			n.Add(1)
			time.Sleep(time.Second)
			return completed()
		}))
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := s.DataLabelingJob(t.Context(), "j"); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n.Load() != 1 {
			t.Errorf("%d requests", n.Load())
		}
		s.DataLabelingJob(t.Context(), "j")
		if n.Load() != 2 {
			t.Error("a later read did not ask anew")
		}
	})
}

func TestRequestEndsWithItsLastReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		begun := time.Now()
		s := NewShared(reader(func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			<-ctx.Done()
			ended = time.Since(begun)
			return failed(zuora.ReasonTimeout)
		}))
		var group sync.WaitGroup
		for _, patience := range []time.Duration{time.Second, 3 * time.Second, 2 * time.Second} {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := s.DataLabelingJob(ctx, "j")
				var e *zuora.Error
				if !errors.As(err, &e) || e.Reason != zuora.ReasonTimeout {
					t.Errorf("%v", err)
				}
				if waited := time.Since(begun); waited != patience {
					t.Errorf("waited %s instead of %s", waited, patience)
				}
			})
		}
		group.Wait()
		if ended != 3*time.Second {
			t.Errorf("the request ended after %s", ended)
		}
	})
}

func TestReaderThatLeavesTakesTheRequestFromNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(reader(func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			select {
			case <-time.After(2 * time.Second):
				return completed()
			case <-ctx.Done():
				return failed(zuora.ReasonTimeout)
			}
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := s.DataLabelingJob(ctx, "j"); err == nil {
				t.Error("the first did not leave")
			}
		})
		synctest.Wait()
		if _, err := s.DataLabelingJob(t.Context(), "j"); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
}

func TestSharedPanicIsToldToItsReaders(t *testing.T) {
	c := newCollector(log.NewNopLogger(), 1, NewShared(reader(func(context.Context, string) (*zuora.DataLabelingJob, error) {
		panic("x")
	})).DataLabelingJob, "j")
	expect(t, c.Scrape(t.Context()), `scrape_error{job_id="j",reason="invalid_response",tenant="t"} 1`, "scrape_error")
}
