package collector

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log/level"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// job is all that is known of one job, in one place. It outlives the
// configurations that have it.
type job struct {
	mu      sync.Mutex
	newest  *zuora.DataLabelingJob // nil before the first good answer
	asked   time.Time              // when the scrape began that read newest
	failure *zuora.Error           // of the newest read, nil if it was good
	failing bool                   // its failure has been logged
	reading *read                  // in progress, nil if there is none

	// place in the order of reads, in ns since 1970: see remember. A job of a
	// changed tenant shares it with the one before.
	place *atomic.Int64
}

func newJob() *job { return &job{place: new(atomic.Int64)} }

func (j *job) lastRead() (*zuora.DataLabelingJob, *zuora.Error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.newest, j.failure
}

// cached returns the newest answer if it is fresh.
func (t *tenant) cached(a asker, j *job) *zuora.DataLabelingJob {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.newest == nil {
		return nil
	}
	interval := t.RefreshInterval
	if j.newest.Status == zuora.Completed {
		interval = max(interval, t.CompletedRefreshInterval)
	}
	if age := a.start.Sub(j.asked); interval == 0 || age >= freshFor(interval) {
		return nil
	}
	return j.newest
}

// freshFor is how long an answer is served again. Its age runs from the start
// of the scrape that read it to the start of the scrape that asks. Thanks to
// the tolerance, an interval equal to the scrape interval means one read per
// scrape.
func freshFor(interval time.Duration) time.Duration {
	return interval - min(interval/10, 2*time.Second)
}

// ReadEvery returns how far apart the reads of a job are, given the intervals
// at which it is scraped and refreshed.
func ReadEvery(scrape, refresh time.Duration) time.Duration {
	return max(scrape, (freshFor(refresh) + scrape - 1).Truncate(scrape))
}

// aboutTenant tells whether a failure concerns the whole tenant, not the job.
func aboutTenant(err *zuora.Error) bool {
	return err.Operation == zuora.OperationToken || err.Reason == zuora.ReasonRateLimited
}

// remember records how a read ended: by itself, or cut off after nine tenths
// of its scrape's time. It is called for nothing else, and with j.mu held.
//
// The job's place in the order of reads is the time of its last end, but for
// one that is about the whole tenant: after a pause, the same jobs go first.
func (t *tenant) remember(named *namedJob, asked time.Time, answer *zuora.DataLabelingJob, err *zuora.Error) {
	j := named.state
	j.failure = err
	if err != nil && aboutTenant(err) {
		return // tally logs it, once for all jobs
	}
	j.place.Store(time.Now().UnixNano())
	if err == nil {
		j.newest, j.asked = answer, asked
		if j.failing {
			level.Info(t.logger).Log("msg", "Reading the job succeeds again", labelJobID, named.ID, labelStatus, answer.Status)
		}
		j.failing = false
		return
	}
	logger := level.Debug(t.logger)
	if named.configured && !j.failing {
		logger, j.failing = level.Warn(t.logger), true
	}
	logger.Log(append([]any{"msg", "Reading the job failed", labelJobID, named.ID}, described(err)...)...)
}

// described returns what a log line says of a failure.
func described(err *zuora.Error) []any {
	if err == nil {
		return nil
	}
	keyvals := []any{labelReason, err.Reason, "err", err}
	for _, id := range []struct{ key, value string }{
		{"zuora_request_id", err.RequestID}, {"process_id", err.ProcessID}, {"zuora_track_id", err.TrackID},
	} {
		if id.value != "" {
			keyvals = append(keyvals, id.key, id.value)
		}
	}
	return keyvals
}
