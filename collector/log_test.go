package collector

import (
	"context"
	"strings"
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
