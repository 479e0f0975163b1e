package collector

import (
	"context"
	"slices"
	"sync"
)

// slots bounds a tenant's reads in progress. A free slot is a scrape's before
// it is a probe's, but while both wait, every fourth is a probe's.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting [2][]*turn // scrapes' and probes', in order
	given   int        // slots given to scrapes in a row while probes waited
}

// turn is a read's place in the queue.
type turn struct {
	probe bool // guarded by slots.mu
	given chan struct{}
}

func newTurn(probe bool) turn { return turn{probe, make(chan struct{})} }

func (s *slots) queue(probe bool) *[]*turn {
	if probe {
		return &s.waiting[1]
	}
	return &s.waiting[0]
}

// acquire waits for a slot, and tells whether it got one before ctx ended.
func (s *slots) acquire(ctx context.Context, t *turn) bool {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return true
	}
	queue := s.queue(t.probe)
	*queue = append(*queue, t)
	s.mu.Unlock()

	select {
	case <-t.given:
		return true
	case <-ctx.Done():
	}
	s.mu.Lock()
	waits := s.remove(t)
	s.mu.Unlock()
	if !waits { // it was given at the same moment
		s.release()
	}
	return false
}

// remove takes a turn out of its queue, and tells whether it was there.
func (s *slots) remove(t *turn) bool {
	queue := s.queue(t.probe)
	i := slices.Index(*queue, t)
	if i < 0 {
		return false
	}
	*queue = slices.Delete(*queue, i, i+1)
	return true
}

func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	scrapes, probes := s.queue(false), s.queue(true)
	queue := scrapes
	switch {
	case len(*scrapes) == 0:
		queue = probes
	case len(*probes) == 0:
		s.given = 0
	case s.given == 3:
		queue, s.given = probes, 0
	default:
		s.given++
	}
	if len(*queue) == 0 {
		s.free++
		return
	}
	close((*queue)[0].given)
	*queue = slices.Delete(*queue, 0, 1)
}

// raise makes a probe's turn a scrape's.
func (s *slots) raise(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.probe {
		return
	}
	waits := s.remove(t)
	t.probe = false
	if waits {
		s.waiting[0] = append(s.waiting[0], t)
	}
}
