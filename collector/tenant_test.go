package collector

import (
	"context"
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

func TestDeadlineServesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(log.NewNopLogger(), 2, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			if id == "job-001" || id == "job-002" { // both slots are taken after one good job
				return hang(ctx, id)
			}
			return completed()
		}, ids(5)...)
		ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
		defer cancel()
		begun := time.Now()
		expect(t, c.Scrape(ctx), `
scrape_duration_seconds{job_id="job-000",tenant="t"} 0
scrape_duration_seconds{job_id="job-001",tenant="t"} 9.5
scrape_duration_seconds{job_id="job-002",tenant="t"} 9.5
scrape_error{job_id="job-001",reason="timeout",tenant="t"} 1
scrape_error{job_id="job-002",reason="timeout",tenant="t"} 1
scrape_error{job_id="job-003",reason="timeout",tenant="t"} 1
scrape_error{job_id="job-004",reason="timeout",tenant="t"} 1
scrape_success{job_id="job-000",tenant="t"} 1
scrape_success{job_id="job-001",tenant="t"} 0
scrape_success{job_id="job-002",tenant="t"} 0
scrape_success{job_id="job-003",tenant="t"} 0
scrape_success{job_id="job-004",tenant="t"} 0
zuora_up{tenant="t"} 1`, "scrape_success", "scrape_error", "scrape_duration_seconds", "zuora_up")
		if took := time.Since(begun); took != 9500*time.Millisecond {
			t.Errorf("got an answer after %s, want it after 9.5s", took)
		}
		time.Sleep(time.Minute)
	})
}

// The jobs whose last read ended longest ago go first, whatever a clock says; a
// failure that concerns the whole tenant leaves the order as it is.
func TestOrder(t *testing.T) {
	var asked []string
	var fail *zuora.Error
	read := reader(func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
		asked = append(asked, strings.TrimPrefix(id, "job-00"))
		if fail != nil {
			return nil, fail
		}
		return completed()
	})
	tenant := newTestTenant(1, read, ids(3)...)
	c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
	for _, step := range []struct {
		what string
		fail *zuora.Error
		jobs []int // configured
		want string
	}{
		{"none was read before", nil, []int{0, 1, 2}, "0 1 2"},
		{"a new one", nil, []int{0, 1, 2, 3}, "3 0 1 2"},
		{"all failed", &zuora.Error{Reason: zuora.ReasonNotFound}, []int{0, 1, 2, 3}, "3 0 1 2"},
		{"another order in the file", nil, []int{2, 1, 0}, "0 1 2"},
		{"paused", &zuora.Error{Reason: zuora.ReasonRateLimited}, []int{2, 1, 0, 4}, "4 0 1 2"},
		{"no token", &zuora.Error{Operation: zuora.OperationToken}, []int{2, 1, 0, 4}, "4 0 1 2"},
		{"as before the pause", nil, []int{2, 1, 0, 4}, "4 0 1 2"},
	} {
		tenant.Jobs = nil
		for _, n := range step.jobs {
			tenant.Jobs = append(tenant.Jobs, ConfiguredJob{ID: fmt.Sprintf("job-%03d", n)})
		}
		c = New([]Tenant{tenant}, nil, log.NewNopLogger(), c)
		asked, fail = nil, step.fail
		gathered(t, c.Scrape(t.Context()))
		if got := strings.Join(asked, " "); got != step.want {
			t.Errorf("%s: got the order %s, want %s", step.what, got, step.want)
		}
	}
}

// Reads in progress are bounded, over all scrapes and probes. Probes have half
// of the slots, all if no job is configured, and one if there is one.
func TestSlots(t *testing.T) {
	for name, tc := range map[string]struct{ slots, jobs, scrapes, probes, atOnce int }{
		"one scrape":                 {4, 10, 1, 0, 4},
		"three scrapes":              {4, 10, 3, 0, 4},
		"probes":                     {10, 1, 0, 30, 5},
		"probes, and nothing else":   {10, 0, 0, 30, 10},
		"one slot":                   {1, 3, 1, 3, 1},
		"scrapes and probes":         {4, 10, 2, 30, 4},
		"an odd number":              {5, 1, 0, 30, 2},
		"one slot for a probe":       {1, 1, 0, 2, 1},
		"scrapes of jobs all probed": {3, 0, 2, 9, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var now, most atomic.Int64
				c := newCollector(log.NewNopLogger(), tc.slots, func(context.Context, string) (*zuora.DataLabelingJob, error) {
					n := now.Add(1)
					for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					}
					time.Sleep(time.Second)
					now.Add(-1)
					return completed()
				}, ids(tc.jobs)...)
				var group sync.WaitGroup
				for range tc.scrapes {
					group.Go(func() { gathered(t, c.Scrape(t.Context())) })
				}
				for i := range tc.probes {
					group.Go(func() { gathered(t, newProbe(t, t.Context(), c, jobID(i))) })
				}
				group.Wait()
				if most.Load() != int64(tc.atOnce) {
					t.Errorf("got %d reads at once, want %d", most.Load(), tc.atOnce)
				}
			})
		})
	}
}

