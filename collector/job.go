package collector

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// staleness is how long the newest answer serves scrapes whose deadline comes
// before a newer one does. It is Prometheus's own.
const staleness = 5 * time.Minute

// maxProbed bounds the jobs that are known because they were probed.
const maxProbed = 10_000

// known is what is known of a tenant's jobs. It lives as long as the tenant's
// Reader stays the same.
type known struct {
	inProgress atomic.Int32 // reads

	mu         sync.Mutex
	configured map[string]*exposedJob // by canonical id
	others     map[string]*job        // by canonical id
	keep       time.Duration          // each of the others, after its last probe
}

// touch returns the job with that id, which is probed now.
func (k *known) touch(id string) *job {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := zuora.CanonicalJobID(id)
	if e := k.configured[key]; e != nil {
		return e.job
	}
	j := k.others[key]
	if j == nil || time.Since(j.touched) >= k.keep {
		j = &job{id: id, key: key}
		k.others[key] = j
	}
	j.touched, j.probed = time.Now(), true
	if len(k.others) > maxProbed {
		delete(k.others, slices.MinFunc(slices.Collect(maps.Values(k.others)), byTouched).key)
	}
	return j
}

// onlyProbed forgets the jobs whose last probe was too long ago, or that are too
// many. It returns the others, the one probed last first. The caller holds the
// lock.
func (k *known) onlyProbed() []*job {
	all := slices.SortedFunc(maps.Values(k.others), byTouched)
	slices.Reverse(all)
	for i, j := range all {
		if i >= maxProbed || time.Since(j.touched) >= k.keep {
			delete(k.others, j.key)
		}
	}
	return slices.DeleteFunc(all[:len(k.others)], func(j *job) bool { return !j.probed })
}

// byTouched puts the job that was probed longest ago first.
func byTouched(a, b *job) int { return a.touched.Compare(b.touched) }

// job is all that is known of one job, configured or only probed.
type job struct {
	id, key string // as it is asked for, and canonical

	mu      sync.Mutex
	reading *read                  // in progress, nil if there is none
	answer  *zuora.DataLabelingJob // the newest good one, nil before the first
	asked   time.Time              // when the scrape or probe began that asked for it
	endedAt time.Time              // the newest read
	took    time.Duration          // that read
	failure *zuora.Error           // of that read, nil if it was good
	missed  *zuora.Error           // of the newest scrape since then that waited in vain
	place   time.Time              // in the order of reads: the oldest goes first

	// Of a job that is not configured, guarded by known.mu:
	touched time.Time // when it was probed last, or left the configuration
	probed  bool      // since it left the configuration
}

// read is a read in progress. It belongs to no scrape: it goes on to its own
// end, and scrapes and probes that want the job meanwhile wait for it.
type read struct {
	job      *job
	asked    time.Time       // start of the scrape or probe that began it
	begun    time.Time       // when it had its slot
	requests []zuora.Request // sent so far; guarded by job.mu
	done     chan struct{}   // closed when it has ended
}

// waiter is a scrape or a probe, which waits until its own deadline.
type waiter struct {
	ctx   context.Context
	start time.Time
	probe bool
}

// Describe implements prometheus.Collector for scrapes and probes. It describes
// nothing: the labels are the configuration's, and a registry of one scrape has
// nothing to compare them with.
func (waiter) Describe(chan<- *prometheus.Desc) {}

// disconnected tells whether nobody waits for the page any more.
func (w waiter) disconnected() bool { return w.ctx.Err() == context.Canceled }

// outcome is what a scrape or probe has of a job.
type outcome struct {
	answer   *zuora.DataLabelingJob // the newest good one, nil before the first
	err      *zuora.Error           // why it does not serve, nil if it does
	ended    bool                   // by a read that ended in this scrape
	late     bool                   // the deadline came first
	noTime   bool                   // the read had no time to begin
	duration time.Duration
	requests []zuora.Request // that a probe's read has sent
	joined   bool            // a probe's read, which somebody else began
}

