package zuoratest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	jsonType = "application/json; charset=utf-8"
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// call is one request on its way through the server.
type call struct {
	s         *Server
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	jobID     string // Empty on the token endpoint.
}

// Paths that the server knows. Everything else is answered 404.
const (
	tokenPath = "/oauth/token"
	jobPath   = "/v1/multi-organizations/data-labeling-job/"
	// LeakPath is not Zuora's. [Counters] counts the requests for it, to show
	// whether a client follows a redirect.
	LeakPath = "/leak"
)

// serve answers as Zuora does. Every answer carries Zuora-Request-Id.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r, requestID: hyphenate(randomHex())}
	w.Header().Set("Zuora-Request-Id", c.requestID)
	s.record(r)
	if c.onForgottenConnection() {
		Reset().serve(c)
	}
	id, isJob := strings.CutPrefix(r.URL.Path, jobPath)
	switch {
	case isJob && r.Method == http.MethodGet && id != "" && !strings.Contains(id, "/"):
		c.jobID = id
		c.serveJob()
	case r.URL.Path == tokenPath && r.Method == http.MethodPost:
		c.serveToken()
	case r.URL.Path == LeakPath:
		s.locked(func() { s.counts.Leaks++ })
		c.send(http.StatusOK, jsonType, "{}")
	default:
		c.refuse(http.StatusNotFound, `"50000040"`, "Resource not found")
	}
}

func (c *call) onForgottenConnection() (yes bool) {
	opened, _ := c.r.Context().Value(openedKey{}).(time.Time)
	c.s.locked(func() { yes = opened.Before(c.s.forgotten) })
	return yes
}

// randomHex makes 32 hexadecimal digits, the form of Zuora's tokens.
func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return fmt.Sprintf("%x", b)
}

// hyphenate writes 32 digits as a uuid.
func hyphenate(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// send writes one whole answer. Zuora compresses only what is above 1,000
// bytes, and only if the client asked for it.
func (c *call) send(status int, contentType, body string) {
	h := c.w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if len(body) > 1000 && strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		var compressed bytes.Buffer
		z := gzip.NewWriter(&compressed)
		_, _ = io.WriteString(z, body) // A bytes.Buffer does not fail.
		_ = z.Close()
		body = compressed.String()
	}
	c.w.WriteHeader(status)
	_, _ = io.WriteString(c.w, body) // A client that has gone needs no answer.
}

// fill replaces what stands in braces in a body: {token} by a new token,
// {expires_in} by its seconds, {client_secret} by the secret that was sent,
// {jobId}, {JOBID} and {job-id} by the job that was asked for, spelled so.
func (c *call) fill(body string) string {
	if strings.Contains(body, "{token}") {
		body = strings.ReplaceAll(body, "{token}", c.s.issueToken())
	}
	return strings.NewReplacer(
		"{expires_in}", strconv.Itoa(int(c.s.tokenLife/time.Second)),
		"{client_secret}", c.r.PostForm.Get("client_secret"),
		"{jobId}", c.jobID, "{JOBID}", strings.ToUpper(c.jobID), "{job-id}", hyphenate(c.jobID),
	).Replace(body)
}

// refuse sends an error in Zuora's shape. The code is JSON: a number or a string.
// But for the ids, its body is the documented one of a job that does not exist.
func (c *call) refuse(status int, code, message string) {
	quoted, _ := json.Marshal(message) // A string cannot fail.
	c.send(status, jsonType, fmt.Sprintf(`{"processId":"4C0112A0983D039B","reasons":[{"code":%s,"message":%s}],"requestId":"%s","success":false}`,
		code, quoted, c.requestID))
}

// status is what an error has: HTTP 200 if Zuora-Version is a number such as
// 341.0 or a date before 2024-05-20. If the header is missing, the tenant's
// default decides.
func (c *call) status(modern int) int {
	version := c.r.Header.Get("Zuora-Version")
	if version == "" {
		version = c.s.defaultVersion
	}
	if len(version) == len(time.DateOnly) && version >= "2024-05-20" {
		return modern
	}
	return http.StatusOK
}

// entityFits reports whether Zuora-Entity-Ids is there if it is needed, and only then.
func (c *call) entityFits() bool { return c.r.Header.Get("Zuora-Entity-Ids") == c.s.entity }

// wait waits for d. It ends the request without an answer if the client or the
// server goes first.
func (c *call) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-c.s.closed:
		panic(http.ErrAbortHandler)
	}
}

// beLate waits for the latency.
func (c *call) beLate() {
	var latency time.Duration
	c.s.locked(func() { latency = c.s.latency })
	if latency > 0 {
		c.wait(latency)
	}
}
