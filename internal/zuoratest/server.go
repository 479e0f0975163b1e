// Package zuoratest is a stand-in for the part of the Zuora REST API that
// reads data labeling jobs, built on net/http/httptest. Tests, benchmarks and
// the demo run against it.
//
// It follows Zuora's published specification, not the needs of a client. It
// refuses a request that Zuora's documentation does not allow; a good request
// gets a wrong answer if a test asks for one, see [Fault].
package zuoratest

import (
	"encoding/pem"
	"io"
	"log" //nolint:depguard // http.Server knows no other logger, and this one is silent.
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Paths that the server knows. Everything else is answered 404.
const (
	tokenPath = "/oauth/token"
	jobPath   = "/v1/multi-organizations/data-labeling-job/"
	// LeakPath is not Zuora's. [Counters] counts the requests for it, to show
	// whether a client follows a redirect.
	LeakPath = "/leak"
)

// Server is a stand-in for one Zuora tenant. All its methods are safe for
// concurrent use.
type Server struct {
	// URL is where the server listens, such as http://127.0.0.1:34567,
	// without a slash at its end.
	URL string

	clock          func() time.Time
	entity         string
	defaultVersion string
	tokenLife      time.Duration
	latency        atomic.Int64 // time.Duration

	ids      requestIDs
	tokens   tokens
	jobs     jobs
	faults   faults
	limits   limits
	counters counters

	http   *httptest.Server
	closed chan struct{}
	close  sync.Once
}

// NewServer starts a server that speaks HTTP on a free port of 127.0.0.1. Like
// httptest.NewServer it panics if it cannot listen. Call Close when done.
func NewServer(opts ...Option) *Server {
	s := newServer(opts)
	s.http.Start()
	s.URL = s.http.URL
	return s
}

// NewTLSServer is NewServer with HTTPS, over HTTP/1.1 or HTTP/2 as the client
// wishes, and httptest's certificate: see CertificatePEM.
func NewTLSServer(opts ...Option) *Server {
	s := newServer(opts)
	s.http.EnableHTTP2 = true
	s.http.StartTLS()
	s.URL = s.http.URL
	return s
}

func newServer(opts []Option) *Server {
	s := &Server{
		clock:     time.Now,
		tokenLife: 3599 * time.Second,
		ids:       newRequestIDs(),
		tokens:    newTokens(),
		jobs:      newJobs(),
		faults:    newFaults(),
		limits:    newLimits(),
		counters:  newCounters(),
		closed:    make(chan struct{}),
	}
	for _, opt := range opts {
		opt(s)
	}
	s.http = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.counters.add(func(c *Counters) { c.Connections++ })
		}
	}
	return s
}

// CertificatePEM is the certificate of a TLS server, which its clients must
// trust; nil for a server without TLS.
func (s *Server) CertificatePEM() []byte {
	certificate := s.http.Certificate()
	if certificate == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

// Close stops listening, closes every connection, even one with a request in
// progress, and waits for the requests to end.
func (s *Server) Close() {
	s.close.Do(func() { close(s.closed) })
	s.http.CloseClientConnections()
	s.http.Close()
}

// SetLatency delays every answer from now on by d.
func (s *Server) SetLatency(d time.Duration) { s.latency.Store(int64(d)) }

// serve answers as Zuora does. Every answer carries Zuora-Request-Id and the
// Zuora-Track-Id that was sent.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
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
		s.counters.add(func(c *Counters) { c.Leaks++ })
		c.send(http.StatusOK, jsonType, []byte("{}"))
	default:
		c.refuseWith(http.StatusNotFound, `"50000040"`, "Resource not found")
	}
}
