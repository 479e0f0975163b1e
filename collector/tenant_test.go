package collector

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestDeadlineServesWhatIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		c := newCollector(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), 2, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			if id == "job-001" || id == "job-002" { // both workers are stuck after one good job
				<-ctx.Done()
				return failed(zuora.ReasonTimeout)
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
scrape_success{job_id="job-004",tenant="t"} 0`, "scrape_success", "scrape_error", "scrape_duration_seconds")
		if took := time.Since(begun); took != 9500*time.Millisecond {
			t.Errorf("got an answer after %s, want it after 9.5s", took)
		}
		if text := logged.String(); strings.Count(text, "job_id=") != 2 || strings.Count(text, "jobs=2 configured=5") != 1 {
			t.Errorf("logged\n%s", text)
		}
	})
}

func TestNoJobStarves(t *testing.T) {
	for name, tc := range map[string]struct{ workers, stuck, jobs int }{
		"more stuck jobs than workers": {2, 5, 12},
		"nothing but stuck jobs":       {3, 10, 10},
		"one worker":                   {1, 3, 7},
		"none stuck":                   {2, 0, 9},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				asked := map[string]int{}
				c := newCollector(log.NewNopLogger(), tc.workers, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
					mu.Lock()
					asked[id]++
					mu.Unlock()
					if id < fmt.Sprintf("job-%03d", tc.stuck) {
						<-ctx.Done()
						return failed(zuora.ReasonTimeout)
					}
					time.Sleep(300 * time.Millisecond)
					return completed()
				}, ids(tc.jobs)...)
				for range tc.jobs { // by at least one job a scrape
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					testutil.CollectAndCount(c.Scrape(ctx))
					cancel()
				}
				time.Sleep(time.Second) // reads that were cut off end
				mu.Lock()
				defer mu.Unlock()
				for _, id := range ids(tc.jobs) {
					if asked[id] == 0 {
						t.Errorf("%s was never asked for", id)
					}
				}
			})
		})
	}
}

func TestJobsAreReadAtOnceUpToTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		c := newCollector(log.NewNopLogger(), 4, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return completed()
		}, ids(10)...)
		begun := time.Now()
		testutil.CollectAndCount(c.Scrape(t.Context()))
		if most.Load() != 4 || time.Since(begun) != 3*time.Second {
			t.Errorf("got %d at once and %s in all, want 4 and 3s", most.Load(), time.Since(begun))
		}
	})
}

func TestScrapesRunSideBySide(t *testing.T) {
	c := newCollector(log.NewLogfmtLogger(io.Discard), 3, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
		if id == "job-003" {
			return failed(zuora.ReasonNotFound)
		}
		return completed()
	}, ids(20)...)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { testutil.CollectAndCount(c.Scrape(t.Context())) })
	}
	group.Wait()
}

// A tenant without jobs is down while no token can be had: the probes' newest
// token request says so.
func TestUpWithoutJobs(t *testing.T) {
	failure := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth}
	for name, tc := range map[string]struct {
		token zuora.TokenState
		want  int
	}{
		"nothing was asked yet":              {zuora.TokenState{}, 1},
		"no token":                           {zuora.TokenState{Failure: failure}, 0},
		"a token":                            {zuora.TokenState{Expiry: time.Now().Add(time.Hour)}, 1},
		"a failed renewal of one that lives": {zuora.TokenState{Expiry: time.Now().Add(time.Hour), Failure: failure}, 1},
	} {
		tenant := newTestTenant(1, nil)
		tenant.API = &apiState{token: tc.token}
		t.Run(name, func(t *testing.T) {
			expect(t, New([]Tenant{tenant}, nil, log.NewNopLogger(), nil).Scrape(t.Context()), fmt.Sprintf(`zuora_up{tenant="t"} %d`, tc.want), "zuora_up")
		})
	}
}

// What is known of a job goes on if the tenant stays as it is; if it changes,
// only the place does: the answers may be another Zuora tenant's.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() }, ids(2)...)
		c := New([]Tenant{first}, nil, log.NewNopLogger(), nil)
		testutil.CollectAndCount(c.Scrape(t.Context()))

		again := first
		again.Jobs = []Job{{ID: "job-001", Labels: map[string]string{"wave": "first"}}, {ID: "job-002"}}
		known := New([]Tenant{again}, []string{"wave"}, log.NewNopLogger(), c).LastReads()
		if known[0].Answer == nil || known[1].Answer != nil || known[0].Job.Labels["wave"] != "first" {
			t.Errorf("got %+v, want the answer of the first job only, and its labels", known)
		}

		changed := newTestTenant(1, nil, ids(2)...)
		next := New([]Tenant{changed}, nil, log.NewNopLogger(), c)
		if known := next.LastReads(); known[0].Answer != nil {
			t.Errorf("got %+v, want no answer of another client", known[0])
		}
		if got, want := next.tenants[0].configured[0].state.place.Load(), c.tenants[0].configured[0].state.place.Load(); got != want || got == 0 {
			t.Errorf("got the place %d, want %d", got, want)
		}
	})
}

// A corrected spelling of an id is what is asked for from then on.
func TestReloadCorrectsAnID(t *testing.T) {
	const right = "ff80808186b966950186b97922e200ab"
	var asked []string
	tenant := newTestTenant(1, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
		asked = append(asked, id)
		return completed()
	}, strings.ToUpper(right))
	c := New([]Tenant{tenant}, nil, log.NewNopLogger(), nil)
	testutil.CollectAndCount(c.Scrape(t.Context()))
	tenant.Jobs = []Job{{ID: right}}
	testutil.CollectAndCount(New([]Tenant{tenant}, nil, log.NewNopLogger(), c).Scrape(t.Context()))
	if want := []string{strings.ToUpper(right), right}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

// Zuora's limit is the tenant's, whatever a reload changes.
func TestReloadsKeepTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		slow := func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			select {
			case <-time.After(3 * time.Second):
				return completed()
			case <-ctx.Done():
				return failed(zuora.ReasonTimeout)
			}
		}
		var c *Collector
		var scrapes sync.WaitGroup
		for range 5 {
			c = New([]Tenant{newTestTenant(10, slow, ids(10)...)}, nil, log.NewNopLogger(), c)
			scrapes.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				testutil.CollectAndCount(c.Scrape(ctx))
			})
			time.Sleep(300 * time.Millisecond)
		}
		scrapes.Wait()
		if most.Load() != 10 {
			t.Errorf("got %d reads at once, want 10", most.Load())
		}
		c = New([]Tenant{newTestTenant(3, slow, ids(10)...)}, nil, log.NewNopLogger(), c)
		most.Store(0)
		testutil.CollectAndCount(c.Scrape(t.Context()))
		if most.Load() != 3 {
			t.Errorf("got %d reads at once, want 3, the new limit", most.Load())
		}
	})
}

// The requests that a scrape cut off are on its own page.
func TestPageHasItsOwnRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		metrics := NewAPIMetrics("t")
		tenant := newTestTenant(3, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			done := metrics.Observe(ctx, zuora.Request{Operation: zuora.OperationDataLabelingJob})
			defer done(zuora.Request{Operation: zuora.OperationDataLabelingJob})
			<-ctx.Done()
			time.Sleep(10 * time.Millisecond)
			return failed(zuora.ReasonTimeout)
		}, ids(3)...)
		tenant.Metrics = metrics
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		expect(t, New([]Tenant{tenant}, nil, log.NewNopLogger(), nil).Scrape(ctx), `zuora_api_requests_in_flight{tenant="t"} 0`, "zuora_api_requests_in_flight")
	})
}
