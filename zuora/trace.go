package zuora

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Request is one request that was sent, for a person who looks for a fault.
type Request struct {
	Operation  string        // OperationToken or OperationDataLabelingJob
	StatusCode int           // 0 if there was no answer
	Duration   time.Duration // 0 while it is in progress
	RequestID  string        // Zuora-Request-Id; may be empty
	TrackID    string        // Zuora-Track-Id; empty for a token request
}

// Trace records the requests that a read causes. It is safe for concurrent use.
type Trace struct {
	mu   sync.Mutex
	sent []traced
}

// traced is a request with what its Zuora-Request-Id must not repeat: that is
// looked at only if somebody asks.
type traced struct {
	Request
	secrets secrets
}

type traceKey struct{}

// WithTrace returns a context whose reads are recorded in t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// traceFrom returns nil if nobody traces.
func traceFrom(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// Requests returns the requests so far, in the order in which they were sent.
func (t *Trace) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	requests := make([]Request, len(t.sent))
	for i, r := range t.sent {
		requests[i] = r.Request
		if r.RequestID != "" {
			requests[i].RequestID = r.secrets.show(r.RequestID)
		}
	}
	return requests
}

// begin records a request, and returns the function that records its end.
func (t *Trace) begin(a *answer) (end func()) {
	if t == nil {
		return func() {}
	}
	begun := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.sent)
	t.sent = append(t.sent, traced{Request: Request{Operation: a.operation, TrackID: a.trackID}})
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		r := &t.sent[n]
		r.StatusCode, r.Duration = a.status, time.Since(begun)
		r.RequestID, r.secrets = a.header.Get(headerRequestID), a.secrets
	}
}

// add adds the requests of other as they are now.
func (t *Trace) add(other *Trace) {
	if t == nil {
		return
	}
	other.mu.Lock()
	sent := slices.Clone(other.sent)
	other.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, sent...)
}
