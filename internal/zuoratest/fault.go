package zuoratest

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is a wrong answer to a good request. A bad request, such as one without
// a valid token, is refused as always. Make a Fault with the functions that
// return one, or take one from Faults or TokenFaults.
type Fault struct {
	// Times is how many requests the fault applies to; 0 means all until
	// another fault is set or ClearFaults is called.
	Times int

	serve func(*call)
}

// AnyJob is, for SetFault, every job that has no fault of its own.
const AnyJob = ""

// faults holds the faults in force.
type faults struct {
	mu    sync.Mutex
	byKey map[string]Fault // The key is a job's id, AnyJob or tokenPath.
}

func newFaults() faults { return faults{byKey: map[string]Fault{}} }

// SetFault sets what a job, or AnyJob, answers instead. The job need not exist.
func (s *Server) SetFault(jobID string, f Fault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.byKey[jobID] = f
}

// SetTokenFault sets what the token endpoint answers instead.
func (s *Server) SetTokenFault(f Fault) { s.SetFault(tokenPath, f) }

// ClearFaults ends all faults. Requests that hang stay so.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	clear(s.faults.byKey)
}

// take returns the fault of the first key that has one, and counts the request.
func (f *faults) take(keys ...string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		fault, ok := f.byKey[key]
		if !ok || fault.serve == nil {
			continue
		}
		switch fault.Times {
		case 0:
		case 1:
			delete(f.byKey, key)
		default:
			f.byKey[key] = Fault{Times: fault.Times - 1, serve: fault.serve}
		}
		return fault, true
	}
	return Fault{}, false
}

// Handle answers with the test's own handler.
func Handle(h http.HandlerFunc) Fault {
	return Fault{serve: func(c *call) { h(c.w, c.r) }}
}

// Respond answers with one whole body. In it, {jobId} is replaced by the job
// that was asked for and {client_secret} by the secret that was sent.
func Respond(status int, contentType, body string) Fault {
	return Fault{serve: func(c *call) {
		c.send(status, contentType, []byte(c.fill(body)))
	}}
}

func (c *call) fill(body string) string {
	secret := c.r.PostForm.Get("client_secret")
	return strings.NewReplacer("{jobId}", c.jobID, "{client_secret}", secret).Replace(body)
}

// Refuse answers with an error in Zuora's shape. The status is that of the
// code's category (its last two digits), but HTTP 200 if the request's
// Zuora-Version is before 2024-05-20. The code is JSON: a number or a string.
// It is for jobs; the token endpoint has no version, so use RefuseWith there.
func Refuse(code, message string) Fault {
	return Fault{serve: func(c *call) { c.refuse(code, message) }}
}

// RefuseWith is Refuse with that status in every version.
func RefuseWith(status int, code, message string) Fault {
	return Fault{serve: func(c *call) { c.refuseWith(status, code, message) }}
}

// TooManyRequests answers 429 in Zuora's shape. Of the headers that say when to
// come back it has only these: names and values in turn.
func TooManyRequests(headers ...string) Fault {
	return Fault{serve: func(c *call) {
		for _, name := range []string{"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} {
			c.w.Header().Del(name)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			c.w.Header().Set(headers[i], headers[i+1])
		}
		c.refuseWith(http.StatusTooManyRequests, `"50000070"`, "Request exceeded limit")
	}}
}

// Redirect answers with a redirect, such as to LeakPath of this or of another server.
func Redirect(status int, location string) Fault {
	return Fault{serve: func(c *call) {
		c.w.Header().Set("Location", location)
		c.send(status, htmlType, []byte("<html><body>Moved</body></html>"))
	}}
}

// Hang sends nothing at all until the client or the server goes.
func Hang() Fault {
	return Fault{serve: func(c *call) { c.hang() }}
}

// hangAfterHeaders sends the headers of a good answer, and then nothing.
func hangAfterHeaders() Fault {
	return Fault{serve: func(c *call) {
		c.begin(len(c.good()))
		c.hang()
	}}
}

// drip sends a good answer byte by byte, with the interval after each.
func drip(interval time.Duration) Fault {
	return Fault{serve: func(c *call) {
		body := c.good()
		c.begin(len(body))
		for i := range body {
			_, _ = c.w.Write(body[i : i+1])
			c.flush()
			c.wait(interval)
		}
	}}
}

// Cut closes the connection without an answer; over HTTP/2, the stream.
func Cut() Fault {
	return Fault{serve: func(*call) { panic(http.ErrAbortHandler) }}
}

// CutBody announces the length of a good answer and closes the connection
// after half of it.
func CutBody() Fault {
	return Fault{serve: func(c *call) {
		body := c.good()
		c.begin(len(body))
		_, _ = c.w.Write(body[:len(body)/2])
		c.flush()
		panic(http.ErrAbortHandler)
	}}
}

// cutChunk closes the connection in the middle of a chunk. HTTP/2 has no
// chunks: there it is CutBody.
func cutChunk() Fault {
	return Fault{serve: func(c *call) {
		conn, buffer, err := http.NewResponseController(c.w).Hijack()
		if err != nil {
			CutBody().serve(c)
			return
		}
		defer conn.Close()
		body := c.good()
		h := c.w.Header()
		h.Set("Content-Type", jsonType)
		h.Set("Transfer-Encoding", "chunked")
		// If the client has gone, writing fails, which does not matter.
		_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\n")
		_ = h.Write(buffer)
		_, _ = fmt.Fprintf(buffer, "\r\n%x\r\n%s", len(body), body[:len(body)/2])
		_ = buffer.Flush()
	}}
}

// begin sends the headers of a good answer of that length. With a negative
// length it has no Content-Length.
func (c *call) begin(length int) {
	c.w.Header().Set("Content-Type", jsonType)
	if length >= 0 {
		c.w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	c.w.WriteHeader(http.StatusOK)
	c.flush()
}

func (c *call) flush() { _ = http.NewResponseController(c.w).Flush() }

// hang waits until the client or the server goes; both end the request.
func (c *call) hang() { c.wait(1<<63 - 1) }

// endless sends the beginning of a job and then more of it, until the client
// or the server goes. Compressed, it is some 1,000 times as long as what is sent.
func endless(compressed bool) Fault {
	return Fault{serve: func(c *call) {
		begin := []byte(c.fill(`{"jobId":"{jobId}","jobStatus":"Completed","objectType":"`))
		more := bytes.Repeat([]byte("x"), 256<<10)
		if compressed {
			// A gzip body may have many members. Each is the same here.
			begin, more = compress(begin), compress(more)
			c.w.Header().Set("Content-Encoding", "gzip")
		}
		c.begin(-1)
		_, err := c.w.Write(begin)
		for err == nil && c.r.Context().Err() == nil {
			_, err = c.w.Write(more)
		}
		panic(http.ErrAbortHandler)
	}}
}
