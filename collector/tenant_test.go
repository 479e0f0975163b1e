package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// A probe that waits in vain for a slot leaves none taken.
func TestDeadlineServesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Both slots are taken after one good job.
		f := newFixture(2, some(func(id string) bool { return id == "job-000" }, good, hang), ids(4)...)
		begun := time.Now()
		expect(t, f.Scrape(within(t, 9500*time.Millisecond)), `
scrape_duration_seconds{job_id="job-000",tenant="t"} 0
scrape_duration_seconds{job_id="job-001",tenant="t"} 9.5
scrape_duration_seconds{job_id="job-002",tenant="t"} 9.5
scrape_error{job_id="job-001",reason="timeout",tenant="t"} 1
scrape_error{job_id="job-002",reason="timeout",tenant="t"} 1
scrape_error{job_id="job-003",reason="timeout",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 1
scrape_success{job_id="job-001",tenant="t"} 0
scrape_success{job_id="job-002",tenant="t"} 0
scrape_success{job_id="job-003",tenant="t"} 0
zuora_up{tenant="t"} 1`, "scrape_success", "scrape_error", "scrape_duration_seconds", "zuora_up")
		if took := time.Since(begun); took != 9500*time.Millisecond {
			t.Errorf("got an answer after %s, want it after 9.5s", took)
		}
		f.probe(t, jobID(1), time.Second)
		time.Sleep(time.Minute)
		if f.play(good); !f.probe(t, jobID(1), time.Second) {
			t.Error("got no answer of a probe, want one after the reads that hung have ended")
		}
	})
}

// The jobs whose last read ended longest ago go first, whatever a clock says; a
// failure that concerns the whole tenant leaves the order as it is.
func TestOrder(t *testing.T) {
	var asked []string
	var fail error
	f := newFixture(1, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		asked = append(asked, strings.TrimPrefix(id, "job-"))
		return &zuora.DataLabelingJob{}, fail
	})
	for _, step := range []struct {
		what string
		fail error
		jobs string // configured
		want string
	}{
		{"none was read before", nil, "0 1 2", "0 1 2"},
		{"a new one", nil, "0 1 2 3", "3 0 1 2"},
		{"all failed", &zuora.Error{Reason: zuora.ReasonNotFound}, "0 1 2 3", "3 0 1 2"},
		{"another order in the file", nil, "2 1 0", "0 1 2"},
		{"paused", &zuora.Error{Reason: zuora.ReasonRateLimited}, "1 4", "4 1"},
		{"no token", &zuora.Error{Operation: zuora.OperationToken}, "1 4", "4 1"},
		{"as before the pause", nil, "2 1 0 4", "4 0 1 2"},
	} {
		f.configure(strings.Fields(step.jobs)...)
		f.reload()
		asked, fail = nil, step.fail
		f.scrape(t, time.Minute)
		if got := strings.Join(asked, " "); got != step.want {
			t.Errorf("%s: got the order %s, want %s", step.what, got, step.want)
		}
	}
}

// Reads in progress are bounded, over all scrapes, probes and reloads. Probes
// have half of the slots, all if no job is configured, and one if there is one: a
// scrape never waits behind a queue of them. An answer that came since a scrape
// began serves it.
func TestSlots(t *testing.T) {
	for name, tc := range map[string]struct {
		slots, jobs, scrapes, probes, atOnce int
		within                               time.Duration // is each scrape
	}{
		"three scrapes":            {4, 10, 3, 0, 4, 3 * time.Second},
		"probes":                   {5, 1, 0, 30, 2, 0},
		"probes, and no jobs":      {10, 0, 0, 30, 10, 0},
		"scrapes and probes":       {4, 10, 2, 30, 4, 5 * time.Second},
		"a queue of probes":        {10, 10, 1, 600, 10, 2 * time.Second},
		"one slot":                 {1, 3, 1, 3, 1, 6 * time.Second},
		"one slot, only probes":    {1, 1, 0, 2, 1, 0},
		"scrapes that read no job": {3, 0, 2, 9, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int64
				f := newFixture(tc.slots, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
					n := now.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return good(ctx, id)
				}, ids(tc.jobs)...)
				var group sync.WaitGroup
				for i := range tc.probes {
					group.Go(func() { f.probe(t, jobID(i), time.Hour) })
				}
				synctest.Wait()
				begun := time.Now()
				for range tc.scrapes {
					group.Go(func() {
						if f.scrape(t, time.Minute); time.Since(begun) > tc.within {
							t.Errorf("got a scrape of %s, want it within %s", time.Since(begun), tc.within)
						}
					})
					synctest.Wait()
					f.reload()
				}
				group.Wait()
				if got, want := f.asked.Load(), int64(min(tc.scrapes, 1)*tc.jobs+tc.probes); got != want {
					t.Errorf("got %d requests, want %d", got, want)
				}
				if most.Load() != int64(tc.atOnce) {
					t.Errorf("got %d reads at once, want %d", most.Load(), tc.atOnce)
				}
			})
		})
	}
}

