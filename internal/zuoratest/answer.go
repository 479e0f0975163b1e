package zuoratest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Paths that the server knows. Everything else is answered 404.
const (
	tokenPath = "/oauth/token"
	jobPath   = "/v1/multi-organizations/data-labeling-job/"
)

// concurrencyLimit is Zuora's for this class of requests. It is told, and not
// enforced: see [Counters].
const concurrencyLimit = 40

// call is one request on its way through the server.
type call struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	jobID string // Empty on the token endpoint.
}

// serve answers as Zuora does. Every answer carries Zuora-Request-Id.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r}
	w.Header().Set("Zuora-Request-Id", newID())
	id, isJob := strings.CutPrefix(r.URL.Path, jobPath)
	switch {
	case isJob && r.Method == http.MethodGet && id != "" && !strings.Contains(id, "/"):
		c.jobID = id
		c.serveJob()
	case r.URL.Path == tokenPath && r.Method == http.MethodPost:
		c.serveToken()
	default:
		c.refuse(http.StatusNotFound, `"50000040"`, "Resource not found")
	}
}

// serveToken answers POST /oauth/token. Zuora documents neither the status nor
// the body of a refusal; these are the ones seen.
func (c *call) serveToken() {
	// The body is read to its end: only then does net/http notice a lost client.
	err := c.r.ParseForm()
	form := c.r.PostForm
	var latency time.Duration
	c.s.locked(func() {
		c.s.counts.TokenRequests++
		latency = c.s.latency
	})
	c.wait(latency)
	switch {
	// Zuora wants no Authorization header on this call.
	case err != nil || c.r.Header.Get("Authorization") != "" || form.Get("grant_type") != "client_credentials":
		c.send(http.StatusBadRequest, jsonType, `{"error":"invalid_request"}`)
	case form.Get("client_id") != ClientID || form.Get("client_secret") != ClientSecret:
		c.send(http.StatusUnauthorized, jsonType, `{"error":"invalid_client","error_description":"Bad client credentials"}`)
	case !c.fault():
		c.send(http.StatusOK, jsonType, c.fill(goodToken))
	}
}

// serveJob answers GET /v1/multi-organizations/data-labeling-job/{id}. The token
// is checked before the API itself sees the request: it answers 401 in every
// version.
func (c *call) serveJob() {
	s := c.s
	token, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	var latency time.Duration
	var valid bool
	var answer func() string
	s.locked(func() {
		latency, valid, answer = s.latency, s.tokens[token], s.jobs[c.jobID]
		s.inProgress++
		s.counts.JobRequests++
		s.counts.MaxJobRequests = max(s.counts.MaxJobRequests, s.inProgress)
		c.tellLimits(s.inProgress)
	})
	defer s.locked(func() {
		s.inProgress--
		if c.r.Context().Err() != nil {
			s.counts.Cancelled[c.jobID]++
		}
	})
	if !valid {
		c.refuse(http.StatusUnauthorized, "90000011", "Authentication error")
		return
	}
	c.wait(latency)
	switch {
	case c.fault():
	case answer == nil:
		// The category would make it 400, but 404 is what the specification shows.
		c.refuse(c.status(http.StatusNotFound), `"50000020"`, "The job does not exist")
	default:
		c.send(http.StatusOK, jsonType, answer())
	}
}

// tellLimits sets the headers that every answer about a job carries: those of a
// production tenant whose other requests are 400 a second.
func (c *call) tellLimits(inProgress int) {
	h, second := c.w.Header(), time.Now().Second()
	h.Set("RateLimit-Limit", "50000, 50000;w=60")
	h.Set("RateLimit-Remaining", strconv.Itoa(50_000-400*second))
	h.Set("RateLimit-Reset", strconv.Itoa(60-second))
	h.Set("Concurrency-Limit-Type", "Default")
	h.Set("Concurrency-Limit-Limit", strconv.Itoa(concurrencyLimit))
	h.Set("Concurrency-Limit-Remaining", strconv.Itoa(max(0, concurrencyLimit-inProgress)))
}

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
)

// send writes one whole answer.
func (c *call) send(status int, contentType, body string) {
	c.w.Header().Set("Content-Type", contentType)
	c.w.WriteHeader(status)
	_, _ = io.WriteString(c.w, body) // A client that has gone needs no answer.
}

// refuse sends an error in Zuora's shape. The code is JSON: a number or a string.
// But for the ids, its body is the documented one of a job that does not exist.
func (c *call) refuse(status int, code, message string) {
	c.send(status, jsonType, fmt.Sprintf(`{"processId":"4C0112A0983D039B","reasons":[{"code":%s,"message":%q}],"requestId":"%s","success":false}`,
		code, message, c.w.Header().Get("Zuora-Request-Id")))
}

// status is what an error about a job has: HTTP 200 if Zuora-Version is missing,
// a number such as 341.0, or a date before 2024-05-20.
func (c *call) status(modern int) int {
	version := c.r.Header.Get("Zuora-Version")
	if c.jobID == "" || len(version) == len(time.DateOnly) && version >= "2024-05-20" {
		return modern
	}
	return http.StatusOK
}

// goodToken is the documented answer. For {token} see fill.
const goodToken = `{"access_token":"{token}","expires_in":3599,"jti":"c652cbc0ea384b9f81856a93a2a74539",` +
	`"scope":"user.7c4d1e0f9a8b4c6d8e2f1a3b5c7d9e0f entity.1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d tenant.19","token_type":"bearer"}`

// fill replaces what stands in braces in a body: {token} by a new token,
// {client_secret} by the secret that was sent, and {jobId} by the job that was
// asked for.
func (c *call) fill(body string) string {
	if strings.Contains(body, "{token}") {
		token := strings.ReplaceAll(newID(), "-", "")
		c.s.locked(func() {
			c.s.tokens[token] = true
			c.s.counts.TokensIssued++
		})
		body = strings.ReplaceAll(body, "{token}", token)
	}
	return strings.NewReplacer("{client_secret}", c.r.PostForm.Get("client_secret"), "{jobId}", c.jobID).Replace(body)
}

// newID makes a uuid.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// wait waits for d. It ends the request without an answer if the client or the
// server goes first.
func (c *call) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}
