package zuoratest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Fault is a wrong answer to a good request. A bad request, such as one without
// a valid token, is refused as always. Make a Fault with the functions that
// return one, or take one from Faults or TokenFaults. The zero value is a good
// answer, which may get other headers: see With.
type Fault struct {
	bare    bool     // without the headers that all answers of Zuora have
	headers []string // Names and values in turn.
	serve   func(*call)
}

// AnyJob is, for SetFault, every job that has no fault of its own.
const AnyJob = ""

// SetFault sets what a job, or AnyJob, answers instead. The job need not exist.
func (s *Server) SetFault(jobID string, f Fault) { s.locked(func() { s.faults[jobID] = f }) }

// SetTokenFault sets what the token endpoint answers instead.
func (s *Server) SetTokenFault(f Fault) { s.SetFault(tokenPath, f) }

// ClearFaults ends all faults. Requests that hang stay so.
func (s *Server) ClearFaults() { s.locked(func() { clear(s.faults) }) }

// fault answers with the fault of the job, of any job or of the token endpoint,
// if there is one.
func (c *call) fault() bool {
	var f Fault
	c.s.locked(func() {
		var isOwn bool
		if f, isOwn = c.s.faults[cmp.Or(c.jobID, tokenPath)]; !isOwn && c.jobID != "" {
			f = c.s.faults[AnyJob]
		}
	})
	if f.bare {
		clear(c.w.Header())
	}
	for header := range slices.Chunk(f.headers, 2) {
		c.w.Header().Set(header[0], header[1])
	}
	if f.serve == nil {
		return false
	}
	f.serve(c)
	return true
}

// With is the fault with these headers: names and values in turn.
func (f Fault) With(headers ...string) Fault {
	f.headers = slices.Concat(f.headers, headers)
	return f
}

// Handle answers with the test's own handler.
func Handle(h http.HandlerFunc) Fault {
	return Fault{serve: func(c *call) { h(c.w, c.r) }}
}

// Respond answers with one whole body. In it, {token} is replaced by a new
// token, {jobId} by the job that was asked for and {client_secret} by the secret
// that was sent.
func Respond(status int, contentType, body string) Fault {
	return Fault{serve: func(c *call) { c.send(status, contentType, c.fill(body)) }}
}

// Gateway is Respond by something between the client and Zuora: the answer has
// none of Zuora's headers.
func Gateway(status int, contentType, body string) Fault {
	f := Respond(status, contentType, body)
	f.bare = true
	return f
}

// Refuse answers with an error in Zuora's shape. About a job it has HTTP 200 if
// the request's Zuora-Version is before 2024-05-20. The code is JSON: a number or
// a string.
func Refuse(status int, code, message string) Fault {
	return Fault{serve: func(c *call) { c.refuse(c.status(status), code, message) }}
}

// TooManyRequests answers 429, in every version. It has these headers only:
// names and values in turn.
func TooManyRequests(headers ...string) Fault {
	return Gateway(http.StatusTooManyRequests, jsonType,
		`{"success":false,"reasons":[{"code":"50000070","message":"Request exceeded limit"}]}`).With(headers...)
}

// Hang sends nothing at all until the client or the server goes.
func Hang() Fault { return Fault{serve: func(c *call) { c.wait(1<<63 - 1) }} }

// reset resets the connection.
func reset(c *call) {
	if conn, _, err := http.NewResponseController(c.w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // Close then sends a reset.
		}
		_ = conn.Close()
	}
}

// cutBody announces the length of a good answer and closes the connection after
// half of it.
func cutBody(c *call) {
	body := c.fill(goodJob)
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.WriteString(c.w, body[:len(body)/2])
	_ = http.NewResponseController(c.w).Flush()
	panic(http.ErrAbortHandler)
}

// NamedFault is an entry of the catalogue.
type NamedFault struct {
	Name  string
	Fault Fault
	// Reason is the exporter's word for the failure. It is empty if the answer is
	// odd but good. A fault with the reason timeout takes longer than any test.
	Reason string
}

const page = "<html><body><h1>Not Zuora</h1></body></html>"

// Faults is the catalogue of what can go wrong with reading a job. It has each
// way to fail once; what else a body can say stands in the tests of the client.
func Faults() []NamedFault {
	return []NamedFault{
		{"category_10_permission", Refuse(403, `50000010`, "No permission"), "auth"},
		{"category_11_authentication", Refuse(401, `90000011`, "Authentication error"), "auth"},
		{"category_20_invalid", Refuse(400, `50000020`, "Invalid value"), "refused"},
		{"category_40_not_found", Refuse(404, `50000040`, "Not found"), "not_found"},
		{"category_50_locked", Refuse(409, `50000050`, "Locked"), "unavailable"},
		{"category_60_internal", Refuse(500, `50000060`, "Internal error"), "unavailable"},
		{"category_61_temporary", Refuse(500, `50000061`, "Temporary error"), "unavailable"},
		{"category_70_limit", Refuse(429, `50000070`, "Request exceeded limit"), "rate_limited"},
		{"category_99_integration", Refuse(500, `50000099`, "Integration error"), "unavailable"},
		{"too_many", TooManyRequests("Retry-After", "120"), "rate_limited"},

		{"gateway_200_page", Gateway(200, htmlType, page), "invalid_response"},
		{"gateway_404_json", Gateway(404, jsonType, `{"message":"no Route matched with those values"}`), "invalid_response"},
		{"gateway_503_page", Gateway(503, htmlType, page), "unavailable"},
		{"gateway_503_retry_after", Gateway(503, htmlType, page).With("Retry-After", "600"), "rate_limited"},
		{"redirect", redirect, "invalid_response"},

		{"hang", Hang(), "timeout"},
		{"reset", Fault{serve: reset}, "unavailable"},
		{"cut_body", Fault{serve: cutBody}, "invalid_response"},
		{"gzip_of_1_mb", compressed(`{"reasons":[` + strings.Repeat("{},", 350_000) + `{}]}`), "invalid_response"},
		{"content_type_text", Respond(200, "text/plain; charset=utf-8", goodJob), ""},
	}
}

// TokenFaults is the catalogue of what can go wrong with getting a token. Each
// name begins with token_. Zuora documents no body of a refusal; the one here was
// seen.
func TokenFaults() []NamedFault {
	return []NamedFault{
		{"token_refused", Respond(401, jsonType, `{"error":"invalid_client","error_description":"no client has the secret {client_secret}"}`), "auth"},
		{"token_too_many", TooManyRequests(), "rate_limited"},
		{"token_503_page", Gateway(503, htmlType, page), "unavailable"},
		{"token_200_page", Gateway(200, htmlType, page), "invalid_response"},
		{"token_redirect", redirect, "invalid_response"},
		{"token_reset", Fault{serve: reset}, "unavailable"},
		{"token_hang", Hang(), "timeout"},
	}
}

// redirect leads to a path that answers 404, as Zuora does.
var redirect = Respond(307, htmlType, "<html><body>Moved</body></html>").With("Location", "/elsewhere")

func compressed(body string) Fault {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, body) // A bytes.Buffer does not fail.
	_ = z.Close()
	return Respond(http.StatusOK, jsonType, b.String()).With("Content-Encoding", "gzip")
}
