package e2e

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// A maintenance costs one request for each job and scrape, and one line in the
// log for all of them, at its begin and at its end.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	s, jobs := manyJobs(t, 306, 0)
	e := start(t, "--config.file="+writeConfig(t, s, "", jobs...))
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
	s.SetFault(zuoratest.AnyJob, zuoratest.Respond(503, "text/html", "<html><title>Down for maintenance</title></html>"))
	s.ResetCounters()
	for range 3 {
		contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 0`, jobError(jobs[0], "unavailable"))
	}
	if n := s.Counters().JobRequests; n != 3*len(jobs) {
		t.Errorf("got %d requests in 3 scrapes of %d jobs, want one for each", n, len(jobs))
	}
	s.ClearFaults()
	contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`, jobRead(jobs[0]))
	if n := strings.Count(e.output.String(), "level=warn"); n != 1 || !strings.Contains(e.output.String(), `msg="No job was answered" jobs=306 configured=306 reason=unavailable`) {
		t.Errorf("got %d warnings, want one for 306 jobs", n)
	}
}

// When Zuora asks for it, nothing is sent, whatever is reloaded meanwhile.
func TestPause(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]zuoratest.Fault{
		"429":                  zuoratest.TooManyRequests("Retry-After", "120"),
		"503 with Retry-After": zuoratest.Respond(503, "text/html", "<html>").With("Retry-After", "600"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			file := writeConfig(t, s, "", zuoratest.SampleJobID)
			e := start(t, "--config.file="+file)
			e.scrape(t, "10")
			s.SetFault(zuoratest.SampleJobID, fault)
			e.scrape(t, "10")
			s.ClearFaults()
			s.ResetCounters()
			for _, more := range []string{"", "refresh_interval: 1ms", "max_concurrent_requests: 3", "request_timeout: 9s"} {
				rewriteConfig(t, file, s, more, zuoratest.SampleJobID)
				e.reload(t)
				page := e.scrape(t, "10")
				contains(t, page, jobError(zuoratest.SampleJobID, "rate_limited"), `zuora_up{tenant="t"} 0`)
				if len(samples(page, "zuora_api_paused_until_timestamp_seconds")) != 1 {
					t.Errorf("%s: got no zuora_api_paused_until_timestamp_seconds", more)
				}
			}
			if n := s.Counters(); n.JobRequests != 0 {
				t.Errorf("got %d job requests, want none", n.JobRequests)
			}
		})
	}
}

// One job that always gets 401 takes no token from the others, while the token
// endpoint fails.
func TestOneJobUnauthorized(t *testing.T) {
	t.Parallel()
	s, jobs := manyJobs(t, 4, 0)
	e := start(t, "--config.file="+writeConfig(t, s, "", jobs...))
	e.scrape(t, "10")
	s.SetFault(jobs[0], zuoratest.Refuse(401, "90000011", "Authentication error"))
	s.SetTokenFault(zuoratest.Respond(500, "text/plain", "x"))
	for range 3 {
		contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`, jobError(jobs[0], "auth"), jobRead(jobs[1]), jobRead(jobs[2]), jobRead(jobs[3]))
	}
}

// switchboard is a name that moves: connections opened after connect(to) lead
// to another server, those that are open stay where they are.
type switchboard struct {
	net.Listener
	mu sync.Mutex
	to string
}

func newSwitchboard(t *testing.T, to *zuoratest.Server) *switchboard {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &switchboard{Listener: listener}
	b.connect(t, to)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			address := b.to
			b.mu.Unlock()
			go func() {
				defer from.Close()
				to, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer to.Close()
				go func() {
					defer to.Close()
					_, _ = io.Copy(to, from)
				}()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	return b
}

func (b *switchboard) connect(t *testing.T, to *zuoratest.Server) {
	t.Helper()
	u, err := url.Parse(to.URL)
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = u.Host
}

// The name of Zuora's host moves, and the old address goes on answering on the
// connections that are open: the new one is found.
func TestHostThatMoves(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]zuoratest.Fault{
		"503":          zuoratest.Respond(503, "text/html", "<html>"),
		"a login page": zuoratest.Gateway(200, "text/html", "<html>Sign in</html>"),
		"404":          zuoratest.Gateway(404, "text/html", "<html>Not found</html>"),
		"403":          zuoratest.Gateway(403, "text/html", "<html>Forbidden</html>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, next := newStandIn(t), newStandIn(t)
			board := newSwitchboard(t, old)
			e := start(t, "--config.file="+testutil.Write(t, t.TempDir(), "zuora_exporter.yml",
				strings.ReplaceAll(config(old, "", zuoratest.SampleJobID), old.URL, "http://"+board.Addr().String())))
			contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 1`)
			board.connect(t, next)
			old.SetFault(zuoratest.AnyJob, fault)
			contains(t, e.scrape(t, "10"), `zuora_up{tenant="t"} 0`)
			eventually(t, "an answer of the new address", func() bool {
				return strings.Contains(e.scrape(t, "10"), jobRead(zuoratest.SampleJobID))
			})
		})
	}
}

// A job that was probed and is configured later, while its read is in progress,
// is asked for once.
func TestProbedJobIsConfigured(t *testing.T) {
	t.Parallel()
	s, jobs := manyJobs(t, 1, 500*time.Millisecond)
	file := writeConfig(t, s, "refresh_interval: 1h")
	e := start(t, "--config.file="+file)
	probed := e.begin(t, s, "/probe?target="+jobs[0])
	rewriteConfig(t, file, s, "refresh_interval: 1h", jobs...)
	if body := e.reload(t); !strings.Contains(body, "1 job now, 1 added, 0 removed") {
		t.Errorf("got %q, want the number of jobs", body)
	}
	contains(t, e.scrape(t, "10"), jobRead(jobs[0]))
	contains(t, <-probed, jobRead(jobs[0]))
	rewriteConfig(t, file, s, "refresh_interval: 1h")
	e.reload(t)
	e.get(t, "/probe?target="+jobs[0])
	if n := s.Counters().JobRequests; n != 1 {
		t.Errorf("got %d requests, want 1", n)
	}
}