// A scrape never waits behind a queue of probes.
func TestScrapeAmongProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCollector(log.NewNopLogger(), 10, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			time.Sleep(400 * time.Millisecond)
			return completed()
		}, ids(10)...)
		for i := range 600 {
			go gathered(t, newProbe(t, t.Context(), c, jobID(i)))
		}
		synctest.Wait()
		begun := time.Now()
		gathered(t, c.Scrape(t.Context()))
		if took := time.Since(begun); took > 1200*time.Millisecond {
			t.Errorf("the scrape took %s, want it within 1.2s: half of the slots were free", took)
		}
		time.Sleep(time.Minute)
	})
}

func TestUp(t *testing.T) {
	good := func(string) (*zuora.DataLabelingJob, error) { return completed() }
	bad := func(reasons ...zuora.Reason) func(string) (*zuora.DataLabelingJob, error) {
		return func(id string) (*zuora.DataLabelingJob, error) {
			if n := int(id[len(id)-1] - '0'); n < len(reasons) {
				return failed(reasons[n])
			}
			return completed()
		}
	}
	noToken := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonRefused}
	living := zuora.TokenState{Expiry: time.Now().AddDate(9, 0, 0)}
	failing := living
	failing.Failure = noToken
	for name, tc := range map[string]struct {
		read  func(id string) (*zuora.DataLabelingJob, error)
		jobs  int
		token zuora.TokenState
		want  int
	}{
		"all good": {good, 3, living, 1},
		"all failed, for as many reasons": {bad(zuora.ReasonAuth, zuora.ReasonUnavailable, zuora.ReasonTimeout,
			zuora.ReasonRateLimited, zuora.ReasonInvalidResponse), 5, living, 0},
		"one is good":                        {bad(zuora.ReasonAuth, zuora.ReasonUnavailable), 3, living, 1},
		"Zuora knows none":                   {bad(zuora.ReasonNotFound, zuora.ReasonNotFound), 2, living, 1},
		"Zuora knows one of them not":        {bad(zuora.ReasonUnavailable, zuora.ReasonNotFound), 2, living, 1},
		"Zuora refuses one of them":          {bad(zuora.ReasonRefused, zuora.ReasonUnavailable), 2, living, 1},
		"Zuora's word, and no token lives":   {bad(zuora.ReasonNotFound), 1, zuora.TokenState{Failure: noToken}, 0},
		"no token":                           {func(string) (*zuora.DataLabelingJob, error) { return nil, noToken }, 3, zuora.TokenState{Failure: noToken}, 0},
		"a failed renewal of one that lives": {good, 2, failing, 1},
		"no jobs, nothing was asked yet":     {good, 0, zuora.TokenState{}, 1},
		"no jobs, no token":                  {good, 0, zuora.TokenState{Failure: noToken}, 0},
		"no jobs, a token":                   {good, 0, living, 1},
		"no jobs, a failed renewal":          {good, 0, failing, 1},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := newTestTenant(2, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) { return tc.read(id) }, ids(tc.jobs)...)
			tenant.API = &api{token: tc.token}
			c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
			expect(t, c.Scrape(t.Context()), fmt.Sprintf(`zuora_up{tenant="t"} %d`, tc.want), "zuora_up")
		})
	}
}

// Answers from the cache say nothing of the tenant, nor do late ones.
func TestUpWithOldAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		tenant := newTestTenant(2, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			switch {
			case !down:
				return completed()
			case id == "job-002":
				return hang(ctx, id)
			}
			return failed(zuora.ReasonUnavailable)
		}, ids(3)...)
		tenant.RefreshInterval = 10 * time.Second
		state := &api{token: zuora.TokenState{Expiry: time.Now().Add(time.Hour)}}
		tenant.API = state
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		up := func(want int) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			expect(t, c.Scrape(ctx), fmt.Sprintf(`zuora_up{tenant="t"} %d`, want), "zuora_up")
		}
		up(1)
		down = true
		up(1) // all are cached
		state.set(zuora.TokenState{})
		up(1) // and need no token
		state.set(zuora.TokenState{Failure: &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth}})
		up(0) // but none could be had
		state.next = zuora.TokenState{Expiry: time.Now().Add(time.Hour)}
		up(1) // until it can
		state.set(zuora.TokenState{Expiry: time.Now().Add(time.Hour)})
		time.Sleep(11 * time.Second)
		up(0) // one is late, the others fail
		tenant.Jobs = append(tenant.Jobs, ConfiguredJob{ID: "job-003"})
		c = New([]Tenant{tenant}, nil, log.NewNopLogger(), c)
		up(0)
		time.Sleep(2 * time.Minute)
	})
}

