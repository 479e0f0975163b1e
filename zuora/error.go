package zuora

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Reason says in one word why a read failed.
type Reason string

// The reasons, in the order in which they are tried: the first that fits.
const (
	// 401, Zuora's 403, for the token also 400 and 403, category 10 or 11.
	ReasonAuth Reason = "auth"
	// 429, category 70, 503 with Retry-After, or not sent during a pause.
	ReasonRateLimited Reason = "rate_limited"
	// Zuora's 404, category 40, or that something "does not exist".
	ReasonNotFound Reason = "not_found"
	// The request's or the caller's time ran out.
	ReasonTimeout Reason = "timeout"
	// No connection, TLS, a proxy that refuses, 5xx, category 50, 60, 61, 99.
	ReasonUnavailable Reason = "unavailable"
	// An answer that is not Zuora's, or a 2xx that holds no valid one.
	ReasonInvalidResponse Reason = "invalid_response"
	// Any other answer of Zuora's.
	ReasonRefused Reason = "refused"
)

// Reasons are all of them, in that order.
var Reasons = []Reason{
	ReasonAuth, ReasonRateLimited, ReasonNotFound, ReasonTimeout, ReasonUnavailable, ReasonInvalidResponse, ReasonRefused,
}

// The operations of Zuora's API that the client uses.
const (
	OperationToken           = "token"
	OperationDataLabelingJob = "data_labeling_job"
)

// Error is a failed read: what Zuora said, or why it could not be asked. No
// text in it repeats a secret, and each has at most 300 characters.
type Error struct {
	Operation  string // OperationToken or OperationDataLabelingJob
	Reason     Reason
	StatusCode int    // the HTTP status; 0 if there was none
	Code       string // Zuora's code: digits or a word; may be empty
	Message    string // Zuora's message, or what went wrong in our words
	RequestID  string // Zuora-Request-Id, which Zuora's support asks for
	ProcessID  string // processId, which it asks for as well
	TrackID    string // Zuora-Track-Id; empty for a token request

	unauthorized bool          // Zuora does not accept the token
	pause        time.Duration // if a limit was reached, even if another reason fits first
}

// Error tells the failure in one line.
func (e *Error) Error() string {
	text := e.Message
	if e.Code != "" {
		text = e.Code + ": " + text
	}
	if e.StatusCode != 0 {
		text = fmt.Sprintf("HTTP %d: %s", e.StatusCode, text)
	}
	if e.Operation == OperationToken {
		text = "getting a token: " + text
	}
	return text
}

// failure is an answer that tells an error. Zuora uses several shapes, sometimes
// at once, and gateways have their own; nothing is required, and no field of an
// unexpected type may hide the others.
type failure struct {
	*answer
	zuoras    bool // the body is Zuora's, not that of something on the way
	job       bool // there is a job in it
	told      bool // Zuora tells an error: success is false, or reasons and no job
	reasons   []apiReason
	processID string
}

type apiReason struct{ code, message string }

// failure decodes the body.
func (a *answer) failure() failure {
	f, top := failure{answer: a}, a.fields()
	has := func(key string) bool { return top[key] != nil }
	f.zuoras = slices.ContainsFunc([]string{"reasons", "success", "processId", "requestId", "jobId", "jobStatus"}, has) ||
		has("code") && has("message") || top != nil && a.header.Get(headerRequestID) != ""
	f.job = text(top["jobId"]) != "" || text(top["jobStatus"]) != ""
	f.processID = text(top["processId"])
	f.add(top["reasons"])
	reasons := string(top["reasons"])
	f.told = string(top["success"]) == "false" || reasons != "" && reasons != "null" && !f.job
	f.addObject(top)
	f.add(top["errors"])
	f.add(top["error"])
	return f
}

// add adds what a JSON value says of an error: an object, a text, or a list of
// them.
func (f *failure) add(raw json.RawMessage) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, element := range list {
		var object map[string]json.RawMessage
		var message string
		if json.Unmarshal(element, &object) == nil {
			f.addObject(object)
		} else if json.Unmarshal(element, &message) == nil && message != "" {
			f.reasons = append(f.reasons, apiReason{message: message})
		}
	}
}

func (f *failure) addObject(object map[string]json.RawMessage) {
	r := apiReason{code: text(object["code"])}
	// Zuora's and most gateways', OAuth's, and those of problem+json.
	for _, key := range []string{"message", "error_description", "detail", "title"} {
		r.message = cmp.Or(r.message, text(object[key]))
	}
	if r != (apiReason{}) {
		f.reasons = append(f.reasons, r)
	}
}

