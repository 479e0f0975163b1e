package collector

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// logbook is a logger that keeps its lines from info on.
type logbook struct {
	log.Logger
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (b *logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func newLogbook() *logbook {
	b := &logbook{}
	b.Logger = level.NewFilter(log.NewLogfmtLogger(b), level.AllowInfo())
	return b
}

// expect compares what was logged since the last time.
func (b *logbook) expect(t *testing.T, when, want string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if got := strings.TrimSpace(b.text.String()); got != want {
		t.Errorf("%s: logged\n%s\nwant\n%s", when, got, want)
	}
	b.text.Reset()
}

func TestLogOfJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		bad := false
		c := newCollector(logged, 1, func(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
			if id == "job-000" || !bad {
				return completed()
			}
			return nil, &zuora.Error{
				Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonNotFound, StatusCode: 404,
				Code: "50000020", Message: "The job does not exist", RequestID: "r-1", ProcessID: "p-1", TrackID: "t-1",
			}
		}, ids(2)...)
		for _, step := range []struct {
			when string
			bad  bool
			want string
		}{
			{"good jobs", false, ""},
			{"a job that starts to fail", true, `level=warn tenant=t msg="Reading the job failed" job_id=job-001 reason=not_found err="HTTP 404: 50000020: The job does not exist" zuora_request_id=r-1 process_id=p-1 zuora_track_id=t-1`},
			{"a job that still fails", true, ""},
			{"a job that recovers", false, `level=info tenant=t msg="Reading the job succeeds again" job_id=job-001 status=Completed`},
		} {
			bad = step.bad
			gathered(t, c.Scrape(t.Context()))
			logged.expect(t, step.when, step.want)
			time.Sleep(15 * time.Second)
		}
		bad = true
		gathered(t, newProbe(t, t.Context(), c, jobID(7)))
		logged.expect(t, "a job that is only probed", "")
	})
}

// Each change of a tenant's state is one line, at most one a minute, and then
// the state at its end.
func TestLogOfTenant(t *testing.T) {
	token := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth, StatusCode: 401, Message: "invalid_client", RequestID: "r-1"}
	for name, tc := range map[string]struct {
		fail  func() (*zuora.DataLabelingJob, error)
		state zuora.TokenState
		probe bool
		begin string
	}{
		"no token": {
			fail:  func() (*zuora.DataLabelingJob, error) { return nil, token },
			begin: `level=warn tenant=t msg="Cannot get a token" jobs=200 configured=200 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
		},
		"no token, probed": {
			fail:  func() (*zuora.DataLabelingJob, error) { return nil, token },
			probe: true,
			begin: `level=warn tenant=t msg="Cannot get a token" jobs=1 configured=0 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
		},
		"paused": {
			fail:  func() (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonRateLimited) },
			state: zuora.TokenState{Expiry: time.Now().AddDate(9, 0, 0)},
			begin: `level=warn tenant=t msg="Requests are paused" jobs=200 configured=200 reason=rate_limited err=because`,
		},
		"down": {
			fail:  func() (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonUnavailable) },
			state: zuora.TokenState{Expiry: time.Now().AddDate(9, 0, 0)},
			begin: `level=warn tenant=t msg="No job was answered" jobs=200 configured=200 reason=unavailable err=because`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				logged := newLogbook()
				read := completed
				tenant := newTestTenant(10, func(context.Context, string) (*zuora.DataLabelingJob, error) { return read() })
				for _, id := range ids(200) {
					if !tc.probe {
						tenant.Jobs = append(tenant.Jobs, ConfiguredJob{ID: id})
					}
				}
				state := &api{}
				tenant.API = state
				c := New([]Tenant{tenant}, nil, logged, nil)
				scrape := func(bad bool, want string) {
					t.Helper()
					read, state.token = completed, zuora.TokenState{Expiry: time.Now().AddDate(9, 0, 0)}
					if bad {
						read, state.token = tc.fail, tc.state
					}
					if tc.probe {
						gathered(t, newProbe(t, t.Context(), c, jobID(1)))
					} else {
						gathered(t, c.Scrape(t.Context()))
					}
					logged.expect(t, "bad: "+map[bool]string{true: "yes", false: "no"}[bad], want)
					time.Sleep(15 * time.Second)
				}
				const end = `level=info tenant=t msg="The tenant is up again"`
				scrape(false, "")
				scrape(true, tc.begin)
				for range 5 { // one line a minute, and then the state at its end
					scrape(true, "")
				}
				scrape(false, end)
				scrape(true, "")
				scrape(false, "")
				scrape(true, "")
				scrape(true, tc.begin)
				scrape(false, "")
				for range 2 {
					scrape(true, "")
				}
				scrape(false, end)
				scrape(true, "")
				for range 8 {
					scrape(false, "")
				}
			})
		})
	}
}

// A renewal that fails while the old token lives is one line.
func TestLogOfRenewal(t *testing.T) {
	logged := newLogbook()
	tenant := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return completed() }, "j")
	state := &api{}
	tenant.API = state
	c := New([]Tenant{tenant}, nil, logged, nil)
	failure := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonUnavailable, Message: "no route"}
	for _, step := range []struct {
		failure *zuora.Error
		want    string
	}{
		{nil, ""},
		{failure, `level=warn tenant=t msg="Renewing the token failed; the old one is still good" reason=unavailable err="getting a token: no route"`},
		{failure, ""},
		{nil, `level=info tenant=t msg="The token was renewed"`},
	} {
		state.set(zuora.TokenState{Expiry: time.Now().Add(time.Hour), Failure: step.failure})
		gathered(t, c.Scrape(t.Context()))
		logged.expect(t, "renewal", step.want)
	}
}

