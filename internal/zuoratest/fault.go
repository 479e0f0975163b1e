package zuoratest

import (
	"cmp"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is a wrong answer to a good request. A bad request, such as one without
// a valid token, is refused as always. Make a Fault with the functions that
// return one, or take one from Faults or TokenFaults.
type Fault struct {
	// Times is how many requests the fault applies to; 0 means all until
	// another fault is set or ClearFaults is called.
	Times int

	headers []string // Names and values in turn, see With.
	serve   func(*call)
}

// AnyJob is, for SetFault, every job that has no fault of its own.
const AnyJob = ""

// SetFault sets what a job, or AnyJob, answers instead. The job need not exist.
func (s *Server) SetFault(jobID string, f Fault) { s.locked(func() { s.faults[jobID] = &f }) }

// SetTokenFault sets what the token endpoint answers instead.
func (s *Server) SetTokenFault(f Fault) { s.SetFault(tokenPath, f) }

// ClearFaults ends all faults. Requests that hang stay so.
func (s *Server) ClearFaults() { s.locked(func() { clear(s.faults) }) }

// fault answers with the fault of the first key that has one, if there is one.
func (c *call) fault(keys ...string) bool {
	f := c.s.takeFault(keys)
	if f.serve == nil {
		return false
	}
	for i := 0; i+1 < len(f.headers); i += 2 {
		if f.headers[i+1] == "" {
			c.w.Header().Del(f.headers[i])
		} else {
			c.w.Header().Set(f.headers[i], f.headers[i+1])
		}
	}
	f.serve(c)
	return true
}

// takeFault finds a fault and counts the request.
func (s *Server) takeFault(keys []string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		if f := s.faults[key]; f != nil && f.serve != nil {
			if f.Times--; f.Times == 0 { // It never is if it began at 0.
				delete(s.faults, key)
			}
			return *f
		}
	}
	return Fault{}
}

// With is the fault with these headers, names and values in turn. An empty
// value takes a header away that Zuora sends.
func (f Fault) With(headers ...string) Fault {
	f.headers = slices.Concat(f.headers, headers)
	return f
}

// Handle answers with the test's own handler.
func Handle(h http.HandlerFunc) Fault {
	return Fault{serve: func(c *call) { h(c.w, c.r) }}
}

// Respond answers with one whole body. In it, {jobId} is replaced by the job
// that was asked for and {client_secret} by the secret that was sent.
func Respond(status int, contentType, body string) Fault {
	return Fault{serve: func(c *call) { c.send(status, contentType, c.fill(body)) }}
}

// Gateway is Respond by something between the client and Zuora: the answer has
// none of Zuora's headers.
func Gateway(status int, contentType, body string) Fault {
	return Respond(status, contentType, body).With(slices.Concat(noLimits, []string{
		"Zuora-Request-Id", "",
		"Concurrency-Limit-Type", "", "Concurrency-Limit-Limit", "", "Concurrency-Limit-Remaining", "",
	})...)
}

var noLimits = []string{"RateLimit-Limit", "", "RateLimit-Remaining", "", "RateLimit-Reset", ""}

// Refuse answers with an error in Zuora's shape. The status is that of the
// code's category (its last two digits), but HTTP 200 if the request's
// Zuora-Version is before 2024-05-20. The code is JSON: a number or a string.
// It is for jobs; the token endpoint has no version, so use RefuseWith there.
func Refuse(code, message string) Fault {
	digits := strings.Trim(code, `"`)
	status := cmp.Or(statusOf[digits[max(0, len(digits)-2):]], http.StatusBadRequest)
	return Fault{serve: func(c *call) { c.refuse(c.status(status), code, message) }}
}

// RefuseWith is Refuse with that status in every version.
func RefuseWith(status int, code, message string) Fault {
	return Fault{serve: func(c *call) { c.refuse(status, code, message) }}
}

// statusOf has the statuses of the categories that have another than 400.
var statusOf = map[string]int{"10": 403, "11": 401, "40": 404, "50": 409, "60": 500, "61": 500, "70": 429, "99": 500}

// TooManyRequests answers 429 in Zuora's shape. Of the headers that say when to
// come back it has only these: names and values in turn.
func TooManyRequests(headers ...string) Fault {
	return RefuseWith(http.StatusTooManyRequests, `"50000070"`, "Request exceeded limit").With(noLimits...).With(headers...)
}

// Redirect answers with a redirect, such as to LeakPath of this or of another server.
func Redirect(status int, location string) Fault {
	return Respond(status, htmlType, "<html><body>Moved</body></html>").With("Location", location)
}

// Hang sends nothing at all until the client or the server goes.
func Hang() Fault { return Fault{serve: (*call).hang} }

func (c *call) hang() { c.wait(1<<63 - 1) }

// Cut closes the connection without an answer; over HTTP/2, the stream.
func Cut() Fault { return Fault{serve: (*call).abort} }

func (c *call) abort() { panic(http.ErrAbortHandler) }

// CutBody announces the length of a good answer and closes the connection
// after half of it.
func CutBody() Fault { return halfway((*call).abort) }

// Reset resets the connection; over HTTP/2 it is Cut.
func Reset() Fault {
	return Fault{serve: func(c *call) {
		if conn, _, err := http.NewResponseController(c.w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // Close then sends a reset.
			}
			_ = conn.Close()
		}
		c.abort()
	}}
}

// halfway announces the length of a good answer, sends half of it, and ends so.
func halfway(end func(*call)) Fault {
	return Fault{serve: func(c *call) {
		body := c.fill(goodJob)
		c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		c.write(body[:len(body)/2])
		end(c)
	}}
}

// drip sends a good answer byte by byte, with the interval after each.
func drip(interval time.Duration) Fault {
	return Fault{serve: func(c *call) {
		body := c.fill(goodJob)
		for i := range body {
			c.write(body[i : i+1])
			c.wait(interval)
		}
	}}
}

// endless sends the beginning of a job and then more of it, until the client
// or the server goes.
func endless() Fault {
	return Fault{serve: func(c *call) {
		c.write(`{"jobId":"` + c.jobID + `","jobStatus":"Completed","objectType":"`)
		for more := strings.Repeat("x", 256<<10); c.r.Context().Err() == nil; {
			c.write(more)
		}
	}}
}

// write sends a part of an answer.
func (c *call) write(part string) {
	_, _ = io.WriteString(c.w, part) // A client that has gone needs no answer.
	_ = http.NewResponseController(c.w).Flush()
}
