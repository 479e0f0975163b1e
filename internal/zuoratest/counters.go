package zuoratest

import (
	"maps"
	"net/http"
	"slices"
)

// Counters is what a server has seen since its start or the last ResetCounters.
type Counters struct {
	TokenRequests int
	TokensIssued  int
	JobRequests   int
	ByJob         map[string]int // Job requests by id, unknown ids included.
	Connections   int            // opened

	// Cancelled counts, by id, the job requests that the client gave up before
	// their answer had ended.
	Cancelled map[string]int

	// MaxJobRequests is the highest number of job requests at once, and
	// MaxOfOneJob that of requests for the same job. A small answer is sent
	// after its request has left these counts: a client that sends one request
	// after the other never makes them 2.
	MaxJobRequests int
	MaxOfOneJob    int

	Leaks int // Requests to LeakPath.
}

func newCounters() Counters {
	return Counters{ByJob: map[string]int{}, Cancelled: map[string]int{}}
}

// Counters returns a copy of the counters.
func (s *Server) Counters() (c Counters) {
	s.locked(func() { c = s.counts })
	c.ByJob, c.Cancelled = maps.Clone(c.ByJob), maps.Clone(c.Cancelled)
	return c
}

// ResetCounters begins to count anew, and empties the log.
func (s *Server) ResetCounters() {
	s.locked(func() { s.counts, s.requests = newCounters(), nil })
}

// enter counts a job request and returns how many are in progress with it.
func (s *Server) enter(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inProgress[AnyJob]++
	s.inProgress[id]++
	s.counts.JobRequests++
	s.counts.ByJob[id]++
	s.counts.MaxJobRequests = max(s.counts.MaxJobRequests, s.inProgress[AnyJob])
	s.counts.MaxOfOneJob = max(s.counts.MaxOfOneJob, s.inProgress[id])
	return s.inProgress[AnyJob]
}

func (s *Server) leave(id string, cancelled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inProgress[AnyJob]--
	s.inProgress[id]--
	if cancelled && !s.isClosed() {
		s.counts.Cancelled[id]++
	}
}

// Request is an entry of the log that WithRequestLog keeps.
type Request struct {
	Method string
	Path   string      // with the query
	Header http.Header // such as Zuora-Track-Id
}

// Requests returns the requests that WithRequestLog keeps, the oldest first.
func (s *Server) Requests() (requests []Request) {
	s.locked(func() { requests = slices.Clone(s.requests) })
	return requests
}

// record keeps a request in the log, which drops its oldest once it is full.
func (s *Server) record(r *http.Request) {
	if s.logSize == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{r.Method, r.URL.RequestURI(), r.Header.Clone()})
	s.requests = s.requests[max(0, len(s.requests)-s.logSize):]
}
