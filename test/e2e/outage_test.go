package e2e

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// When Zuora asks for it, nothing is sent, whatever is reloaded meanwhile.
func TestPause(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	e := serve(t, s, "", zuoratest.SampleJobID)
	e.scrape(t)
	s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(503, "text/html", "<html>").With("Retry-After", "600"))
	e.scrape(t)
	s.ClearFaults()
	s.ResetCounters()
	for _, more := range []string{"", "refresh_interval: 1ms", "max_concurrent_requests: 3", "request_timeout: 9s"} {
		e.reload(t, s, more, zuoratest.SampleJobID)
		contains(t, e.scrape(t), isDown, jobError(zuoratest.SampleJobID, "rate_limited"), "\nzuora_api_paused_until_timestamp_seconds{")
	}
	if n := s.Counters(); n.JobRequests != 0 {
		t.Errorf("got %d job requests, want none", n.JobRequests)
	}
}

// A CA file on a file system that hangs keeps no page waiting. What was read
// serves meanwhile, and a reload to a good file helps at once.
func TestCAFileThatHangs(t *testing.T) {
	t.Parallel()
	certificate := testutil.NewCertificate(t)
	s := zuoratest.NewTLSServer(certificate.Pair)
	t.Cleanup(s.Close)
	s.SetSampleJob()
	dir := t.TempDir()
	ca, good := testutil.Write(t, dir, "ca.pem", certificate.CertPEM), testutil.Write(t, dir, "good.pem", certificate.CertPEM)
	e := serve(t, s, "tls_config: {ca_file: "+ca+"}", zuoratest.SampleJobID)
	contains(t, e.scrape(t), isUp)
	fifo(t, ca)
	contains(t, e.page(t, "/metrics", 2*time.Second), jobRead(zuoratest.SampleJobID),
		`zuora_data_labeling_job_scrape_duration_seconds{job_id="`+zuoratest.SampleJobID+`",tenant="t"} 0`)
	contains(t, e.page(t, probeOf(waitingJob), 2*time.Second), isDown, jobError(waitingJob, "timeout"))
	e.reload(t, s, "tls_config: {ca_file: "+good+"}", zuoratest.SampleJobID, waitingJob)
	contains(t, e.scrape(t), isUp, jobError(waitingJob, "not_found"))
	e.signal(t, syscall.SIGTERM)
	e.exits(t, 0, 5*time.Second)
}

// Zuora's host moves, and the old one goes on answering on the connections that
// are open: the new one is found.
func TestHostThatMoves(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"maintenance": 503, "a login page": 200, "not found": 404, "forbidden": 403} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			e := serve(t, s, "", zuoratest.SampleJobID)
			contains(t, e.scrape(t), isUp)
			var old atomic.Pointer[string] // connection
			s.SetFault(zuoratest.AnyJob, zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
				if !old.CompareAndSwap(nil, &r.RemoteAddr) && r.RemoteAddr != *old.Load() {
					io.WriteString(w, `{"jobStatus":"Completed"}`)
					return
				}
				w.Header().Del("Zuora-Request-Id")
				w.WriteHeader(status)
				io.WriteString(w, "<html>")
			}))
			contains(t, e.scrape(t), isDown)
			eventually(t, "an answer on a new connection", func() bool { return strings.Contains(e.scrape(t), isUp) })
		})
	}
}
