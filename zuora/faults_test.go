package zuora_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Each fault has its reason, and the job beside it stays good.
func TestFaults(t *testing.T) {
	const other = "00000000000000000000000000000001"
	for _, version := range []string{"2025-08-12", "341.0"} {
		for _, fault := range zuoratest.Faults() {
			t.Run(version+"/"+fault.Name, func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				s.SetJob(zuoratest.Job{ID: other, ObjectType: "Product", Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
				c := newClient(t, s, func(c *zuora.Config) {
					c.APIVersion = version
					if fault.Reason == "timeout" {
						c.RequestTimeout = time.Second
					}
				})
				if _, err := c.DataLabelingJob(t.Context(), other); err != nil {
					t.Fatal(err)
				}
				s.SetFault(zuoratest.SampleJobID, fault.Fault)
				job, err := readSample(t, c)
				if fault.Reason == "" {
					if err != nil || job == nil {
						t.Errorf("an odd but good answer: %v", err)
					}
				} else if err == nil || string(err.Reason) != fault.Reason {
					t.Errorf("%v, want the reason %s", err, fault.Reason)
				} else if err.StatusCode != 0 && err.RequestID == "" && !strings.HasPrefix(fault.Name, "gateway_") {
					t.Errorf("%v has no Zuora-Request-Id", err)
				}
				_, paused := c.PausedUntil()[zuora.OperationDataLabelingJob]
				if paused != (fault.Reason == "rate_limited") {
					t.Errorf("paused: %v", paused)
				}
				if _, err := c.DataLabelingJob(t.Context(), other); err != nil && !paused {
					t.Errorf("the good job: %v", err)
				}
				if n := s.Counters(); n.Leaks > 0 || n.ByJob[zuoratest.SampleJobID] > 2 {
					t.Errorf("%d requests, %d redirects followed", n.ByJob[zuoratest.SampleJobID], n.Leaks)
				}
			})
		}
	}
}

func TestTokenFaults(t *testing.T) {
	for _, fault := range zuoratest.TokenFaults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.SetTokenFault(fault.Fault)
			c := newClient(t, s, func(c *zuora.Config) {
				if fault.Reason == "timeout" {
					c.RequestTimeout = time.Second
				}
			})
			for range 3 {
				_, err := readSample(t, c)
				switch {
				case fault.Reason == "" && err != nil:
					t.Errorf("an odd but good answer: %v", err)
				case fault.Reason != "" && (err == nil || string(err.Reason) != fault.Reason || err.Operation != zuora.OperationToken):
					t.Errorf("%v, want the reason %s", err, fault.Reason)
				case err != nil && strings.Contains(err.Error(), zuoratest.ClientSecret):
					t.Errorf("%v holds the secret", err)
				}
			}
			if n := s.Counters(); n.TokenRequests != 1 || n.Leaks > 0 {
				t.Errorf("%d token requests, %d redirects followed", n.TokenRequests, n.Leaks)
			}
		})
	}
}

// One more try is made after a 5xx and after a lost connection, and for
// nothing else; not even by http.Transport, on connections that were idle.
func TestTries(t *testing.T) {
	for name, tc := range map[string]struct {
		fault zuoratest.Fault
		want  int
	}{
		"503":                       {zuoratest.Respond(503, "text/html", "<html>"), 2},
		"a lost connection":         {zuoratest.Cut(), 2},
		"a body that is cut short":  {zuoratest.CutBody(), 1},
		"404":                       {zuoratest.Refuse(`50000040`, "Not found"), 1},
		"429":                       {zuoratest.TooManyRequests(), 1},
		"not JSON":                  {zuoratest.Respond(200, "text/plain", "OK"), 1},
		"a redirect":                {zuoratest.Redirect(302, zuoratest.LeakPath), 1},
		"no answer within the time": {zuoratest.Hang(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			c := newClient(t, s, func(c *zuora.Config) { c.RequestTimeout = 300 * time.Millisecond })
			s.SetLatency(50 * time.Millisecond)
			var group sync.WaitGroup
			for range 5 { // five idle connections
				group.Go(func() { readSample(t, c) })
			}
			group.Wait()
			s.ResetCounters()
			s.SetFault(zuoratest.SampleJobID, tc.fault)
			readSample(t, c)
			if n := s.Counters().JobRequests; n != tc.want {
				t.Errorf("%d requests, want %d", n, tc.want)
			}
		})
	}
}

func TestOneMoreTryHelps(t *testing.T) {
	for name, fault := range map[string]zuoratest.Fault{"503": zuoratest.Respond(503, "text/html", "<html>"), "a lost connection": zuoratest.Cut()} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			fault.Times = 1
			s.SetFault(zuoratest.SampleJobID, fault)
			if _, err := readSample(t, newClient(t, s)); err != nil {
				t.Error(err)
			}
		})
	}
}

// hangingIn answers with a status, and the body never ends.
func hangingIn(status int, body string) zuoratest.Fault {
	return zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
}

// The first reason that fits, where the status or the body says something and
// the body never ends.
func TestBodyThatNeverEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		fault zuoratest.Fault
		want  zuora.Reason
	}{
		"200":                               {hangingIn(200, "{"), zuora.ReasonTimeout},
		"400":                               {hangingIn(400, "{"), zuora.ReasonTimeout},
		"403":                               {hangingIn(403, "{"), zuora.ReasonAuth},
		"404":                               {hangingIn(404, "{"), zuora.ReasonNotFound},
		"500":                               {hangingIn(500, "{"), zuora.ReasonTimeout},
		"400 with all that there is to say": {hangingIn(400, `{"success":false,"reasons":[{"code":50000020,"message":"The job does not exist"}]}`), zuora.ReasonNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			c := newClient(t, s, func(c *zuora.Config) { c.RequestTimeout = 200 * time.Millisecond })
			s.SetFault(zuoratest.SampleJobID, tc.fault)
			if _, err := readSample(t, c); err == nil || err.Reason != tc.want {
				t.Errorf("%v, want the reason %s", err, tc.want)
			}
			s = newServer(t)
			c = newClient(t, s, func(c *zuora.Config) { c.RequestTimeout = 200 * time.Millisecond })
			s.SetTokenFault(tc.fault)
			want := zuora.ReasonTimeout
			if strings.HasPrefix(name, "400") || name == "403" {
				want = zuora.ReasonAuth
			}
			if _, err := readSample(t, c); err == nil || err.Reason != want {
				t.Errorf("%v for the token, want the reason %s", err, want)
			}
		})
	}
}

// The body of a 101 is the connection, which nothing ends: it must not be read.
func TestSwitchingProtocols(t *testing.T) {
	over := make(chan struct{})
	switching := zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
		<-over
	})
	s := newServer(t)
	t.Cleanup(func() { close(over) })
	c := newClient(t, s)
	s.SetFault(zuoratest.SampleJobID, switching)
	if _, err := readSample(t, c); err == nil || err.Reason != zuora.ReasonRefused || err.StatusCode != 101 {
		t.Errorf("%v", err)
	}
	c = newClient(t, s)
	s.SetTokenFault(switching)
	if _, err := readSample(t, c); err == nil || err.Reason != zuora.ReasonRefused || err.Operation != zuora.OperationToken {
		t.Errorf("%v", err)
	}
}
