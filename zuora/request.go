package zuora

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"regexp"
	"time"
)

// maxBody bounds the bodies that are read, uncompressed. A job takes about 200
// bytes.
const maxBody = 64 << 10

// answer is what Zuora answered to one request.
type answer struct {
	operation string
	status    int
	header    http.Header
	body      []byte // without a byte order mark
	trackID   string
	secrets   secrets // that no error may repeat
	// broken is what is wrong with a body that did not end in time, or with that
	// of a 2xx which is cut short or too large: any other status says enough.
	broken *Error
}

// ok tells whether the status says that all is well.
func (a *answer) ok() bool { return a.status/100 == 2 }

// fields returns the fields of a body that is a JSON object, and nil for any
// other.
func (a *answer) fields() (fields map[string]json.RawMessage) {
	_ = json.Unmarshal(a.body, &fields)
	return fields
}

// send sends one request and reads its answer.
//
// It calls the transport itself, because http.Client would follow redirects
// and put the URL into errors.
func (c *Client) send(ctx context.Context, operation string, s secrets, req *http.Request) (*answer, *Error) {
	defer func() { // after the end of the body
		if c.open.Err() != nil {
			c.CloseIdleConnections()
		}
	}()
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()

	a := &answer{operation: operation, trackID: req.Header.Get(headerTrackID), secrets: s}
	if c.cfg.Observe != nil {
		begun, request := time.Now(), Request{Operation: operation, TrackID: a.trackID}
		done := c.cfg.Observe(parent, request)
		defer func() {
			request.StatusCode, request.Duration, request.RequestID = a.status, time.Since(begun), a.requestID()
			done(request)
		}()
	}
	tooLate := func(what string) *Error {
		if parent.Err() != nil {
			return a.error(ReasonTimeout, what+" before the deadline")
		}
		return a.error(ReasonTimeout, fmt.Sprintf("%s within the request timeout of %s", what, c.cfg.RequestTimeout))
	}

	resp, err := c.cfg.Transport.RoundTrip(req.WithContext(ctx))
	network, isNetwork := errors.AsType[net.Error](err)
	switch {
	// A dial, a proxy or a handshake gets no more time than a request has.
	case err != nil && (ctx.Err() != nil || isNetwork && network.Timeout()):
		return nil, tooLate("no answer")
	case err != nil:
		return nil, a.error(ReasonUnavailable, a.lost(err))
	}
	defer resp.Body.Close()
	a.status = resp.StatusCode
	if a.status == http.StatusProxyAuthRequired { // nobody but a proxy says it
		return nil, a.error(ReasonUnavailable, "the proxy refused")
	}
	a.header = resp.Header
	if a.status == http.StatusSwitchingProtocols {
		return a, nil // its body is the connection itself, which no context ends
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	a.body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if operation == OperationToken {
		a.secrets.add(text(a.fields()["access_token"]))
	}
	switch {
	case err != nil && ctx.Err() != nil:
		a.broken = tooLate("no end of the answer")
	case err != nil && a.ok():
		a.broken = a.error(ReasonInvalidResponse, "the body is cut short")
	case len(body) > maxBody && a.ok():
		a.broken = a.error(ReasonInvalidResponse, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	}
	return a, nil
}

// lost says why there is no answer. What went wrong in our own dialing, name
// look-up and TLS is no text from outside. All else may quote what the other
// side sent.
func (a *answer) lost(err error) string {
	_, network := errors.AsType[*net.OpError](err)
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, file := errors.AsType[*fs.PathError](err)
	if network || certificate || file {
		return printable(err.Error(), maxText)
	}
	// net/http quotes with escapes, which would stand between.
	if a.secrets.repeatedBy(quotedEscape.ReplaceAllString(err.Error(), "")) {
		return withheld
	}
	return a.secrets.show(err.Error())
}

var quotedEscape = regexp.MustCompile(`\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)`)

// requestID returns the answer's Zuora-Request-Id.
func (a *answer) requestID() string { return a.show(a.header.Get(headerRequestID), hexadecimal) }
