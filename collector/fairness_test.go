package collector

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// fleet is jobs that take their time, read by Prometheus servers.
type fleet struct {
	jobs, hanging int           // the first ones hang for ever
	slow          int           // of the next ones each takes slowTakes
	takes         time.Duration // each other job
	slowTakes     time.Duration

	workers  int
	servers  []time.Duration // when each server scrapes first
	interval time.Duration
	timeout  time.Duration // of a scrape
	reload   bool          // before each scrape
	change   bool          // and each reload changes the tenant
	during   time.Duration // or so long after each scrape has begun
	scrapes  int           // of each server
}

// simulate returns the jobs that were never read, counted over all servers'
// pages, and what was logged.
func (f fleet) simulate(t *testing.T) (unread []string, logged string) {
	var buffer strings.Builder
	logger := level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&buffer)), level.AllowInfo())
	var mu sync.Mutex
	read := map[string]bool{}
	synctest.Test(t, func(t *testing.T) {
		number := map[string]int{}
		for i, id := range ids(f.jobs) {
			number[id] = i
		}
		reading := func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			takes := f.takes
			switch n := number[id]; {
			case n < f.hanging:
				takes = time.Hour
			case n < f.hanging+f.slow:
				takes = f.slowTakes
			}
			select {
			case <-time.After(takes):
				return completed()
			case <-ctx.Done():
				return failed(zuora.ReasonTimeout)
			}
		}
		tenant := newTestTenant(f.workers, reading, ids(f.jobs)...)
		c := New([]Tenant{tenant}, nil, logger, nil)
		current := func() *Collector {
			mu.Lock()
			defer mu.Unlock()
			if f.change {
				again := reader(reading)
				tenant.Reader = &again
			}
			if f.reload {
				c = New([]Tenant{tenant}, nil, logger, c)
			}
			return c
		}
		var servers sync.WaitGroup
		for _, first := range f.servers {
			servers.Go(func() {
				time.Sleep(first)
				for range f.scrapes {
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), f.timeout)
					tenant, by := current().tenants[0], asker{ctx: ctx, start: begun}
					if f.during > 0 {
						time.AfterFunc(f.during, func() { current() })
					}
					outcomes := tenant.scrape(by)
					tenant.tally(by, outcomes)
					cancel()
					mu.Lock()
					for i, o := range outcomes {
						if o.err == nil {
							read[ids(f.jobs)[i]] = true
						}
					}
					mu.Unlock()
					time.Sleep(f.interval - time.Since(begun))
				}
			})
		}
		servers.Wait()
	})
	for _, id := range ids(f.jobs)[f.hanging:] {
		if !read[id] {
			unread = append(unread, id)
		}
	}
	return unread, buffer.String()
}

// A job that can be read in a scrape's time is read within a few times the
// number of scrapes that the arithmetic needs, whatever the others do.
func TestEachJobIsReadSooner(t *testing.T) {
	two := func(apart time.Duration) []time.Duration { return []time.Duration{0, apart} }
	resonance := fleet{jobs: 70, takes: time.Second, workers: 10, servers: two(50 * time.Millisecond), interval: 15 * time.Second, timeout: 4500 * time.Millisecond}
	for name, change := range map[string]func(*fleet){
		"two servers in resonance":    func(*fleet) {},
		"one server":                  func(f *fleet) { f.servers = f.servers[:1] },
		"three servers":               func(f *fleet) { f.servers = append(f.servers, 3*time.Second) },
		"a reload before each scrape": func(f *fleet) { f.reload, f.servers = true, f.servers[:1] },
		"a changed tenant each time":  func(f *fleet) { f.reload, f.change, f.servers = true, true, f.servers[:1] },
		"a changed tenant during each scrape": func(f *fleet) {
			f.reload, f.change, f.during, f.servers = true, true, 300*time.Millisecond, f.servers[:1]
		},
		"a changed tenant during each scrape, some jobs hang": func(f *fleet) {
			f.jobs, f.hanging, f.reload, f.change, f.during, f.servers = 30, 5, true, true, 300*time.Millisecond, f.servers[:1]
		},
		"two servers, reloads between": func(f *fleet) { f.reload = true },
		"slow jobs among fast ones":    func(f *fleet) { f.slow, f.slowTakes = 7, 4200*time.Millisecond },
		"one worker":                   func(f *fleet) { f.workers, f.jobs = 1, 20 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := resonance
			change(&f)
			f.check(t)
		})
	}
	for _, jobs := range []int{20, 45, 90} {
		for _, hanging := range []int{0, 3, 10, 15} {
			for _, apart := range []time.Duration{0, 50 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second, 4 * time.Second, 7500 * time.Millisecond} {
				t.Run(fmt.Sprintf("%d jobs, %d hanging, %s apart", jobs, hanging, apart), func(t *testing.T) {
					t.Parallel()
					f := resonance
					f.jobs, f.hanging, f.servers = jobs, hanging, two(apart)
					f.check(t)
					f.slow, f.slowTakes, f.takes = 4, 4100*time.Millisecond, 300*time.Millisecond
					f.check(t)
				})
			}
		}
	}
}

