package zuoratest

import (
	"maps"
	"net/http"
	"sync"
	"time"
)

// Counters is what a server has seen since its start or the last ResetCounters.
type Counters struct {
	TokenRequests int
	TokensIssued  int
	JobRequests   int
	ByJob         map[string]int // Job requests by id, unknown ids included.
	Connections   int            // opened

	// MaxJobRequests is the highest number of job requests at once. A small
	// answer is sent after its request has left this count: a client that
	// sends one request after the other never makes it 2.
	MaxJobRequests int

	Leaks int // Requests to LeakPath.
}

// Request is an entry of the log that WithRequestLog keeps.
type Request struct {
	Method string
	Path   string      // with the query
	Header http.Header // such as Zuora-Track-Id
	Time   time.Time
}

type counters struct {
	logSize int

	mu         sync.Mutex
	counts     Counters
	inProgress int // job requests
	log        []Request
}

func newCounters() counters { return counters{counts: Counters{ByJob: map[string]int{}}} }

// Counters returns a copy of the counters.
func (s *Server) Counters() Counters {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	c := s.counters.counts
	c.ByJob = maps.Clone(c.ByJob)
	return c
}

// ResetCounters begins to count anew, and empties the log.
func (s *Server) ResetCounters() {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	s.counters.counts = Counters{ByJob: map[string]int{}, MaxJobRequests: s.counters.inProgress}
	s.counters.log = nil
}

// Requests returns the requests that WithRequestLog keeps, the oldest first.
func (s *Server) Requests() []Request {
	s.counters.mu.Lock()
	defer s.counters.mu.Unlock()
	return append([]Request(nil), s.counters.log...)
}

func (c *counters) add(count func(*Counters)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	count(&c.counts)
}

// enterJob counts a job request and returns how many are in progress with it.
func (c *counters) enterJob(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.JobRequests++
	c.counts.ByJob[id]++
	c.inProgress++
	c.counts.MaxJobRequests = max(c.counts.MaxJobRequests, c.inProgress)
	return c.inProgress
}

func (c *counters) leaveJob() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inProgress--
}

// record keeps a request in the log, which drops its oldest once it is full.
func (c *counters) record(r *http.Request, clock func() time.Time) {
	if c.logSize <= 0 {
		return
	}
	entry := Request{Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone(), Time: clock()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.log) == c.logSize {
		c.log = c.log[1:]
	}
	c.log = append(c.log, entry)
}
