package collector

import (
	"context"
	"slices"
	"sync"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// trace records the requests that a read causes. It is safe for concurrent use.
type trace struct {
	mu   sync.Mutex
	sent []zuora.Request
}

type traceKey struct{}

// withTrace returns a context whose requests are recorded in t.
func withTrace(ctx context.Context, t *trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// Requests returns the requests so far, in the order in which they were sent.
func (t *trace) Requests() []zuora.Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sent)
}

// begin records a request, and returns the function that records its end.
func (t *trace) begin(r zuora.Request) (end func(zuora.Request)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.sent)
	t.sent = append(t.sent, r)
	return func(r zuora.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.sent[n] = r
	}
}
