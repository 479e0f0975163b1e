package collector

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Reads of a scrape go before waiting probes, but while both wait, every fourth
// free slot is a probe's.
func TestScrapesGoBeforeProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slots{limit: 1}
		if !s.acquire(t.Context(), new(newTurn(false))) {
			t.Fatal("got no slot, want the free one")
		}
		var order []string
		var group sync.WaitGroup
		wait := func(probe bool) {
			turn := newTurn(probe)
			group.Go(func() {
				if s.acquire(t.Context(), &turn) {
					order = append(order, map[bool]string{true: "probe", false: "scrape"}[probe])
					s.release()
				}
			})
			synctest.Wait()
		}
		for range 3 {
			wait(true)
		}
		for range 7 {
			wait(false)
		}
		s.release()
		group.Wait()
		if got, want := strings.Join(order, " "), "scrape scrape scrape probe scrape scrape scrape probe scrape probe"; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if s.used != 0 {
			t.Errorf("got %d slots in use, want none", s.used)
		}
	})
}

// A probe's read that a scrape joins moves up, and one that leaves takes no slot
// along.
func TestTurnsMoveUpAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slots{limit: 1, used: 1}
		var order []string
		var group sync.WaitGroup
		turns := map[string]*turn{}
		for _, name := range []string{"first probe", "joined probe", "scrape", "leaving scrape"} {
			turn := newTurn(strings.Contains(name, "probe"))
			turns[name] = &turn
			ctx, cancel := context.WithCancel(t.Context())
			if name == "leaving scrape" {
				time.AfterFunc(time.Second, cancel)
			}
			group.Go(func() {
				defer cancel()
				if s.acquire(ctx, &turn) {
					order = append(order, name)
					s.release()
				}
			})
			synctest.Wait()
		}
		s.raise(turns["joined probe"])
		time.Sleep(2 * time.Second)
		s.release()
		group.Wait()
		if want := []string{"scrape", "joined probe", "first probe"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
	})
}

// However many jobs are probed, the configured ones are read.
func TestProbesDoNotStarveAScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(log.NewNopLogger(), 10, func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			select {
			case <-time.After(100 * time.Millisecond):
				return completed()
			case <-ctx.Done():
				return failed(zuora.ReasonTimeout)
			}
		}, ids(50)...)
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		var probes sync.WaitGroup
		var mu sync.Mutex
		var served, refused int
		for i := range 3000 {
			probes.Go(func() {
				p, err := c.Probe("", jobID(i))
				if err != nil {
					t.Error(err)
					return
				}
				err = p.Read(ctx)
				mu.Lock()
				defer mu.Unlock()
				if errors.Is(err, ErrTooManyProbes) {
					refused++
				} else if p.outcome.err == nil {
					served++
				}
			})
		}
		synctest.Wait()
		begun := time.Now()
		if problems := testutil.CollectAndCount(c.Scrape(ctx), "zuora_data_labeling_job_scrape_error"); problems != 0 {
			t.Errorf("%d jobs of the scrape failed", problems)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the scrape took %s, want about 0.8s", took)
		}
		probes.Wait()
		if refused != 3000-maxWaitingProbes-10 || served < 700 {
			t.Errorf("%d probes refused and %d served, want %d and what the time allows", refused, served, 3000-maxWaitingProbes-10)
		}
		if n := c.tenants[0].probes.Load(); n != 0 {
			t.Errorf("%d probes are still counted", n)
		}
	})
}
