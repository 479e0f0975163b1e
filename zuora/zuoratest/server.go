// Package zuoratest is a stand-in for the part of the Zuora REST API that
// reads data labeling jobs, in the manner of net/http/httptest. Tests,
// benchmarks and the demo run against it.
//
// It follows Zuora's published specification, not the needs of a client: it
// refuses a request that Zuora's documentation does not allow, and a request
// that is in order can be answered wrongly on purpose, see [Fault].
package zuoratest

import (
	"context"
	"fmt"
	"io"
	"log" //nolint:depguard // http.Server knows no other logger, and this one is silent.
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Paths that the server knows. Everything else is answered 404.
const (
	tokenPath = "/oauth/token"
	jobPath   = "/v1/multi-organizations/data-labeling-job/"
	// LeakPath is not Zuora's: a redirect that leads here is counted in
	// [Counters], so that a test can show that no client follows it.
	LeakPath = "/leak"
)

// Server is a stand-in for one Zuora tenant. All its methods are safe for
// concurrent use. It is an http.Handler, so that it can be mounted elsewhere
// too; a fault that cuts the connection then panics with
// http.ErrAbortHandler, which net/http understands.
type Server struct {
	// URL is where the server listens, such as http://127.0.0.1:34567,
	// without a slash at its end.
	URL string

	clock          func() time.Time
	listenAddress  string
	clientID       string
	entity         string
	defaultVersion string
	tokenLife      time.Duration
	omitExpiresIn  bool
	latency        atomic.Int64 // time.Duration

	ids      requestIDs
	tokens   tokens
	jobs     jobs
	faults   faults
	limits   limits
	counters counters

	certificate []byte
	http        http.Server
	served      chan struct{} // closed when the accept loop has ended
	connections sync.WaitGroup
	closed      chan struct{}
	closing     sync.Once
}

// NewServer starts a server that speaks HTTP on a free port of 127.0.0.1. Like
// httptest.NewServer it panics where it cannot listen. Call Close when done.
func NewServer(opts ...Option) *Server {
	s := newServer(opts)
	s.start("http", s.http.Serve)
	return s
}

// NewTLSServer is NewServer with HTTPS, over HTTP/1.1 or HTTP/2 as the client
// wishes, and a certificate made on the spot: see CertificatePEM.
func NewTLSServer(opts ...Option) *Server {
	s := newServer(opts)
	s.http.TLSConfig, s.certificate = selfSigned()
	s.start("https", func(l net.Listener) error { return s.http.ServeTLS(l, "", "") })
	return s
}

func newServer(opts []Option) *Server {
	s := &Server{
		clock:         time.Now,
		listenAddress: "127.0.0.1:0",
		clientID:      ClientID,
		tokenLife:     3599 * time.Second,
		ids:           newRequestIDs(),
		tokens:        newTokens(),
		jobs:          newJobs(),
		faults:        newFaults(),
		limits:        newLimits(),
		counters:      newCounters(),
		served:        make(chan struct{}),
		closed:        make(chan struct{}),
	}
	for _, opt := range opts {
		opt(s)
	}
	s.http.Handler = s
	s.http.ErrorLog = log.New(io.Discard, "", 0)
	s.http.ConnState = s.connState
	return s
}

func (s *Server) start(scheme string, serve func(net.Listener) error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.listenAddress)
	if err != nil {
		panic(fmt.Sprintf("zuoratest: listening on %s: %v", s.listenAddress, err))
	}
	s.URL = scheme + "://" + l.Addr().String()
	go func() {
		defer close(s.served)
		_ = serve(l) // It ends with http.ErrServerClosed.
	}()
}

// connState counts connections, and lets Close wait for them: StateNew comes
// from the accept loop, so that none is added once that loop has ended.
func (s *Server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.connections.Add(1)
		s.counters.add(func(c *Counters) { c.Connections++ })
	case http.StateClosed, http.StateHijacked:
		s.connections.Done()
	}
}

// Close stops listening, cuts every connection, also those with a request
// under way, and waits for them to end.
func (s *Server) Close() {
	s.closing.Do(func() {
		close(s.closed)
		_ = s.http.Close()
	})
	<-s.served
	s.connections.Wait()
}

// SetLatency makes every answer from now on that much slower, by the wall clock.
func (s *Server) SetLatency(d time.Duration) { s.latency.Store(int64(d)) }

// ServeHTTP answers as Zuora does. Every answer carries Zuora-Request-Id and
// the Zuora-Track-Id that was sent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r, requestID: s.ids.next()}
	w.Header().Set("Zuora-Request-Id", c.requestID)
	if id := r.Header.Get("Zuora-Track-Id"); validTrackID(id) {
		w.Header().Set("Zuora-Track-Id", id)
	}
	s.counters.record(r, s.clock)

	id, isJob := strings.CutPrefix(r.URL.Path, jobPath)
	switch {
	case isJob && r.Method == http.MethodGet && id != "" && !strings.Contains(id, "/"):
		c.serveJob(id)
	case r.URL.Path == tokenPath && r.Method == http.MethodPost:
		c.serveToken()
	case r.URL.Path == LeakPath:
		c.serveLeak()
	default:
		s.counters.add(func(c *Counters) { c.OtherRequests++ })
		c.refuseWith(http.StatusNotFound, `"50000040"`, "Resource not found")
	}
}

// serveLeak notes whether a redirected client brought its credentials along.
func (c *call) serveLeak() {
	leaked := c.r.Header.Get("Authorization") != "" || c.r.FormValue("client_secret") != ""
	c.s.counters.add(func(n *Counters) {
		n.Leaks++
		if leaked {
			n.LeakedCredentials++
		}
	})
	c.send(http.StatusOK, jsonType, []byte("{}"))
}
