package collector

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestLogOfJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(1, good, ids(2)...)
		fails := some(func(id string) bool { return id == "job-000" }, good, func(context.Context, string) (*zuora.DataLabelingJob, error) {
			return nil, &zuora.Error{
				Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonNotFound, StatusCode: 404,
				Code: "50000020", Message: "The job does not exist", RequestID: "r-1", ProcessID: "p-1", TrackID: "t-1",
			}
		})
		for _, step := range []struct {
			when  string
			zuora reader
			want  string
		}{
			{"good jobs", good, ""},
			{"a job that starts to fail", fails, `level=warn tenant=t msg="Reading the job failed" job_id=job-001 reason=not_found err="HTTP 404: 50000020: The job does not exist" zuora_request_id=r-1 process_id=p-1 zuora_track_id=t-1`},
			{"a job that still fails", fails, ""},
			{"a job that recovers", good, `level=info tenant=t msg="Reading the job succeeds again" job_id=job-001 status=Completed`},
		} {
			f.play(step.zuora)
			f.scrape(t, time.Minute)
			f.expectLog(t, step.when, step.want)
			time.Sleep(15 * time.Second)
		}
		f.play(bad(zuora.ReasonNotFound))
		f.probe(t, jobID(7), time.Minute)
		f.expectLog(t, "a job that is only probed", "")
		for range 2 {
			f.configure("job-002")
			f.reload()
			f.scrape(t, time.Minute)
			f.expectLog(t, "a job that is configured", `level=warn tenant=t msg="Reading the job failed" job_id=job-002 reason=not_found err=because`)
			time.Sleep(time.Minute)
			f.configure()
			f.reload()
			f.scrape(t, time.Minute)
		}
	})
}

// Each change of a tenant's state is one line, at most one a minute, and then
// the state at its end.
func TestLogOfTenant(t *testing.T) {
	token := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth, StatusCode: 401, Message: "invalid_client", RequestID: "r-1"}
	lacks := func(context.Context, string) (*zuora.DataLabelingJob, error) { return nil, token }
	one := func(id string) bool { return id == "job-100" }
	for name, tc := range map[string]struct {
		fails   reader
		noToken bool
		jobs    int // probed, if there are none
		begin   string
	}{
		"no token": {
			lacks, true, 200,
			`level=warn tenant=t msg="Cannot get a token" jobs=200 configured=200 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
		},
		"no token, probed": {
			lacks, true, 0,
			`level=warn tenant=t msg="Cannot get a token" jobs=1 configured=0 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
		},
		"paused, and one job needed a request": {
			some(one, bad(zuora.ReasonRateLimited), good), false, 200,
			`level=warn tenant=t msg="Requests are paused" jobs=1 configured=200 reason=rate_limited err=because`,
		},
		"paused while all others fail": {
			some(one, bad(zuora.ReasonRateLimited), bad(zuora.ReasonAuth)), false, 200,
			`level=warn tenant=t msg="Requests are paused" jobs=1 configured=200 reason=rate_limited err=because`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(10, good, ids(tc.jobs)...)
				// A scrape every 15 s, b if it fails; a line is wanted for a capital.
				for i, scrape := range "gBbbbbbGbgbBgbbGbgggggggg" {
					f.play(good)
					f.api.token.Store(living())
					if scrape == 'b' || scrape == 'B' {
						f.play(tc.fails)
						if tc.noToken {
							f.api.token.Store(&zuora.TokenState{})
						}
					}
					if tc.jobs == 0 {
						f.probe(t, jobID(1), time.Minute)
					} else {
						f.scrape(t, time.Minute)
					}
					f.expectLog(t, fmt.Sprintf("scrape %d", i), map[rune]string{'B': tc.begin, 'G': `level=info tenant=t msg="The tenant is up again"`}[scrape])
					time.Sleep(15 * time.Second)
				}
			})
		})
	}
}

// A renewal that fails while the old token lives is one line.
func TestLogOfRenewal(t *testing.T) {
	f := newFixture(1, good, "j")
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
		f.api.token.Store(&zuora.TokenState{Expiry: living().Expiry, Failure: step.failure})
		f.scrape(t, time.Minute)
		f.expectLog(t, "renewal", step.want)
	}
}

// A scrape that is too short for all jobs says so in one line. A client that
// leaves early causes none.
func TestLogOfScrapesThatAreTooShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(10, slowly(400*time.Millisecond, good), ids(60)...)
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(600*time.Millisecond, cancel)
			success(t, f.Scrape(ctx))
		}
		f.expectLog(t, "clients that leave", "")
		time.Sleep(10 * time.Minute)
		f.scrape(t, 600*time.Millisecond)
		f.expectLog(t, "too short", `level=warn tenant=t msg="There was no time to begin reading some jobs" jobs=40 configured=60 reason=timeout err="no answer before the deadline"`)
		time.Sleep(time.Minute)
		f.scrape(t, time.Minute)
		f.expectLog(t, "long enough", `level=info tenant=t msg="The tenant is up again"`)
	})
}

