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
	limit   int
	used    int
	waiting [2][]*turn // scrapes' and probes', in order
	inARow  int        // slots given to scrapes in a row while probes waited
}

// turn is a read that waits for a slot.
type turn struct {
	probe bool          // guarded by slots.mu
	given chan struct{} // closed when it has its slot
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
	if s.used < s.limit {
		s.used++
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
	s.used--
	s.give()
}

// resize changes how many reads may be in progress.
func (s *slots) resize(limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = limit
	s.give()
}

// give hands out the free slots. The caller holds the lock.
func (s *slots) give() {
	for s.used < s.limit {
		scrapes, probes := s.queue(false), s.queue(true)
		queue := scrapes
		switch {
		case len(*scrapes) == 0:
			queue = probes
		case len(*probes) == 0:
			s.inARow = 0
		case s.inARow == 3:
			queue, s.inARow = probes, 0
		default:
			s.inARow++
		}
		if len(*queue) == 0 {
			return
		}
		s.used++
		close((*queue)[0].given)
		*queue = slices.Delete(*queue, 0, 1)
	}
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
