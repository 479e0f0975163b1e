package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
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

// read is a read in progress. Scrapes and probes that overlap share it.
type read struct {
	cancel context.CancelFunc
	turn   turn
	// Guarded by job.mu:
	waiters  int
	deadline time.Time // of the last waiter
	begun    time.Time // zero while it waits for a slot
	answer   *zuora.DataLabelingJob
	err      *zuora.Error

	trace    zuora.Trace
	done     chan struct{} // closed when it has ended by itself, with job.mu held
	returned chan struct{} // closed when the Reader has returned
}

// asker is a scrape or a probe.
type asker struct {
	ctx   context.Context
	begun time.Time
	probe bool
}

// deadline is far away if there is none.
func (a asker) deadline() time.Time {
	if deadline, ok := a.ctx.Deadline(); ok {
		return deadline
	}
	return a.begun.AddDate(1, 0, 0)
}

// gone tells whether the client has disconnected. Its outcomes are then ignored.
func (a asker) gone() bool { return errors.Is(a.ctx.Err(), context.Canceled) }

// outcome is what a scrape or a probe learned about one job. One of answer and
// err is nil.
type outcome struct {
	answer   *zuora.DataLabelingJob
	err      *zuora.Error
	cached   bool
	joined   bool  // a read that was in progress
	read     *read // nil if there was none
	cut      *read // the same, if it ended because nobody waited any more
	begun    bool  // false if there was no time to begin, or no need to
	duration time.Duration
	// leftOut is true if the deadline came before the read had nine tenths of
	// the scrape's time. That is no failure of the job.
	leftOut bool
}

// read answers from the cache, joins the read in progress, or starts one.
func (t *tenant) read(a asker, target *target) outcome {
	j := target.job
	if answer := t.cached(a, j); answer != nil {
		return outcome{answer: answer, cached: true}
	}
	if a.ctx.Err() != nil {
		return outcome{err: timeout(), leftOut: true}
	}
	since := time.Now()
	r, joined := t.join(a, target)
	select {
	case <-r.done:
	case <-a.ctx.Done():
	}
	o := t.leave(a, target, r, since)
	o.read, o.joined = r, joined
	return o
}

func timeout() *zuora.Error {
	return &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonTimeout, Message: "no answer before the deadline"}
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
	if age := a.begun.Sub(j.asked); interval == 0 || age >= freshFor(interval) {
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

// join makes a a waiter of the read in progress, which it starts if there is
// none.
func (t *tenant) join(a asker, target *target) (r *read, joined bool) {
	j := target.job
	j.mu.Lock()
	defer j.mu.Unlock()
	r, joined = j.reading, j.reading != nil
	if !joined {
		r = &read{turn: newTurn(a.probe), done: make(chan struct{}), returned: make(chan struct{})}
		ctx, cancel := context.WithCancel(zuora.WithTrace(context.WithoutCancel(a.ctx), &r.trace))
		r.cancel, j.reading = cancel, r
		go t.run(ctx, a.begun, target, r)
	} else if !a.probe {
		t.slots.raise(&r.turn)
	}
	r.waiters++
	if deadline := a.deadline(); deadline.After(r.deadline) {
		r.deadline = deadline
	}
	return r, joined
}

// run reads a job, and ends with its last waiter.
func (t *tenant) run(ctx context.Context, asked time.Time, target *target, r *read) {
	growStack(0)
	j := target.job
	defer close(r.returned)
	defer r.cancel()
	if !t.slots.acquire(ctx, &r.turn) {
		return // nobody waits for it
	}
	defer t.slots.release()
	j.mu.Lock()
	now := time.Now()
	late := !now.Before(r.deadline)
	if !late {
		r.begun = now
	}
	j.mu.Unlock()
	if late { // those who wait are about to leave
		return
	}

	answer, err := t.ask(ctx, target.ID)

	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	j.reading = nil
	r.answer, r.err = answer, err
	t.remember(target, asked, answer, err)
	close(r.done)
}

// ask calls the Reader. A panic on the way is a failure of this one job.
func (t *tenant) ask(ctx context.Context, id string) (answer *zuora.DataLabelingJob, e *zuora.Error) {
	defer func() {
		if p := recover(); p != nil {
			// Only the runtime's own words: any other value could hold a secret.
			text := fmt.Sprintf("panic with a %T", p)
			if err, ok := p.(runtime.Error); ok {
				text = "panic: " + err.Error()
			}
			level.Error(t.logger).Log("msg", "A defect of the exporter, please report it", labelJobID, id, "err", text, "stack", string(debug.Stack()))
			e = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonInvalidResponse, Message: text}
		}
	}()
	answer, err := t.Reader.DataLabelingJob(ctx, id)
	if err != nil && !errors.As(err, &e) {
		e = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonUnavailable, Message: err.Error()}
	}
	return answer, e
}

// growStack makes room on a new goroutine's stack while there is nothing on it
// to move: encoding/json needs it for each answer.
//
//go:noinline
func growStack(i int) byte {
	var room [6 << 10]byte
	return room[i]
}

// leave takes a waiter off a read that has ended, or at the waiter's deadline.
// The read ends with its last waiter.
func (t *tenant) leave(a asker, target *target, r *read, since time.Time) outcome {
	j := target.job
	j.mu.Lock()
	defer j.mu.Unlock()
	o := outcome{begun: !r.begun.IsZero(), duration: time.Since(since)}
	select {
	case <-r.done:
		o.answer, o.err = r.answer, r.err
		return o
	default:
		o.err = timeout()
	}
	r.waiters--
	if r.waiters == 0 {
		j.reading = nil // the next waiter starts a new read
		r.cancel()
		o.cut = r
	}
	if a.gone() {
		return o
	}
	var token zuora.TokenState
	if t.API != nil {
		if token = t.API.Token(); token.Expiry.IsZero() {
			o.err.Operation, o.err.Message = zuora.OperationToken, "no token before the deadline"
			return o
		}
	}
	// The waits for a slot and for a token are not the job's time.
	begun := r.begun
	if token.Since.After(begun) {
		begun = token.Since
	}
	o.leftOut = !o.begun || 10*time.Since(begun) < 9*a.deadline().Sub(a.begun)
	if requests := r.trace.Requests(); len(requests) > 0 {
		o.err.TrackID = requests[len(requests)-1].TrackID
	}
	if o.cut != nil && !o.leftOut {
		t.remember(target, a.begun, nil, o.err)
	}
	return o
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
func (t *tenant) remember(target *target, asked time.Time, answer *zuora.DataLabelingJob, err *zuora.Error) {
	j := target.job
	j.failure = err
	if err != nil && aboutTenant(err) {
		return // tally logs it, once for all jobs
	}
	j.place.Store(time.Now().UnixNano())
	if err == nil {
		j.newest, j.asked = answer, asked
		if j.failing {
			level.Info(t.logger).Log("msg", "Reading the job succeeds again", labelJobID, target.ID, labelStatus, answer.Status)
		}
		j.failing = false
		return
	}
	logger := level.Debug(t.logger)
	if target.configured && !j.failing {
		logger, j.failing = level.Warn(t.logger), true
	}
	logger.Log(append([]any{"msg", "Reading the job failed", labelJobID, target.ID}, described(err)...)...)
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

func (j *job) lastRead() (*zuora.DataLabelingJob, *zuora.Error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.newest, j.failure
}
