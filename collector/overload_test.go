package collector

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// fleet is jobs that take their time, read by Prometheus servers. There are ten
// slots.
type fleet struct {
	jobs, hanging int           // the first ones end by the request timeout only
	slow          int           // of the next ones each takes 4.2 s
	takes         time.Duration // each other job

	servers        []time.Duration // when each server scrapes first
	interval       time.Duration
	timeout        time.Duration // of a scrape
	requestTimeout time.Duration
	reload         bool // before each scrape
}

// In an overload, each job that can be read is on each server's page after a
// few scrapes, and from then on on every page.
func TestOverload(t *testing.T) {
	two := func(apart time.Duration) []time.Duration { return []time.Duration{0, apart} }
	usual := fleet{
		jobs: 70, takes: time.Second, servers: two(50 * time.Millisecond),
		interval: 15 * time.Second, timeout: 4500 * time.Millisecond, requestTimeout: 5 * time.Second,
	}
	for name, change := range map[string]func(*fleet){
		"two servers in step":             func(*fleet) {},
		"one server":                      func(f *fleet) { f.servers = f.servers[:1] },
		"the second server 1.5s behind":   func(f *fleet) { f.servers = two(1500 * time.Millisecond) },
		"the second server 7.5s behind":   func(f *fleet) { f.servers = two(7500 * time.Millisecond) },
		"both at once":                    func(f *fleet) { f.servers = two(0) },
		"100 jobs":                        func(f *fleet) { f.jobs = 100 },
		"5 of 70 hang":                    func(f *fleet) { f.hanging = 5 },
		"15 of 70 hang":                   func(f *fleet) { f.hanging = 15 },
		"15 of 100 hang, one server":      func(f *fleet) { f.jobs, f.hanging, f.servers = 100, 15, f.servers[:1] },
		"15 of 20 hang":                   func(f *fleet) { f.jobs, f.hanging = 20, 15 },
		"slow jobs among fast ones":       func(f *fleet) { f.takes, f.slow = 300*time.Millisecond, 12 },
		"slow ones and hanging ones":      func(f *fleet) { f.slow, f.hanging = 6, 6 },
		"every minute":                    func(f *fleet) { f.interval, f.hanging, f.timeout = time.Minute, 15, 4500*time.Millisecond },
		"a reload before each scrape":     func(f *fleet) { f.reload, f.hanging = true, 5 },
		"15 hang for a minute":            func(f *fleet) { f.hanging, f.requestTimeout = 15, time.Minute },
		"15 hang for a minute, 7.5 s off": func(f *fleet) { f.hanging, f.requestTimeout, f.servers = 15, time.Minute, two(7500*time.Millisecond) },
		"the issue's": func(f *fleet) {
			f.jobs, f.hanging, f.takes = 85, 5, 400*time.Millisecond
			f.interval, f.timeout, f.requestTimeout = 3*time.Second, 1500*time.Millisecond, 2*time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := usual
			change(&f)
			// A round may take that many scrapes, and then the pages are whole.
			grace := 4
			if f.requestTimeout == time.Minute {
				grace = 16
			}
			for _, missing := range f.simulate(t, grace) {
				t.Error(missing)
			}
		})
	}
}

// simulate returns the readable jobs that a page lacks after the first scrapes.
func (f fleet) simulate(t *testing.T, grace int) (missing []string) {
	var mu sync.Mutex
	synctest.Test(t, func(t *testing.T) {
		number := map[string]int{}
		for i, id := range ids(f.jobs) {
			number[id] = i
		}
		tenant := newTestTenant(10, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
			takes := f.takes
			switch n := number[id]; {
			case n < f.hanging:
				time.Sleep(f.requestTimeout)
				return failed(zuora.ReasonTimeout)
			case n < f.hanging+f.slow:
				takes = 4200 * time.Millisecond
			}
			time.Sleep(takes)
			return completed()
		}, ids(f.jobs)...)
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		current := func() *Collector {
			mu.Lock()
			defer mu.Unlock()
			if f.reload {
				c = New([]Tenant{tenant}, nil, log.NewNopLogger(), c)
			}
			return c
		}
		var servers sync.WaitGroup
		for server, first := range f.servers {
			servers.Go(func() {
				time.Sleep(first)
				for n := range grace + 10 {
					begun := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), f.timeout)
					page := success(t, current().Scrape(ctx))
					cancel()
					if took := time.Since(begun); took > f.timeout {
						t.Errorf("scrape %d took %s, want %s at most", n, took, f.timeout)
					}
					mu.Lock()
					for _, id := range ids(f.jobs)[f.hanging:] {
						if n >= grace && page[id] != 1 {
							missing = append(missing, fmt.Sprintf("scrape %d of server %d: %s is missing", n, server, id))
						}
					}
					mu.Unlock()
					time.Sleep(f.interval - time.Since(begun))
				}
			})
		}
		servers.Wait()
		time.Sleep(2 * f.requestTimeout)
	})
	return missing
}