// While a tenant is down, its idle connections are closed whenever its last
// read in progress ends. One failed probe alone closes none.
func TestIdleConnections(t *testing.T) {
	for name, tc := range map[string]struct {
		probes bool
		fails  func(n int) bool // read n
		closed []bool           // after each scrape or probe
	}{
		"all is well":           {false, func(int) bool { return false }, []bool{false, false}},
		"down, and up again":    {false, func(n int) bool { return n < 4 }, []bool{true, true, false, false}},
		"one job is answered":   {false, func(n int) bool { return n%2 == 0 }, []bool{false, false}},
		"one failed probe":      {true, func(n int) bool { return n == 1 }, []bool{false, false, false}},
		"probes fail in a row":  {true, func(n int) bool { return n < 3 }, []bool{false, true, true, false}},
		"every other one fails": {true, func(n int) bool { return n%2 == 0 }, []bool{false, false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n int
				tenant := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
					defer func() { n++ }()
					if tc.fails(n) {
						return failed(zuora.ReasonUnavailable)
					}
					return completed()
				})
				state := &api{token: zuora.TokenState{Expiry: time.Now().Add(time.Hour)}}
				tenant.API = state
				if !tc.probes {
					tenant.Jobs = []ConfiguredJob{{ID: jobID(0)}, {ID: jobID(1)}}
				}
				c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
				for i, want := range tc.closed {
					before := state.closed.Load()
					var asked prometheus.Collector = c.Scrape(t.Context())
					if tc.probes {
						asked = newProbe(t, t.Context(), c, jobID(i))
					}
					gathered(t, asked)
					if got := state.closed.Load() > before; got != want {
						t.Errorf("%d: got them closed: %v, want %v", i, got, want)
					}
					time.Sleep(15 * time.Second)
				}
			})
		})
	}
}

// A read that hung while the tenant was down closes them at its end, too.
func TestIdleConnectionsAfterTheLastRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := newTestTenant(10, hang, ids(5)...)
		state := &api{token: zuora.TokenState{Expiry: time.Now().Add(time.Hour)}}
		tenant.API = state
		c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
		scrape(t, c, 10*time.Second)
		before := state.closed.Load()
		time.Sleep(time.Minute)
		if got := state.closed.Load(); before != 0 || got != 1 {
			t.Errorf("got them closed %d times before the reads ended, and %d after; want 0 and 1", before, got)
		}
	})
}

// What is known of a job goes on if the tenant's client stays the same; another
// one begins anew, with slots of its own.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() }, ids(2)...)
		c := New([]Tenant{first}, nil, log.NewNopLogger(), nil)
		gathered(t, c.Scrape(t.Context()))

		again := first
		again.Jobs = []ConfiguredJob{{ID: "job-001", Labels: map[string]string{"wave": "first"}}, {ID: "job-002"}}
		known := New([]Tenant{again}, []string{"wave"}, log.NewNopLogger(), c).LastReads()
		if len(known) != 2 {
			t.Errorf("got %+v, want the two jobs that are configured now", known)
		}
		if known[0].Answer == nil || known[1].Answer != nil || known[0].Job.Labels["wave"] != "first" {
			t.Errorf("got %+v, want the answer of the first job only, and its labels", known)
		}

		hung := newTestTenant(1, hang, ids(2)...)
		c = New([]Tenant{hung}, nil, log.NewNopLogger(), c)
		if known := c.LastReads(); known[0].Answer != nil {
			t.Errorf("got %+v, want no answer of another client", known[0])
		}
		scrape(t, c, time.Second)
		c = New([]Tenant{first}, nil, log.NewNopLogger(), c)
		if got := success(t, c.Scrape(t.Context()))["job-001"]; got != 1 {
			t.Errorf("got scrape_success %v after a client that hangs, want 1", got)
		}
		time.Sleep(time.Minute)
	})
}
