package zuora

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Reason says in one word why a read failed.
type Reason string

// The reasons, in the order in which they are tried: the first that fits.
const (
	// ReasonAuth is 401 or 403, 400 for the token, or category 10 or 11.
	ReasonAuth Reason = "auth"
	// ReasonRateLimited is 429, category 70, or a request that was not sent
	// because requests are paused.
	ReasonRateLimited Reason = "rate_limited"
	// ReasonNotFound is 404 for a job, category 40, or a message saying that
	// something does not exist.
	ReasonNotFound Reason = "not_found"
	// ReasonTimeout is the end of the request's or the caller's time.
	ReasonTimeout Reason = "timeout"
	// ReasonUnavailable is no connection, TLS, a 5xx, or category 50, 60, 61, 99.
	ReasonUnavailable Reason = "unavailable"
	// ReasonInvalidResponse is a 200 that holds no valid answer.
	ReasonInvalidResponse Reason = "invalid_response"
	// ReasonRefused is any other answer.
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

	unauthorized bool // Zuora does not accept the token
	limited      bool // a limit was reached, even if another reason fits first
	lost         bool // the connection ended before the status line
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

// retryable tells whether a retry at once may help: after a 5xx or a lost
// connection, but never if a limit was reached.
func (e *Error) retryable() bool { return e.lost || e.StatusCode >= 500 && !e.limited }

// orTooLate returns late, the error of a body that did not end in time, unless
// what came of it gives a reason that goes before timeout.
func (e *Error) orTooLate(late *Error) *Error {
	if late == nil || e.Reason != ReasonUnavailable && e.Reason != ReasonRefused {
		return e
	}
	return late
}

// failure is the body of an answer that tells an error. Zuora uses several
// shapes, sometimes at once, and its gateways have their own; nothing is
// required, and no field of an unexpected type may hide the others.
type failure struct {
	denied    bool // success is false
	reasons   []apiReason
	processID string
}

type apiReason struct{ code, message string }

func decodeFailure(body []byte) failure {
	var top map[string]json.RawMessage
	if json.Unmarshal(body, &top) != nil {
		return failure{}
	}
	f := failure{denied: string(top["success"]) == "false", processID: text(top["processId"])}
	var elements []json.RawMessage
	if json.Unmarshal(top["reasons"], &elements) != nil {
		elements = []json.RawMessage{top["reasons"]}
	}
	for _, raw := range elements {
		var r map[string]json.RawMessage
		var message string
		if json.Unmarshal(raw, &r) == nil && r != nil {
			f.reasons = append(f.reasons, apiReason{text(r["code"]), text(r["message"])})
		} else if json.Unmarshal(raw, &message) == nil && message != "" {
			f.reasons = append(f.reasons, apiReason{message: message})
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
func classify(operation string, status int, reasons []apiReason) Reason {
	inCategory := func(categories ...string) bool {
		return slices.ContainsFunc(reasons, func(r apiReason) bool { return slices.Contains(categories, category(r.code)) })
	}
	missing := slices.ContainsFunc(reasons, func(r apiReason) bool {
		return strings.Contains(strings.ToLower(r.message), "does not exist")
	})
	token := operation == OperationToken
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, token && status == http.StatusBadRequest, inCategory("10", "11"):
		return ReasonAuth
	case isLimit(status, reasons):
		return ReasonRateLimited
	case status == http.StatusNotFound && !token, inCategory("40"), missing:
		return ReasonNotFound
	case status >= 500, inCategory("50", "60", "61", "99"):
		return ReasonUnavailable
	}
	return ReasonRefused
}

// error returns an error about the answer, or about the lack of one.
func (a *answer) error(reason Reason, message string) *Error {
	return &Error{
		Operation:  a.operation,
		Reason:     reason,
		StatusCode: a.status,
		Message:    a.secrets.show(message),
		RequestID:  a.secrets.show(a.header.Get(headerRequestID)),
		TrackID:    a.trackID,
	}
}

// failed returns the error that the answer tells.
func (a *answer) failed(f failure) *Error {
	var code, message string
	unauthorized := a.status == http.StatusUnauthorized
	for _, r := range f.reasons {
		code, message = cmp.Or(code, r.code), cmp.Or(message, r.message)
		unauthorized = unauthorized || category(r.code) == "11"
	}
	switch {
	case message != "":
	case a.status == http.StatusOK:
		message = "success is false, without a message"
	case a.status >= 300 && a.status < 400:
		message = "redirects are not followed"
	default:
		message = cmp.Or(http.StatusText(a.status), "an unknown status")
	}
	e := a.error(classify(a.operation, a.status, f.reasons), message)
	e.Code, e.ProcessID = a.secrets.show(code), a.secrets.show(f.processID)
	e.unauthorized, e.limited = unauthorized, isLimit(a.status, f.reasons)
	return e
}