// What a scrape said of the tenant holds while scrapes go on. If only probes go
// on, they say how it is.
func TestLogOfProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(2, nil, ids(2)...)
		f.play(func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			f.Metrics.Observe(ctx, zuora.Request{TrackID: "t-1"})
			return slowly(30*time.Second, good)(ctx, id)
		})
		f.scrape(t, time.Second)
		f.expectLog(t, "scraped", `level=warn tenant=t msg="No job was answered" jobs=2 configured=2 reason=timeout err="no answer before the deadline" zuora_track_id=t-1`)
		f.play(good)
		time.Sleep(2 * time.Minute)
		f.probe(t, jobID(1), time.Minute)
		f.expectLog(t, "probed soon after", "")
		time.Sleep(4 * time.Minute)
		f.probe(t, jobID(1), time.Minute)
		f.expectLog(t, "probed later", `level=info tenant=t msg="The tenant is up again"`)
	})
}

// A probe in the middle of a scrape does not take an outage for the failures of
// single jobs.
func TestLogOfAnOutageWithProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(2, slowly(time.Second, bad(zuora.ReasonUnavailable)), ids(10)...)
		time.AfterFunc(2500*time.Millisecond, func() { f.probe(t, jobID(1), time.Minute) })
		f.scrape(t, time.Minute)
		f.expectLog(t, "both", `level=warn tenant=t msg="No job was answered" jobs=10 configured=10 reason=unavailable err=because`)
	})
}

// A read that ends after its scrape is logged by the next scrape or probe,
// unless there is a newer one, or its client is no longer in use.
func TestLogOfLateReads(t *testing.T) {
	for name, tc := range map[string]struct {
		newer, reload bool
		want          string
	}{
		"":               {false, false, `level=warn tenant=t msg="Reading the job failed" job_id=job-000 reason=timeout err=because`},
		"a newer read":   {true, false, ""},
		"another client": {false, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(2, some(func(id string) bool { return id == "job-000" }, hang, good), ids(2)...)
				f.scrape(t, time.Second)
				time.Sleep(2 * time.Minute)
				f.expectLog(t, "before", "")
				f.play(good)
				if tc.reload {
					f.changeClient()
				}
				if tc.newer {
					f.scrape(t, time.Minute)
				} else {
					f.probe(t, jobID(1), time.Minute)
				}
				f.expectLog(t, "after", tc.want)
			})
		})
	}
}

// A token request that hangs is the tenant's failure, in the log and for the
// landing page.
func TestTokenRequestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(10, slowly(time.Minute, good), ids(10)...)
		f.api.token.Store(&zuora.TokenState{})
		f.scrape(t, 5*time.Second)
		f.expectLog(t, "a scrape", `level=warn tenant=t msg="Cannot get a token" jobs=10 configured=10 reason=timeout err="getting a token: no token before the deadline"`)
		for _, k := range f.LastReads() {
			if k.Failure == nil || k.Failure.Operation != zuora.OperationToken {
				t.Errorf("%s: got the failure %v, want that there is no token", k.Job.ID, k.Failure)
			}
		}
		time.Sleep(2 * time.Minute)
		for _, k := range f.LastReads() {
			if k.Failure != nil {
				t.Errorf("%s: got the failure %v, want none after a good read", k.Job.ID, k.Failure)
			}
		}
	})
}

// A reload that changes the tenant's client repeats no line, and a state that
// has begun before it ends after it.
func TestLogAcrossReloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(1, good, ids(1)...)
		for _, step := range []struct {
			when  string
			zuora reader
			want  string
		}{
			{"a job fails", bad(zuora.ReasonNotFound), `level=warn tenant=t msg="Reading the job failed" job_id=job-000 reason=not_found err=because`},
			{"it still fails", bad(zuora.ReasonNotFound), ""},
			{"it recovers", good, `level=info tenant=t msg="Reading the job succeeds again" job_id=job-000 status=Completed`},
			{"all fail", bad(zuora.ReasonUnavailable), `level=warn tenant=t msg="No job was answered" jobs=1 configured=1 reason=unavailable err=because`},
			{"all still fail", bad(zuora.ReasonUnavailable), ""},
			{"all recover", good, `level=info tenant=t msg="The tenant is up again"`},
		} {
			f.changeClient()
			f.play(step.zuora)
			f.scrape(t, time.Minute)
			f.expectLog(t, step.when, step.want)
			time.Sleep(time.Minute)
		}
	})
}
