package collector

import (
	"cmp"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestLog(t *testing.T) {
	// A step is a scrape, or a probe, and what is logged then.
	type step struct {
		zuora   reader
		log     string
		after   time.Duration // the step before; a minute if it is 0
		timeout time.Duration // a minute if it is 0
		reload  func(*fixture)
		renewal *zuora.Error // how the token's renewal failed, if it did
		probe   bool
		leaves  bool // the client does, instead of a timeout
	}
	first := func(id string) bool { return id == "job-000" }
	missing := some(first, good, func(context.Context, string) (*zuora.DataLabelingJob, error) {
		return nil, &zuora.Error{
			Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonNotFound, StatusCode: 404,
			Code: "50000020", Message: "The job does not exist", RequestID: "r-1", ProcessID: "p-1", TrackID: "t-1",
		}
	})
	allMissing, down, slow := bad(zuora.ReasonNotFound), bad(zuora.ReasonUnavailable), slowly(400*time.Millisecond, good)
	tracked := func(f *fixture) {
		f.play(func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
			f.Metrics.Observe(ctx, zuora.Request{TrackID: "t-1"})
			return slowly(30*time.Second, good)(ctx, id)
		})
	}
	configure := func(ids ...string) func(*fixture) {
		return func(f *fixture) {
			f.configure(ids...)
			f.reload()
		}
	}
	another := (*fixture).changeClient
	noRoute := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonUnavailable, Message: "no route"}
	const (
		fails    = `level=warn tenant=t msg="Reading the job failed" job_id=job-001 reason=not_found err="HTTP 404: 50000020: The job does not exist" zuora_request_id=r-1 process_id=p-1 zuora_track_id=t-1`
		recovers = `level=info tenant=t msg="Reading the job succeeds again" job_id=job-001 status=Completed`
		isDown   = `level=warn tenant=t msg="No job was answered" jobs=2 configured=2 reason=unavailable err=because`
		isUp     = `level=info tenant=t msg="The tenant is up again"`
		isNew    = `level=warn tenant=t msg="Reading the job failed" job_id=job-002 reason=not_found err=because`
	)
	for name, tc := range map[string]struct {
		jobs  int
		steps []step
	}{
		"a job that begins to fail and recovers, and an outage": {2, []step{
			{zuora: good},
			{zuora: missing, log: fails},
			{zuora: missing},
			{zuora: good, log: recovers},
			{zuora: down, log: isDown},
			{zuora: down},
			{zuora: good, log: isUp},
		}},
		"the same, and another client each time": {2, []step{
			{zuora: missing, reload: another, log: fails},
			{zuora: missing, reload: another},
			{zuora: good, reload: another, log: recovers},
			{zuora: down, reload: another, log: isDown},
			{zuora: down, reload: another},
			{zuora: good, reload: another, log: isUp},
		}},
		"a job that is only probed is not told, one that is configured again is new": {0, []step{
			{zuora: allMissing, probe: true},
			{zuora: allMissing, reload: configure("job-002"), log: isNew},
			{zuora: allMissing, reload: configure()},
			{zuora: allMissing, reload: configure("job-002"), log: isNew},
		}},
		"a renewal that fails while the old token lives": {1, []step{
			{zuora: good},
			{zuora: good, renewal: noRoute, log: `level=warn tenant=t msg="Renewing the token failed; the old one is still good" reason=unavailable err="getting a token: no route"`},
			{zuora: good, renewal: noRoute},
			{zuora: good, log: `level=info tenant=t msg="The token was renewed"`},
		}},
		"a scrape that is too short for all jobs, and a client that leaves early": {60, []step{
			{zuora: slow, timeout: 600 * time.Millisecond, leaves: true},
			{zuora: slow, timeout: 600 * time.Millisecond, after: 10 * time.Minute, log: `level=warn tenant=t msg="There was no time to begin reading some jobs" jobs=40 configured=60 reason=timeout err="no answer before the deadline"`},
			{zuora: slow, log: isUp},
		}},
		"probes tell how it is once scrapes have ended": {2, []step{
			{reload: tracked, timeout: time.Second, log: `level=warn tenant=t msg="No job was answered" jobs=2 configured=2 reason=timeout err="no answer before the deadline" zuora_track_id=t-1`},
			{zuora: good, after: 2 * time.Minute, probe: true},
			{zuora: good, after: 4 * time.Minute, probe: true, log: isUp},
		}},
		"a read that ends after its scrape": {2, []step{
			{zuora: some(first, hang, good), timeout: time.Second},
			{zuora: good, after: 2 * time.Minute, probe: true, log: `level=warn tenant=t msg="Reading the job failed" job_id=job-000 reason=timeout err=because`},
		}},
		"the same, and a newer read": {2, []step{
			{zuora: some(first, hang, good), timeout: time.Second}, {zuora: good, after: 2 * time.Minute},
		}},
		"the same, and another client": {2, []step{
			{zuora: some(first, hang, good), timeout: time.Second}, {zuora: good, after: 2 * time.Minute, probe: true, reload: another},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(10, good, ids(tc.jobs)...)
				for i, s := range tc.steps {
					time.Sleep(cmp.Or(s.after, time.Minute))
					if s.zuora != nil {
						f.play(s.zuora)
					}
					if s.reload != nil {
						s.reload(f)
					}
					f.api.token.Store(&zuora.TokenState{Expiry: living().Expiry, Failure: s.renewal})
					timeout := cmp.Or(s.timeout, time.Minute)
					switch {
					case s.probe:
						f.probe(t, jobID(7), timeout)
					case s.leaves:
						ctx, cancel := context.WithCancel(t.Context())
						time.AfterFunc(timeout, cancel)
						success(t, f.Scrape(ctx))
					default:
						f.scrape(t, timeout)
					}
					f.expectLog(t, fmt.Sprintf("step %d", i), s.log)
				}
			})
		})
	}
}

// Each change of a tenant's state is one line, at most one a minute, and then
// the state at its end.
func TestLogOfTenant(t *testing.T) {
	token := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth, StatusCode: 401, Message: "invalid_client", RequestID: "r-1"}
	lacks := func(context.Context, string) (*zuora.DataLabelingJob, error) { return nil, token }
	one := func(id string) bool { return id == "job-010" }
	for name, tc := range map[string]struct {
		fails   reader
		noToken bool
		jobs    int // probed, if there are none
		begin   string
	}{
		"no token": {
			lacks, true, 20,
			`level=warn tenant=t msg="Cannot get a token" jobs=20 configured=20 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
		},
		"no token, probed": {
			lacks, true, 0,
			`level=warn tenant=t msg="Cannot get a token" jobs=1 configured=0 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
		},
		"paused, and one job needed a request": {
			some(one, bad(zuora.ReasonRateLimited), good), false, 20,
			`level=warn tenant=t msg="Requests are paused" jobs=1 configured=20 reason=rate_limited err=because`,
		},
		"paused while all others fail": {
			some(one, bad(zuora.ReasonRateLimited), bad(zuora.ReasonAuth)), false, 20,
			`level=warn tenant=t msg="Requests are paused" jobs=1 configured=20 reason=rate_limited err=because`,
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
