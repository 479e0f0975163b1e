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
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestLogSaysWhatChanged(t *testing.T) {
	var logged strings.Builder
	read := completed
	c := newCollector(level.NewFilter(log.NewLogfmtLogger(&logged), level.AllowInfo()), 1,
		func(context.Context, string) (*zuora.DataLabelingJob, error) { return read() }, "j")
	scrape := func() string {
		logged.Reset()
		testutil.CollectAndCount(c.Scrape(t.Context()))
		return logged.String()
	}
	if got := scrape(); got != "" {
		t.Errorf("a good job: %s", got)
	}
	read = func() (*zuora.DataLabelingJob, error) {
		return nil, &zuora.Error{
			Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonNotFound, StatusCode: 404,
			Code: "50000020", Message: "The job does not exist", RequestID: "r-1", ProcessID: "p-1", TrackID: "t-1",
		}
	}
	if got, want := scrape(), `level=warn tenant=t msg="Reading the job failed" job_id=j reason=not_found err="HTTP 404: 50000020: The job does not exist" zuora_request_id=r-1 process_id=p-1 zuora_track_id=t-1`+"\n"; got != want {
		t.Errorf("a job that starts to fail: %swant %s", got, want)
	}
	if got := scrape(); got != "" {
		t.Errorf("a job that still fails: %s", got)
	}
	read = completed
	if got, want := scrape(), `level=info tenant=t msg="Reading the job succeeds again" job_id=j status=Completed`+"\n"; got != want {
		t.Errorf("a job that recovers: %swant %s", got, want)
	}
}

// A scrape that is too short for all jobs says so in one line, however many
// reads its end cuts off, and whoever leaves early causes none.
func TestLogOfScrapesThatAreTooShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		c := newCollector(level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), level.AllowInfo()), 10,
			func(ctx context.Context, _ string) (*zuora.DataLabelingJob, error) {
				select {
				case <-time.After(400 * time.Millisecond):
					return completed()
				case <-ctx.Done():
					return failed(zuora.ReasonTimeout)
				}
			}, ids(60)...)
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			testutil.CollectAndCount(c.Scrape(ctx))
			cancel()
		}
		if got, want := logged.String(), `level=warn tenant=t msg="The scrape had no time for some jobs" jobs=50 configured=60`+"\n"; got != want {
			t.Errorf("logged\n%swant\n%s", got, want)
		}
		logged.Reset()
		for range 5 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(700*time.Millisecond, cancel)
			testutil.CollectAndCount(c.Scrape(ctx))
		}
		if got := logged.String(); got != "" {
			t.Errorf("whoever left caused\n%s", got)
		}
		for _, k := range c.LastReads() {
			if k.Failure != nil {
				t.Errorf("%s: %v", k.Job.ID, k.Failure)
			}
		}
	})
}