func (f fleet) check(t *testing.T) {
	t.Helper()
	// Worker seconds that all jobs need once, hanging ones included, in worker
	// seconds of a scrape; servers may do no better than one.
	need := time.Duration(f.jobs-f.hanging-f.slow)*f.takes + time.Duration(f.slow)*f.slowTakes + time.Duration(f.hanging)*f.timeout
	f.scrapes = 4 * (int(need/(time.Duration(f.workers)*f.timeout)) + 1)
	if unread, _ := f.simulate(t); len(unread) > 0 {
		t.Errorf("%d of %d jobs were not read in %d scrapes of each server: %v", len(unread), f.jobs, f.scrapes, unread)
	}
}

// A job's place moves only if its read ended by itself, or had nine tenths of
// its scrape's time.
func TestPlaces(t *testing.T) {
	scrape := func(t *testing.T, c *Collector) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		testutil.CollectAndCount(c.Scrape(ctx))
	}
	for name, tc := range map[string]struct {
		read  reader
		token zuora.TokenState
		moves bool
	}{
		"good":            {read: func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() }, moves: true},
		"failed":          {read: func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonNotFound) }, moves: true},
		"its own timeout": {read: func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonTimeout) }, moves: true},
		"rate limited":    {read: func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonRateLimited) }},
		"no token": {read: func(context.Context, string) (*zuora.DataLabelingJob, error) {
			return nil, &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth}
		}},
		"cut off after all of the time":   {read: hang, moves: true},
		"cut off while there is no token": {read: hang, token: zuora.TokenState{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tenant := newTestTenant(1, tc.read, "j")
				state := &apiState{token: zuora.TokenState{Expiry: time.Now().Add(time.Hour)}}
				if strings.Contains(name, "there is no token") {
					state.token = tc.token
				}
				tenant.API = state
				c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
				scrape(t, c)
				if moved := c.tenants[0].configured[0].state.place.Load() != 0; moved != tc.moves {
					t.Errorf("the place moved: %v, want %v", moved, tc.moves)
				}
			})
		})
	}
	t.Run("cut off soon after a token came", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			tenant := newTestTenant(1, hang, "j")
			state := &apiState{}
			tenant.API = state
			time.AfterFunc(9*time.Second, func() { state.set(zuora.TokenState{Since: time.Now(), Expiry: time.Now().Add(time.Hour)}) })
			c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
			scrape(t, c)
			if place := c.tenants[0].configured[0].state.place.Load(); place != 0 {
				t.Errorf("the place moved to %d, want it to stay", place)
			}
		})
	})
	for name, tc := range map[string]struct {
		first time.Duration // the read before, by the one worker
		moves bool
	}{
		"cut off after nine tenths":        {time.Second, true},
		"cut off a moment before":          {time.Second + time.Millisecond, false},
		"cut off when it had hardly begun": {9 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCollector(log.NewNopLogger(), 1, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
					if id == "first" {
						time.Sleep(tc.first)
						return completed()
					}
					return hang(ctx, id)
				}, "first", "second")
				scrape(t, c)
				if moved := c.tenants[0].configured[1].state.place.Load() != 0; moved != tc.moves {
					t.Errorf("the place moved: %v, want %v", moved, tc.moves)
				}
			})
		})
	}
}

func hang(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
	<-ctx.Done()
	return failed(zuora.ReasonTimeout)
}