func TestUp(t *testing.T) {
	noToken := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonRefused}
	none, failing := &zuora.TokenState{Failure: noToken}, &zuora.TokenState{Expiry: living().Expiry, Failure: noToken}
	for name, tc := range map[string]struct {
		jobs  []zuora.Reason // with which each fails, if any
		token *zuora.TokenState
		want  int
	}{
		"all good":                           {[]zuora.Reason{"", ""}, living(), 1},
		"all failed":                         {[]zuora.Reason{zuora.ReasonAuth, zuora.ReasonUnavailable, zuora.ReasonTimeout, zuora.ReasonRateLimited, zuora.ReasonInvalidResponse}, living(), 0},
		"one is good":                        {[]zuora.Reason{zuora.ReasonAuth, zuora.ReasonUnavailable, ""}, living(), 1},
		"Zuora knows none":                   {[]zuora.Reason{zuora.ReasonNotFound, zuora.ReasonNotFound}, living(), 1},
		"Zuora knows one of them not":        {[]zuora.Reason{zuora.ReasonUnavailable, zuora.ReasonNotFound}, living(), 1},
		"Zuora refuses one of them":          {[]zuora.Reason{zuora.ReasonRefused, zuora.ReasonUnavailable}, living(), 1},
		"Zuora's word, and no token lives":   {[]zuora.Reason{zuora.ReasonNotFound}, none, 0},
		"a failed renewal of one that lives": {[]zuora.Reason{""}, failing, 1},
		"no jobs, nothing was asked yet":     {nil, &zuora.TokenState{}, 1},
		"no jobs, no token":                  {nil, none, 0},
		"no jobs, a failed renewal":          {nil, failing, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(2, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
				if reason := tc.jobs[id[len(id)-1]-'0']; reason != "" {
					return bad(reason)(ctx, id)
				}
				return good(ctx, id)
			}, ids(len(tc.jobs))...)
			f.api.token.Store(tc.token)
			expect(t, f.Scrape(t.Context()), fmt.Sprintf(`zuora_up{tenant="t"} %d`, tc.want), "zuora_up")
		})
	}
}

// Answers from the cache say nothing of the tenant, nor do late ones.
func TestUpWithOldAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(2, good, ids(3)...)
		f.RefreshInterval = 10 * time.Second
		f.reload()
		up := func(want int) {
			t.Helper()
			expect(t, f.Scrape(within(t, time.Second)), fmt.Sprintf(`zuora_up{tenant="t"} %d`, want), "zuora_up")
		}
		up(1)
		f.play(some(func(id string) bool { return id == "job-002" }, hang, bad(zuora.ReasonUnavailable)))
		up(1) // all are cached
		f.api.token.Store(&zuora.TokenState{})
		up(1) // and need no token
		f.api.token.Store(&zuora.TokenState{Failure: &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth}})
		up(0) // but none could be had
		f.api.next = living()
		up(1) // until it can
		time.Sleep(11 * time.Second)
		up(0) // one is late, the others fail
		time.Sleep(2 * time.Minute)
		f.play(good)
		up(1)
		f.play(hang)
		time.Sleep(11 * time.Second)
		up(1) // all are late
		f.api.token.Store(&zuora.TokenState{})
		up(0) // and wait for a token
		time.Sleep(2 * time.Minute)
	})
}

// While a tenant is down, its idle connections are closed whenever its last
// read in progress ends. One failed probe alone closes none.
func TestIdleConnections(t *testing.T) {
	for name, tc := range map[string]struct {
		jobs     int    // probed, if there are none
		requests string // b for one that fails
		closed   string // after each scrape or probe: c if they were
	}{
		"down, and up again":    {2, "bbbbgggg", "cc--"},
		"one job is answered":   {2, "gbgb", "--"},
		"one failed probe":      {0, "gbg", "---"},
		"probes fail in a row":  {0, "bbbg", "-cc-"},
		"every other one fails": {0, "gbgb", "----"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var f *fixture
				f = newFixture(1, some(func(string) bool { return tc.requests[f.asked.Load()-1] == 'b' }, bad(zuora.ReasonUnavailable), good), ids(tc.jobs)...)
				got := ""
				for i := range tc.closed {
					before := f.api.closed.Load()
					if tc.jobs == 0 {
						f.probe(t, jobID(i), time.Minute)
					} else {
						f.scrape(t, time.Minute)
					}
					got += map[bool]string{true: "c", false: "-"}[f.api.closed.Load() > before]
					time.Sleep(15 * time.Second)
				}
				if got != tc.closed {
					t.Errorf("got them closed %s, want %s", got, tc.closed)
				}
			})
		})
	}
}

