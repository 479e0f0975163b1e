package zuora

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Reason says in one word why a read failed.
type Reason string

// The reasons, in the order in which they are tried: the first that fits.
const (
	// ReasonAuth is a refused token, 401, 403, or a code of category 10 or 11.
	ReasonAuth Reason = "auth"
	// ReasonRateLimited is 429, a code of category 70, or a request that was
	// held back because of an earlier one.
	ReasonRateLimited Reason = "rate_limited"
	// ReasonNotFound is 404, category 40, or a message saying that the job
	// does not exist.
	ReasonNotFound Reason = "not_found"
	// ReasonTimeout is a request, or its caller, that ran out of time.
	ReasonTimeout Reason = "timeout"
	// ReasonUnavailable is no connection, TLS, a 5xx, or category 50, 60, 61, 99.
	ReasonUnavailable Reason = "unavailable"
	// ReasonInvalidResponse is a 200 that cannot be believed.
	ReasonInvalidResponse Reason = "invalid_response"
	// ReasonRefused is any other answer.
	ReasonRefused Reason = "refused"
)

// The operations of the API that the client asks.
const (
	OperationToken           = "token"
	OperationDataLabelingJob = "data_labeling_job"
)

// Error is a failed read: what Zuora said, or why it could not be asked. No
// text in it holds the client secret or a token, and all are cut to a length
// that suits a log line.
type Error struct {
	Operation  string // OperationToken or OperationDataLabelingJob
	Reason     Reason
	StatusCode int    // the HTTP status; 0 where there was none
	Code       string // Zuora's code: digits or a word; may be empty
	Message    string // Zuora's message, or what went wrong in our words
	RequestID  string // Zuora-Request-Id, which Zuora's support asks for
	ProcessID  string // processId, which it asks for as well
	// NotBegun is true where time ran out before anything was sent for this
	// read, because the requests of others took all there was.
	NotBegun bool

	// unauthorized is true where Zuora does not accept the token.
	unauthorized bool
	// limited is true where Zuora says that a limit was reached, even if
	// another reason fits first.
	limited bool
	// lost is true where the connection ended before the status line.
	lost bool
	// heldUntil is the instant before which a token request is not repeated
	// because Zuora asked so; zero where it did not.
	heldUntil time.Time
}

// Error tells the failure in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Operation == OperationToken {
		b.WriteString("getting a token: ")
	}
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, "HTTP %d: ", e.StatusCode)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, "%s: ", e.Code)
	}
	b.WriteString(e.Message)
	return b.String()
}

// retryable tells whether asking again at once may help: after a 5xx or a lost
// connection, but never against a limit.
func (e *Error) retryable() bool { return e.lost || e.StatusCode >= 500 && !e.limited }

// orTooLate returns the first of two reasons that fit an answer: what it says
// itself, or late, where it is not nil, that it did not end in time.
func (e *Error) orTooLate(late *Error) *Error {
	if late == nil || e.Reason != ReasonUnavailable && e.Reason != ReasonRefused {
		return e
	}
	return late
}

// failure is the body of an answer that tells an error. Zuora uses several
// shapes, sometimes at once, and its gateways add theirs; nothing is required
// and nothing of an unexpected type may hide the rest.
type failure struct {
	success   *bool
	reasons   []apiReason
	processID string
	// plain is true where the body was no JSON object.
	plain bool
}

type apiReason struct{ code, message string }

func decodeFailure(body []byte) failure {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil || top == nil {
		return failure{plain: true}
	}
	f := failure{processID: text(top["processId"])}
	var success bool
	if raw, ok := top["success"]; ok && json.Unmarshal(raw, &success) == nil {
		f.success = &success
	}
	var reasons []map[string]json.RawMessage
	if json.Unmarshal(top["reasons"], &reasons) == nil {
		for _, r := range reasons {
			f.reasons = append(f.reasons, apiReason{text(r["code"]), text(r["message"])})
		}
	}
	code := text(top["code"])
	// "error" and "error_description" are OAuth's, "reason" the gateway's.
	for _, key := range []string{"message", "error_description", "error", "reason"} {
		if message := text(top[key]); message != "" || code != "" {
			f.reasons = append(f.reasons, apiReason{code, message})
			code = ""
		}
	}
	return f
}

// text returns a JSON string's content or a JSON number as it was written, so
// that a code reads the same in all its forms; anything else is empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// category returns the last two digits of an eight-digit code, which say what
// kind of error it is, or "".
//
// Source: "Error codes" in Zuora's API reference.
func category(code string) string {
	if len(code) != 8 || strings.Trim(code, "0123456789") != "" {
		return ""
	}
	return code[6:]
}

// isLimit tells whether an answer says that a limit was reached.
func isLimit(status int, reasons []apiReason) bool {
	return status == http.StatusTooManyRequests || slices.ContainsFunc(reasons, func(r apiReason) bool {
		return category(r.code) == "70" || r.code == "70" || r.code == "REQUEST_EXCEEDED_LIMIT"
	})
}

// classify returns the first reason that fits an answer that is an error,
// whatever its status, and otherwise ReasonRefused.
func classify(status int, reasons []apiReason) Reason {
	inCategory := func(categories ...string) bool {
		return slices.ContainsFunc(reasons, func(r apiReason) bool { return slices.Contains(categories, category(r.code)) })
	}
	missing := slices.ContainsFunc(reasons, func(r apiReason) bool {
		return strings.Contains(strings.ToLower(r.message), "does not exist")
	})
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, inCategory("10", "11"):
		return ReasonAuth
	case isLimit(status, reasons):
		return ReasonRateLimited
	case status == http.StatusNotFound, inCategory("40"), missing:
		return ReasonNotFound
	case status >= 500, inCategory("50", "60", "61", "99"):
		return ReasonUnavailable
	}
	return ReasonRefused
}

// answerError turns an answer that is an error into one. The caller redacts it.
func answerError(operation string, resp *http.Response, f failure) *Error {
	e := &Error{
		Operation:  operation,
		Reason:     classify(resp.StatusCode, f.reasons),
		limited:    isLimit(resp.StatusCode, f.reasons),
		StatusCode: resp.StatusCode,
		ProcessID:  f.processID,
		RequestID:  resp.Header.Get(headerRequestID),
	}
	for _, r := range f.reasons {
		if e.Code == "" {
			e.Code = r.code
		}
		if e.Message == "" {
			e.Message = r.message
		}
		e.unauthorized = e.unauthorized || category(r.code) == "11"
	}
	e.unauthorized = e.unauthorized || resp.StatusCode == http.StatusUnauthorized
	switch {
	case e.Message != "":
	case resp.StatusCode == http.StatusOK:
		e.Message = "success is false, without a message"
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		e.Message = "redirects are not followed"
	default:
		e.Message = http.StatusText(resp.StatusCode)
	}
	return e
}

// redact takes the secrets out of all texts of e and cuts these to length.
func (e *Error) redact(secrets *strings.Replacer) *Error {
	for _, s := range []*string{&e.Code, &e.Message, &e.RequestID, &e.ProcessID} {
		if secrets != nil {
			*s = secrets.Replace(*s)
		}
		*s = Printable(*s, 300)
	}
	return e
}

// Printable makes a text from Zuora fit to be shown: "_" stands for each
// character that cannot be printed, and the text ends after limit characters.
func Printable(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			s = s[:i]
			break
		}
		n++
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '_'
	}, s)
}