// text returns a JSON string's content or a JSON number as it was written, so
// that a code reads the same in all its forms; anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	var n json.Number
	if json.Unmarshal(raw, &s) != nil && json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return s
}

// markup is what a page has beside its words.
var markup = regexp.MustCompile(`(?is)<(script|style)\b.*?(</(script|style)>|$)|<[^>]*>`)

// firstWords returns the words that a body begins with, or "".
func firstWords(body []byte) string {
	const enough = 4 << 10 // for the head of a page
	words := markup.ReplaceAllString(string(body[:min(len(body), enough)]), " ")
	if !strings.ContainsFunc(words, unicode.IsLetter) {
		return ""
	}
	return strings.Join(strings.Fields(words), " ")
}

// category returns the last two digits of an eight-digit code, which say what
// kind of error it is, or "". That a limit was reached is told in other ways, too.
//
// Source: "Error codes" in Zuora's API reference.
func category(code string) string {
	switch {
	case code == "70", code == "REQUEST_EXCEEDED_LIMIT":
		return "70"
	case len(code) != 8 || !digits.MatchString(code):
		return ""
	}
	return code[6:]
}

// in tells whether a reason has a code of one of these categories.
func (f failure) in(categories ...string) bool {
	return slices.ContainsFunc(f.reasons, func(r apiReason) bool { return slices.Contains(categories, category(r.code)) })
}

// isLimit tells whether the answer says that a limit was reached.
func (f failure) isLimit() bool {
	return f.status == http.StatusTooManyRequests ||
		f.status == http.StatusServiceUnavailable && f.header.Get(headerRetryAfter) != "" || f.in("70")
}

// classify returns the first reason that fits an answer that is an error,
// whatever its status.
func (f failure) classify() Reason {
	missing := slices.ContainsFunc(f.reasons, func(r apiReason) bool {
		return strings.Contains(strings.ToLower(r.message), "does not exist")
	})
	forbidden := f.status == http.StatusForbidden && f.zuoras
	if f.operation == OperationToken {
		isPage := bytes.HasPrefix(bytes.TrimSpace(f.body), []byte("<"))
		forbidden = (f.status == http.StatusForbidden || f.status == http.StatusBadRequest) && !isPage
	}
	switch {
	case f.status == http.StatusUnauthorized, forbidden, f.in("10", "11"):
		return ReasonAuth
	case f.isLimit():
		return ReasonRateLimited
	case f.zuoras && (f.status == http.StatusNotFound || f.in("40") || missing):
		return ReasonNotFound
	case f.status/100 == 5, f.in("50", "60", "61", "99"):
		return ReasonUnavailable
	case f.status/100 == 3, !f.zuoras, f.ok() && !f.told:
		return ReasonInvalidResponse
	}
	return ReasonRefused
}

// error returns an error about the answer, or about the lack of one. The
// message is fit to be shown.
func (a *answer) error(reason Reason, message string) *Error {
	return &Error{
		Operation:  a.operation,
		Reason:     reason,
		StatusCode: a.status,
		Message:    message,
		RequestID:  a.requestID(),
		TrackID:    a.trackID,
	}
}

// refusal returns the error that the answer tells. Its message is empty if a
// 2xx says nothing.
func (f failure) refusal() *Error {
	e := f.error(f.classify(), "")
	if f.broken != nil && e.Reason != ReasonAuth && e.Reason != ReasonRateLimited && e.Reason != ReasonNotFound {
		return f.broken // no reason that goes before timeout
	}
	e.ProcessID = f.show(f.processID, hexadecimal)
	e.unauthorized = f.status == http.StatusUnauthorized || f.in("11")
	if f.isLimit() {
		e.pause = pauseAfter(f.header)
	}
	for _, r := range f.reasons {
		if e.Code == "" {
			e.Code = f.show(r.code, digits)
		}
		if e.Message == "" {
			e.Message = f.show(r.message, errorWord)
		}
	}
	switch {
	case e.Message != "":
	case f.status/100 == 3:
		e.Message = "redirects are not followed"
	case f.ok() && f.told:
		e.Message = "an error without a message"
	case f.operation != OperationToken:
		e.Message = f.secrets.show(firstWords(f.body))
	}
	if !f.ok() {
		e.Message = cmp.Or(e.Message, http.StatusText(f.status), "an unknown status")
	}
	return e
}
