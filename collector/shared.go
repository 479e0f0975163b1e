package collector

import (
	"context"
	"sync"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Shared is a Reader by which reads of one job that overlap share one request.
// A reader that gives up takes the request away from nobody: it ends with the
// last that waits for it.
type Shared struct {
	next Reader

	mu    sync.Mutex
	calls map[string]*call // under way, by job
}

type call struct {
	waiters int // guarded by Shared.mu
	cancel  context.CancelFunc

	done     chan struct{} // closed when what follows is set
	job      *zuora.DataLabelingJob
	err      error
	panicked any
}

// NewShared returns a Reader that shares the reads of next.
func NewShared(next Reader) *Shared {
	return &Shared{next: next, calls: make(map[string]*call)}
}

// DataLabelingJob implements Reader.
func (s *Shared) DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
	s.mu.Lock()
	c := s.calls[id]
	if c == nil {
		c = s.begin(context.WithoutCancel(ctx), id)
	}
	c.waiters++
	s.mu.Unlock()

	select {
	case <-c.done:
	case <-ctx.Done():
		if !s.leave(c, id) {
			return nil, &zuora.Error{
				Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonTimeout,
				Message: "no answer before the scrape's time ran out",
			}
		}
		<-c.done // at once, and it says how far the request got
	}
	if c.panicked != nil {
		panic(c.panicked)
	}
	return c.job, c.err
}

// begin starts a read. The caller holds the lock.
func (s *Shared) begin(ctx context.Context, id string) *call {
	ctx, cancel := context.WithCancel(ctx)
	c := &call{cancel: cancel, done: make(chan struct{})}
	s.calls[id] = c
	go func() {
		growStack(0)
		defer func() {
			c.panicked = recover() // for those who wait: they can tell of it
			s.mu.Lock()
			s.forget(c, id)
			s.mu.Unlock()
			cancel()
			close(c.done)
		}()
		c.job, c.err = s.next.DataLabelingJob(ctx, id)
	}()
	return c
}

// growStack makes room on a new goroutine's stack while there is nothing on it
// to move. Otherwise encoding/json's depths would, for each answer, at the cost
// of decoding it.
//
//go:noinline
func growStack(i int) byte {
	var room [6 << 10]byte
	return room[i]
}

// leave takes one waiter off, ends the read if it was the last, and tells
// whether it was.
func (s *Shared) leave(c *call, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.waiters--
	if c.waiters > 0 {
		return false
	}
	s.forget(c, id) // whoever comes now begins anew
	c.cancel()
	return true
}

func (s *Shared) forget(c *call, id string) {
	if s.calls[id] == c {
		delete(s.calls, id)
	}
}