// A client that was changed knows nothing of the jobs yet. Its reads do not wait
// for the slots of old ones, nor do they if the bound was changed, or whether there
// are jobs.
func TestReload(t *testing.T) {
	for name, change := range map[string]func(*fixture){
		"the client": (*fixture).changeClient,
		"the bound": func(f *fixture) {
			f.MaxConcurrentRequests = 2
			f.reload()
		},
		"no jobs": func(f *fixture) {
			f.configure()
			f.reload()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(1, good, "j")
				f.scrape(t, time.Minute)
				time.Sleep(time.Minute)
				f.play(hang)
				f.scrape(t, time.Second)
				f.play(good)
				change(f)
				if got := f.LastReads(); name == "the client" && got[0].Answer != nil {
					t.Errorf("got %+v, want no answer of another client", got[0])
				}
				if !f.probe(t, jobID(1), time.Second) {
					t.Error("got no answer, want one while the old slot is taken")
				}
				time.Sleep(time.Minute)
			})
		})
	}
}

// overload is jobs that take their time, read by Prometheus servers. There are
// ten slots.
type overload struct {
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
	for name, change := range map[string]func(*overload){
		"two servers in step":           func(*overload) {},
		"one server":                    func(o *overload) { o.servers = o.servers[:1] },
		"the second server 1.5s behind": func(o *overload) { o.servers = two(1500 * time.Millisecond) },
		"both at once":                  func(o *overload) { o.servers = two(0) },
		"100 jobs":                      func(o *overload) { o.jobs = 100 },
		"15 of 70 hang":                 func(o *overload) { o.hanging = 15 },
		"15 of 20 hang":                 func(o *overload) { o.jobs, o.hanging = 20, 15 },
		"slow ones and hanging ones":    func(o *overload) { o.slow, o.hanging = 6, 6 },
		"every minute":                  func(o *overload) { o.interval, o.hanging = time.Minute, 15 },
		"a reload before each scrape":   func(o *overload) { o.reload, o.hanging = true, 5 },
		"15 hang for a minute":          func(o *overload) { o.hanging, o.requestTimeout = 15, time.Minute },
		"15 hang for a minute, 7.5 s off": func(o *overload) {
			o.hanging, o.requestTimeout, o.servers = 15, time.Minute, two(7500*time.Millisecond)
		},
		"the issue's": func(o *overload) {
			o.jobs, o.hanging, o.takes = 85, 5, 400*time.Millisecond
			o.interval, o.timeout, o.requestTimeout = 3*time.Second, 1500*time.Millisecond, 2*time.Second
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := overload{
				jobs: 70, takes: time.Second, servers: two(50 * time.Millisecond),
				interval: 15 * time.Second, timeout: 4500 * time.Millisecond, requestTimeout: 5 * time.Second,
			}
			change(&o)
			synctest.Test(t, o.test)
		})
	}
}

func (o overload) test(t *testing.T) {
	// A round may take that many scrapes, and then the pages are whole.
	grace := 4
	if o.requestTimeout == time.Minute {
		grace = 16
	}
	hanging, slow := ids(o.hanging), ids(o.hanging+o.slow)
	f := newFixture(10, some(func(id string) bool { return slices.Contains(hanging, id) }, slowly(o.requestTimeout, bad(zuora.ReasonTimeout)),
		some(func(id string) bool { return slices.Contains(slow, id) }, slowly(4200*time.Millisecond, good), slowly(o.takes, good))), ids(o.jobs)...)
	var mu sync.Mutex
	var servers sync.WaitGroup
	for server, first := range o.servers {
		servers.Go(func() {
			time.Sleep(first)
			for n := range grace + 10 {
				mu.Lock()
				if o.reload {
					f.reload()
				}
				c := f.Collector
				mu.Unlock()
				begun := time.Now()
				page := success(t, c.Scrape(within(t, o.timeout)))
				for _, id := range ids(o.jobs)[o.hanging:] {
					if n >= grace && !page[id] {
						t.Errorf("scrape %d of server %d: %s is missing", n, server, id)
					}
				}
				time.Sleep(o.interval - time.Since(begun))
			}
		})
	}
	servers.Wait()
	time.Sleep(2 * o.requestTimeout)
}
