// Package zuoratest is a stand-in for the part of the Zuora REST API that reads
// data labeling jobs. Tests, benchmarks and the demo run against it.
//
// It follows Zuora's published specification, not the needs of a client. It
// refuses a request that Zuora's documentation does not allow; a good request
// gets a wrong answer if a test asks for one, see [Fault].
package zuoratest

import (
	"context"
	"crypto/tls"
	"io"
	"log" //nolint:depguard // http.Server knows no other logger, and this one is silent.
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is a stand-in for one Zuora tenant. All its methods are safe for
// concurrent use.
type Server struct {
	// URL is where the server listens, such as http://127.0.0.1:34567,
	// without a slash at its end.
	URL string

	entity, defaultVersion string
	tokenLife              time.Duration
	concurrent             int // Job requests at once; 0 for no limit.
	logSize                int

	mu         sync.Mutex // guards all up to the empty line
	latency    time.Duration
	secret     string
	tokens     map[string]time.Time     // When each ends.
	jobs       map[string]func() string // What each answers.
	faults     map[string]*Fault        // The key is a job's id, AnyJob or tokenPath.
	limit      RateLimit                // None, if it has no requests.
	counts     Counters
	inProgress map[string]int // Job requests by id; under "" those for all jobs.
	requests   []Request
	forgotten  time.Time // See ForgetConnections.

	http   http.Server
	closed chan struct{}
	close  sync.Once
}

// Option changes how a Server behaves from its start.
type Option func(*Server)

// WithEntity sets the id that each request, also the one for a token, must
// have in Zuora-Entity-Ids, as if the token covered several entities. Without
// the option the header is refused: it is "otherwise not to be sent".
func WithEntity(id string) Option { return func(s *Server) { s.entity = id } }

// WithTokenLife sets how long a token is good for, and what expires_in says.
// The default is 3599 s, as in Zuora's sample.
func WithTokenLife(d time.Duration) Option { return func(s *Server) { s.tokenLife = d } }

// WithDefaultVersion sets the Zuora-Version of requests that name none.
// Without it the tenant was never upgraded, and its errors are HTTP 200.
func WithDefaultVersion(version string) Option { return func(s *Server) { s.defaultVersion = version } }

// WithConcurrencyLimit sets how many job requests may be in progress at once.
// The default is 40, Zuora's limit for this class of requests; 0 means no
// limit and no Concurrency-Limit headers.
func WithConcurrencyLimit(n int) Option { return func(s *Server) { s.concurrent = n } }

// WithRequestLog keeps the last n requests for Requests. The default is none.
func WithRequestLog(n int) Option { return func(s *Server) { s.logSize = n } }

// WithLatency is SetLatency from the start.
func WithLatency(d time.Duration) Option { return func(s *Server) { s.SetLatency(d) } }

// WithRateLimits is SetRateLimits from the start. The default is what Zuora
// allows a production tenant, 50,000 a minute, which a benchmark exceeds.
func WithRateLimits(limit ...RateLimit) Option {
	return func(s *Server) { s.SetRateLimits(limit...) }
}

// NewServer starts a server that speaks HTTP on a free port of 127.0.0.1. It
// panics if it cannot listen. Call Close when done.
func NewServer(opts ...Option) *Server {
	s, listener := newServer("http://", opts)
	go func() { _ = s.http.Serve(listener) }()
	return s
}

// NewTLSServer is NewServer with HTTPS and this certificate, over HTTP/1.1 or
// HTTP/2 as the client wishes.
func NewTLSServer(certificate tls.Certificate, opts ...Option) *Server {
	s, listener := newServer("https://", opts)
	s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	go func() { _ = s.http.ServeTLS(listener, "", "") }()
	return s
}

func newServer(scheme string, opts []Option) (*Server, net.Listener) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		panic(err)
	}
	s := &Server{
		URL:        scheme + listener.Addr().String(),
		tokenLife:  3599 * time.Second,
		concurrent: 40,
		secret:     ClientSecret,
		tokens:     map[string]time.Time{},
		jobs:       map[string]func() string{},
		faults:     map[string]*Fault{},
		counts:     newCounters(),
		inProgress: map[string]int{},
		closed:     make(chan struct{}),
	}
	s.SetRateLimits(RateLimit{Requests: 50_000, Window: time.Minute})
	for _, opt := range opts {
		opt(s)
	}
	s.http.Handler = http.HandlerFunc(s.serve)
	s.http.ErrorLog = log.New(io.Discard, "", 0)
	s.http.ConnState = func(conn net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.locked(func() { s.counts.Connections++ })
			if s.isClosed() { // http.Server forgets one that it accepts while it is being closed.
				_ = conn.Close()
			}
		}
	}
	s.http.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, openedKey{}, time.Now())
	}
	return s, listener
}

// openedKey is the key of the time when a request's connection was opened.
type openedKey struct{}

// ForgetConnections has each connection that is open now reset at its next
// request, as after a restart of a load balancer: the client keeps it in vain.
func (s *Server) ForgetConnections() { s.locked(func() { s.forgotten = time.Now() }) }

// Close stops listening and closes every connection, even one with a request
// in progress.
func (s *Server) Close() {
	s.close.Do(func() { close(s.closed) })
	_ = s.http.Close()
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

// SetLatency delays every answer from now on by d.
func (s *Server) SetLatency(d time.Duration) { s.locked(func() { s.latency = d }) }

// locked runs what needs the lock.
func (s *Server) locked(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}