// cached returns the newest answer if it is younger than the interval of its
// state, and the job's place. An age runs from the start of the scrape that
// asked for the answer to the start of this one.
func (j *job) cached(w waiter, interval, completed time.Duration) (answer *zuora.DataLabelingJob, place time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.answer != nil && j.answer.Status == zuora.Completed {
		interval = max(interval, completed)
	}
	if j.answer == nil || interval == 0 || w.start.Sub(j.asked) >= freshFor(interval) {
		return nil, j.place
	}
	return j.answer, j.place
}

// freshFor is how long an answer is served again. Thanks to the tolerance, an
// interval equal to the scrape interval means one read per scrape.
func freshFor(interval time.Duration) time.Duration {
	return interval - min(interval/10, 2*time.Second)
}

// ReadEvery returns how far apart the reads of a job are, given the intervals
// at which it is scraped and refreshed.
func ReadEvery(scrape, refresh time.Duration) time.Duration {
	return max(scrape, (freshFor(refresh) + scrape - 1).Truncate(scrape))
}

// join returns the read in progress, nil if there is none, and whether one is
// wanted: not if one has ended since the waiter began. With begin, it begins the
// one that is wanted.
func (j *job) join(w waiter, begin bool) (r *read, wanted bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	wanted = j.reading == nil && j.endedAt.Before(w.start)
	if wanted && begin {
		j.reading = &read{job: j, asked: w.start, begun: time.Now(), done: make(chan struct{})}
	}
	return j.reading, wanted
}

// end records how a read ended. The job's place is when, but a failure that
// concerns the whole tenant leaves it as it is: after a pause, the same jobs go
// first. Times are monotonic: a clock that is set back changes no order.
func (j *job) end(r *read, answer *zuora.DataLabelingJob, err *zuora.Error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reading, j.endedAt, j.failure, j.missed = nil, time.Now(), err, nil
	j.took = j.endedAt.Sub(r.begun)
	if err == nil {
		j.answer, j.asked = answer, r.asked
	}
	if err == nil || !concernsTenant(err) {
		j.place = j.endedAt
	}
	close(r.done)
}

// concernsTenant tells whether a failure is the whole tenant's, not the job's.
func concernsTenant(err *zuora.Error) bool {
	return err.Operation == zuora.OperationToken || err.Reason == zuora.ReasonRateLimited
}

// outcome returns what a waiter has of the job when the read r has ended, or
// the waiter's time has. r is nil if it had no time to begin.
func (j *job) outcome(w waiter, r *read, noToken bool) (o outcome) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if w.probe && r != nil { // a scrape would hold the requests of all its jobs
		o.requests, o.joined = slices.Clone(r.requests), r.asked.Before(w.start)
	}
	o.answer = j.answer
	if !j.endedAt.Before(w.start) {
		o.ended, o.err, o.duration = true, j.failure, j.took
		return o
	}
	o.late = true
	// What the newest read brought serves, if it was good.
	if j.answer != nil && j.failure == nil && time.Since(j.endedAt) < staleness {
		return o
	}
	o.noTime = r == nil
	o.err = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonTimeout, Message: "no answer before the deadline"}
	if noToken {
		o.err = new(*errNoToken)
	}
	if r != nil {
		o.duration = time.Since(r.begun)
		if n := len(r.requests); n > 0 {
			o.err.TrackID = r.requests[n-1].TrackID
		}
	}
	if !w.disconnected() {
		j.missed = o.err
	}
	return o
}

var errNoToken = &zuora.Error{Operation: zuora.OperationToken, Reason: zuora.ReasonTimeout, Message: "no token before the deadline"}

// lastRead returns the newest good answer, and why there is no newer one.
func (j *job) lastRead() (*zuora.DataLabelingJob, *zuora.Error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.answer, cmp.Or(j.missed, j.failure)
}

type readKey struct{}

// sent records a request that a read has sent, and returns what records its end.
func (r *read) sent(request zuora.Request) (done func(zuora.Request)) {
	r.job.mu.Lock()
	defer r.job.mu.Unlock()
	n := len(r.requests)
	r.requests = append(r.requests, request)
	return func(ended zuora.Request) {
		r.job.mu.Lock()
		defer r.job.mu.Unlock()
		r.requests[n] = ended
	}
}
