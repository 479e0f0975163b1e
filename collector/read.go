package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/go-kit/log/level"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

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

	trace    trace
	done     chan struct{} // closed when it has ended by itself, with job.mu held
	returned chan struct{} // closed when the Reader has returned
}

// asker is a scrape or a probe.
type asker struct {
	ctx   context.Context
	start time.Time
	probe bool
}

// deadline is far away if there is none.
func (a asker) deadline() time.Time {
	if deadline, ok := a.ctx.Deadline(); ok {
		return deadline
	}
	return a.start.AddDate(1, 0, 0)
}

// gone tells whether the client has disconnected: then nothing is logged or
// remembered.
func (a asker) gone() bool { return errors.Is(a.ctx.Err(), context.Canceled) }

// outcome is what a scrape or a probe learned about one job. One of answer and
// err is nil.
type outcome struct {
	answer   *zuora.DataLabelingJob
	err      *zuora.Error
	cached   bool
	joined   bool  // a read that was in progress
	cut      *read // the read, if it ended because nobody waited any more
	begun    bool  // false if there was no time to begin, or no need to
	duration time.Duration
	// trace is nil for a scrape, which would hold the reads of all its jobs.
	trace *trace
	// leftOut is true if the deadline came before the read had nine tenths of
	// the scrape's time. That is no failure of the job.
	leftOut bool
}

// read answers from the cache, joins the read in progress, or starts one.
func (t *tenant) read(a asker, named *namedJob) outcome {
	j := named.state
	if answer := t.cached(a, j); answer != nil {
		return outcome{answer: answer, cached: true}
	}
	if a.ctx.Err() != nil {
		return outcome{err: timeout(), leftOut: true}
	}
	since := time.Now()
	r, joined := t.join(a, named)
	select {
	case <-r.done:
	case <-a.ctx.Done():
	}
	o := t.leave(a, named, r, since)
	o.joined = joined
	if a.probe {
		o.trace = &r.trace
	}
	return o
}

func timeout() *zuora.Error {
	return &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonTimeout, Message: "no answer before the deadline"}
}

// join makes a a waiter of the read in progress, which it starts if there is
// none.
func (t *tenant) join(a asker, named *namedJob) (r *read, joined bool) {
	j := named.state
	j.mu.Lock()
	defer j.mu.Unlock()
	r, joined = j.reading, j.reading != nil
	if !joined {
		r = &read{turn: newTurn(a.probe), done: make(chan struct{}), returned: make(chan struct{})}
		ctx, cancel := context.WithCancel(withTrace(context.WithoutCancel(a.ctx), &r.trace))
		r.cancel, j.reading = cancel, r
		go t.run(ctx, a.start, named, r)
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
func (t *tenant) run(ctx context.Context, asked time.Time, named *namedJob, r *read) {
	growStack(0)
	j := named.state
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

	answer, err := t.ask(ctx, named.ID)

	j.mu.Lock()
	defer j.mu.Unlock()
	if ctx.Err() != nil {
		return
	}
	j.reading = nil
	r.answer, r.err = answer, err
	t.remember(named, asked, answer, err)
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
func (t *tenant) leave(a asker, named *namedJob, r *read, since time.Time) outcome {
	j := named.state
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
	o.leftOut = !o.begun || 10*time.Since(begun) < 9*a.deadline().Sub(a.start)
	if requests := r.trace.Requests(); len(requests) > 0 {
		o.err.TrackID = requests[len(requests)-1].TrackID
	}
	if o.cut != nil && !o.leftOut {
		t.remember(named, a.start, nil, o.err)
	}
	return o
}
