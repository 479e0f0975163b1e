package zuora

import (
	"context"
	"sync"
	"time"
)

// Request is one request that was sent, for a person who looks for a fault.
type Request struct {
	Operation  string // OperationToken or OperationDataLabelingJob
	StatusCode int    // 0 if there was no answer
	Duration   time.Duration
	RequestID  string // Zuora-Request-Id; may be empty
	TrackID    string // Zuora-Track-Id; empty for a token request
}

// Trace records the requests that a read caused. It is safe for concurrent use.
type Trace struct {
	mu       sync.Mutex
	requests []Request
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

// Requests returns the requests so far, in the order in which they ended.
func (t *Trace) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Request(nil), t.requests...)
}

func (t *Trace) add(a *answer, d time.Duration) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, Request{
		a.operation, a.status, d, a.secrets.show(a.header.Get(headerRequestID)), a.trackID,
	})
}

// join adds the requests of other.
func (t *Trace) join(other *Trace) {
	if t == nil {
		return
	}
	requests := other.Requests()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests = append(t.requests, requests...)
}