// What concerns the whole tenant is one line for it, whoever asked.
func TestLogOfTenant(t *testing.T) {
	token := &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonAuth, StatusCode: 401, Message: "invalid_client", RequestID: "r-1"}
	for name, tc := range map[string]struct {
		fail        func() (*zuora.DataLabelingJob, error)
		state       zuora.TokenState
		begin, end  string
		probe, good bool
	}{
		"no token": {
			fail:  func() (*zuora.DataLabelingJob, error) { return nil, token },
			begin: `level=warn tenant=t msg="Cannot get a token" jobs=200 configured=200 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
			end:   `level=info tenant=t msg="Got a token again"`,
		},
		"no token, probed": {
			fail:  func() (*zuora.DataLabelingJob, error) { return nil, token },
			probe: true,
			begin: `level=warn tenant=t msg="Cannot get a token" jobs=1 configured=0 reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
			end:   `level=info tenant=t msg="Got a token again"`,
		},
		"paused": {
			fail:  func() (*zuora.DataLabelingJob, error) { return failed(zuora.ReasonRateLimited) },
			begin: `level=warn tenant=t msg="Requests are paused" jobs=200 configured=200 reason=rate_limited err=because`,
			end:   `level=info tenant=t msg="Requests are no longer paused"`,
		},
		"a renewal fails": {
			fail:  completed,
			state: zuora.TokenState{Expiry: time.Now().Add(24 * time.Hour), Failure: token},
			begin: `level=warn tenant=t msg="Renewing the token failed; the old one is still good" reason=auth err="getting a token: HTTP 401: invalid_client" zuora_request_id=r-1`,
			end:   `level=info tenant=t msg="The token was renewed"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged strings.Builder
				read := completed
				tenant := newTestTenant(10, func(context.Context, string) (*zuora.DataLabelingJob, error) { return read() })
				if !tc.probe {
					tenant = newTestTenant(10, func(context.Context, string) (*zuora.DataLabelingJob, error) { return read() }, ids(200)...)
				}
				state := &apiState{}
				tenant.API = state
				c := New([]Tenant{tenant}, nil, level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), level.AllowInfo()), nil)
				scrape := func(bad bool, want string) {
					t.Helper()
					read, state.token = completed, zuora.TokenState{Expiry: time.Now().Add(24 * time.Hour)}
					if bad {
						read, state.token = tc.fail, tc.state
					}
					logged.Reset()
					if tc.probe {
						probe(t, t.Context(), c, jobID(1))
					} else {
						testutil.CollectAndCount(c.Scrape(t.Context()))
					}
					if got := strings.TrimSpace(logged.String()); got != want {
						t.Errorf("logged\n%s\nwant\n%s", got, want)
					}
					time.Sleep(15 * time.Second)
				}
				scrape(false, "")
				scrape(true, tc.begin)
				scrape(true, "")
				scrape(false, tc.end)
				for range 3 { // what comes and goes is no news
					scrape(true, "")
					scrape(false, "")
				}
				time.Sleep(calm)
				scrape(true, tc.begin)
				scrape(false, tc.end)
				for range calm / (15 * time.Second) { // unless it stays
					scrape(true, "")
				}
				scrape(true, tc.begin)
				scrape(false, tc.end)
			})
		})
	}
}

// Two kinds of timeout in turn are one failure.
func TestLogOfTimeoutsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		n := 0
		c := newCollector(level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), level.AllowInfo()), 20,
			func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
				if n%2 == 0 {
					return hang(ctx, id)
				}
				return failed(zuora.ReasonTimeout) // within the request timeout
			}, ids(20)...)
		for ; n < 10; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			testutil.CollectAndCount(c.Scrape(ctx))
			cancel()
			synctest.Wait()
		}
		if got := strings.Count(logged.String(), "\n"); got != 20 {
			t.Errorf("got %d lines, want one for each of 20 jobs:\n%s", got, &logged)
		}
	})
}

func TestLogAcrossReloads(t *testing.T) {
	for name, change := range map[string]bool{"the same tenant": false, "a changed tenant": true} {
		f := fleet{jobs: 30, takes: time.Second, workers: 10, servers: []time.Duration{0}, interval: 15 * time.Second, timeout: 1500 * time.Millisecond, reload: true, change: change, scrapes: 8}
		if _, got := f.simulate(t); strings.Count(got, "\n") != 1 || !strings.Contains(got, "had no time for some jobs") {
			t.Errorf("%s: logged\n%swant one line: no time", name, got)
		}
	}
}

// A server that cannot wait for a slow job makes no news of it while another
// one can.
func TestLogOfTwoTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		c := newCollector(level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), level.AllowInfo()), 1,
			func(context.Context, string) (*zuora.DataLabelingJob, error) {
				time.Sleep(7 * time.Second)
				return completed()
			}, "j")
		for range 5 {
			var servers sync.WaitGroup
			for _, timeout := range []time.Duration{5 * time.Second, 10 * time.Second} {
				servers.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), timeout)
					defer cancel()
					testutil.CollectAndCount(c.Scrape(ctx))
				})
			}
			servers.Wait()
			time.Sleep(5 * time.Second)
		}
		if got := logged.String(); got != "" {
			t.Errorf("logged\n%swant nothing", got)
		}
	})
}

// Jobs that had no time because there was no token are counted with those that
// had none.
func TestLogOfTokenThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		tenant := newTestTenant(10, hang, ids(100)...)
		tenant.API = &apiState{}
		c := New([]Tenant{tenant}, nil, level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&logged)), level.AllowInfo()), nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		testutil.CollectAndCount(c.Scrape(ctx))
		if got, want := logged.String(), `level=warn tenant=t msg="Cannot get a token" jobs=100 configured=100 reason=timeout err="getting a token: no token before the deadline"`+"\n"; got != want {
			t.Errorf("logged\n%swant\n%s", got, want)
		}
	})
}
