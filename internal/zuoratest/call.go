package zuoratest

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const jsonType = "application/json; charset=utf-8"

// call is one request on its way through the server.
type call struct {
	s         *Server
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	jobID     string        // Empty on the token endpoint.
	modern    bool          // Errors come with a status of their own, see setVersion.
	good      func() []byte // The good answer; nil before the request was checked.
}

// send writes one whole answer. Zuora compresses only what is above 1,000
// bytes, and only if the client asked for it.
func (c *call) send(status int, contentType string, body []byte) {
	h := c.w.Header()
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if len(body) > 1000 && strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	if len(body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // A client that has gone needs no answer.
}

func compress(body []byte) []byte {
	var compressed bytes.Buffer
	z := gzip.NewWriter(&compressed)
	_, _ = z.Write(body) // A bytes.Buffer does not fail.
	_ = z.Close()
	return compressed.Bytes()
}

// refuse sends an error in Zuora's shape, with the status that the code's
// category has from version 2024-05-20 on, and HTTP 200 before. The code is
// JSON: a number or a string.
func (c *call) refuse(code, message string) {
	status := http.StatusOK
	if c.modern {
		status = statusOf(code)
	}
	c.refuseWith(status, code, message)
}

// refuseWith is refuse for what has the same status in every version. But for
// the ids, its body is the documented one of a job that does not exist.
func (c *call) refuseWith(status int, code, message string) {
	process := strings.ToUpper(strings.ReplaceAll(c.requestID, "-", "")[16:])
	c.send(status, jsonType, fmt.Appendf(nil, `{"processId":"%s","reasons":[{"code":%s,"message":%s}],"requestId":"%s","success":false}`,
		process, code, quote(message), c.requestID))
}

// statusOf maps the category of an error code, its last two digits, to a status.
func statusOf(code string) int {
	digits := strings.Trim(code, `"`)
	switch digits[max(0, len(digits)-2):] {
	case "10":
		return http.StatusForbidden
	case "11":
		return http.StatusUnauthorized
	case "20", "21", "22", "23", "30", "90":
		return http.StatusBadRequest
	case "40":
		return http.StatusNotFound
	case "50":
		return http.StatusConflict
	case "70":
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError // 60, 61 and 99.
}

// versionNumber is what Zuora-Version looked like before it was a date.
var versionNumber = regexp.MustCompile(`^[0-9]{1,4}(\.[0-9]+)?$`)

// setVersion reads Zuora-Version and reports whether it is one. A date from
// 2024-05-20 on gives errors a status of their own. If the header is missing,
// the tenant's default decides.
func (c *call) setVersion() bool {
	version := c.s.defaultVersion
	if sent := c.r.Header["Zuora-Version"]; len(sent) > 0 {
		version = sent[0]
	} else if version == "" {
		return true
	}
	if versionNumber.MatchString(version) {
		return true
	}
	_, err := time.Parse(time.DateOnly, version)
	c.modern = err == nil && version >= "2024-05-20"
	return err == nil
}

// entityFits reports whether Zuora-Entity-Ids is there if it is needed, and only then.
func (c *call) entityFits() bool {
	sent := c.r.Header["Zuora-Entity-Ids"]
	if c.s.entity == "" {
		return len(sent) == 0
	}
	return len(sent) == 1 && sent[0] == c.s.entity
}

// wait waits for d. It ends the request without an answer if the client or the
// server goes first.
func (c *call) wait(d time.Duration) {
	if d <= 0 {
		return
	}
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

// validTrackID reports whether Zuora would echo the id: at most 64 US-ASCII
// characters, none of them : ; " or '.
func validTrackID(id string) bool {
	return id != "" && len(id) <= 64 && !strings.ContainsFunc(id, func(r rune) bool {
		return r < ' ' || r > '~' || strings.ContainsRune(`:;"'`, r)
	})
}

// quote writes s as JSON.
func quote(s string) []byte {
	b, _ := json.Marshal(s) // A string cannot fail.
	return b
}

// requestIDs makes ids that look like Zuora's from a random start and a count,
// which is cheap.
type requestIDs struct {
	start uint64
	count *atomic.Uint64
}

func newRequestIDs() requestIDs {
	var b [8]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return requestIDs{start: binary.BigEndian.Uint64(b[:]), count: new(atomic.Uint64)}
}

func (ids requestIDs) next() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], ids.start)
	binary.BigEndian.PutUint64(b[8:], ids.start^ids.count.Add(1))
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