// A scrape that is too short for all jobs says so in one line. A client that
// leaves early causes none.
func TestLogOfScrapesThatAreTooShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		c := newCollector(logged, 10, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			time.Sleep(400 * time.Millisecond)
			return completed()
		}, ids(60)...)
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(600*time.Millisecond, cancel)
			gathered(t, c.Scrape(ctx))
		}
		logged.expect(t, "clients that leave", "")
		time.Sleep(10 * time.Minute)
		scrape(t, c, 600*time.Millisecond)
		logged.expect(t, "too short", `level=warn tenant=t msg="There was no time to begin reading some jobs" jobs=40 configured=60 reason=timeout err="no answer before the deadline"`)
		time.Sleep(time.Minute)
		gathered(t, c.Scrape(t.Context()))
		logged.expect(t, "long enough", `level=info tenant=t msg="The tenant is up again"`)
	})
}

// What a scrape said of the tenant holds while scrapes go on. If only probes go
// on, they say how it is.
func TestLogOfProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		first := true
		tenant := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			if first {
				first = false
				time.Sleep(30 * time.Second)
			}
			return completed()
		}, jobID(9), jobID(8))
		c := New([]Tenant{tenant}, nil, logged, nil)
		scrape(t, c, time.Second)
		logged.expect(t, "scraped", `level=warn tenant=t msg="No job was answered" jobs=2 configured=2 reason=timeout err="no answer before the deadline"`)
		time.Sleep(2 * time.Minute)
		gathered(t, newProbe(t, t.Context(), c, jobID(1)))
		logged.expect(t, "probed soon after", "")
		time.Sleep(4 * time.Minute)
		gathered(t, newProbe(t, t.Context(), c, jobID(1)))
		logged.expect(t, "probed later", `level=info tenant=t msg="The tenant is up again"`)
	})
}

// A read that ends after its scrape is logged by the next scrape or probe.
func TestLogOfLateReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		c := newCollector(logged, 2, func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			if id == "job-000" {
				return hang(ctx, id)
			}
			return completed()
		}, ids(2)...)
		scrape(t, c, time.Second)
		time.Sleep(2 * time.Minute)
		logged.expect(t, "before", "")
		gathered(t, newProbe(t, t.Context(), c, jobID(1)))
		logged.expect(t, "after", `level=warn tenant=t msg="Reading the job failed" job_id=job-000 reason=timeout err=because`)
	})
}

// A token request that hangs is the tenant's failure, in the log and for the
// landing page.
func TestTokenRequestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		tenant := newTestTenant(10, hang, ids(100)...)
		tenant.API = &api{}
		c := New([]Tenant{tenant}, nil, logged, nil)
		scrape(t, c, 5*time.Second)
		logged.expect(t, "a scrape", `level=warn tenant=t msg="Cannot get a token" jobs=100 configured=100 reason=timeout err="getting a token: no token before the deadline"`)
		for _, k := range c.LastReads() {
			if k.Failure == nil || k.Failure.Operation != zuora.OperationToken {
				t.Errorf("%s: got the failure %v, want that there is no token", k.Job.ID, k.Failure)
			}
		}
		time.Sleep(2 * time.Minute)
	})
}

// A reload that changes the tenant's client repeats no line.
func TestLogAcrossReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		var c *Collector
		for i, reason := range []zuora.Reason{zuora.ReasonNotFound, zuora.ReasonUnavailable} {
			want := []string{
				`level=warn tenant=t msg="Reading the job failed" job_id=job-000 reason=not_found err=because`,
				`level=warn tenant=t msg="No job was answered" jobs=1 configured=1 reason=unavailable err=because`,
			}[i]
			for range 3 {
				changed := newTestTenant(1, func(context.Context, string) (*zuora.DataLabelingJob, error) { return failed(reason) }, ids(1)...)
				c = New([]Tenant{changed}, nil, logged, c)
				gathered(t, c.Scrape(t.Context()))
				logged.expect(t, string(reason), want)
				want = ""
				time.Sleep(time.Second)
			}
		}
	})
}

// A probe in the middle of a scrape does not take an outage for the failures of
// single jobs.
func TestLogOfAnOutageWithProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logged := newLogbook()
		c := newCollector(logged, 2, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			time.Sleep(time.Second)
			return failed(zuora.ReasonUnavailable)
		}, ids(10)...)
		scraped := make(chan bool)
		go func() {
			defer close(scraped)
			gathered(t, c.Scrape(t.Context()))
		}()
		time.Sleep(2500 * time.Millisecond)
		gathered(t, newProbe(t, t.Context(), c, jobID(1)))
		logged.expect(t, "probed", "")
		<-scraped
		logged.expect(t, "scraped", `level=warn tenant=t msg="No job was answered" jobs=10 configured=10 reason=unavailable err=because`)
	})
}
