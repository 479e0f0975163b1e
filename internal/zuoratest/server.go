// Package zuoratest is a stand-in for the part of the Zuora REST API that reads
// data labeling jobs. Tests, benchmarks and the demo run against it.
//
// It follows Zuora's published specification, not the needs of a client. It
// refuses a request that Zuora's documentation does not allow; a good request
// gets a wrong answer if a test asks for one, see [Fault].
package zuoratest

import (
	"crypto/tls"
	"io"
	"log" //nolint:depguard // http.Server knows no other logger, and this one is silent.
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The credentials that a server accepts. They are as long as Zuora's can be, and
// the secret holds every character that a form must escape.
const (
	ClientID     = "6a8a6e2f-0c1d-4e5f-8a9b-0c1d2e3f4a5b"
	ClientSecret = "zT4+q/9W=b&Rk2vN8xYpL0cJ5dG7hM1sF3uA6eQi+="
)

// Server is a stand-in for one Zuora tenant. All its methods are safe for
// concurrent use.
type Server struct {
	// URL is where the server listens, such as http://127.0.0.1:34567,
	// without a slash at its end.
	URL string

	http http.Server

	mu         sync.Mutex // guards all below
	latency    time.Duration
	tokens     map[string]bool          // All that were issued, and whether each is valid.
	jobs       map[string]func() string // What each answers.
	faults     map[string]Fault         // The key is a job's id, AnyJob or tokenPath.
	counts     Counters
	inProgress int // Job requests.
	closed     bool
}

// Counters is what a server has seen since its start or the last ResetCounters.
type Counters struct {
	TokenRequests int
	TokensIssued  int
	JobRequests   int
	Connections   int // opened

	// Cancelled counts, by id, the job requests that the client gave up before
	// their answer had ended.
	Cancelled map[string]int

	// MaxJobRequests is the highest number of job requests at once. A small
	// answer is sent after its request has left this count: a client that sends
	// one request after the other never makes it 2.
	MaxJobRequests int
}

// NewServer starts a server that speaks HTTP on a free port of 127.0.0.1. It
// panics if it cannot listen. Call Close when done.
func NewServer() *Server { return start("http://", listen()) }

// NewTLSServer is NewServer with HTTPS and this certificate.
func NewTLSServer(certificate tls.Certificate) *Server {
	return start("https://", tls.NewListener(listen(), &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
	}))
}

func listen() net.Listener {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	return listener
}

func start(scheme string, listener net.Listener) *Server {
	s := &Server{
		URL:    scheme + listener.Addr().String(),
		tokens: map[string]bool{},
		jobs:   map[string]func() string{},
		faults: map[string]Fault{},
		counts: Counters{Cancelled: map[string]int{}},
	}
	s.http.Handler = http.HandlerFunc(s.serve)
	s.http.ErrorLog = log.New(io.Discard, "", 0)
	s.http.ConnState = func(conn net.Conn, state http.ConnState) {
		s.locked(func() {
			if state == http.StateNew {
				s.counts.Connections++
			}
			if s.closed { // http.Server forgets one that it accepts while it is being closed.
				_ = conn.Close()
			}
		})
	}
	go func() { _ = s.http.Serve(listener) }()
	return s
}

// Close stops listening and closes every connection, even one with a request
// in progress.
func (s *Server) Close() {
	s.locked(func() { s.closed = true })
	_ = s.http.Close()
}

// SetLatency delays every answer from now on by d.
func (s *Server) SetLatency(d time.Duration) { s.locked(func() { s.latency = d }) }

// RevokeTokens makes every token that was issued so far invalid.
func (s *Server) RevokeTokens() {
	s.locked(func() {
		for token := range s.tokens {
			s.tokens[token] = false
		}
	})
}

// Tokens returns all tokens that were issued.
func (s *Server) Tokens() (tokens []string) {
	s.locked(func() { tokens = slices.Collect(maps.Keys(s.tokens)) })
	return tokens
}

// Counters returns a copy of the counters.
func (s *Server) Counters() (c Counters) {
	s.locked(func() {
		c = s.counts
		c.Cancelled = maps.Clone(c.Cancelled)
	})
	return c
}

// ResetCounters begins to count anew.
func (s *Server) ResetCounters() {
	s.locked(func() { s.counts = Counters{Cancelled: map[string]int{}} })
}

// locked runs what needs the lock.
func (s *Server) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}
