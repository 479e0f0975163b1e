package zuora

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// maxBody bounds the bodies that are read, uncompressed. A job takes about 200
// bytes.
const maxBody = 1 << 20

// answer is what Zuora answered to one request.
type answer struct {
	operation string
	status    int
	header    http.Header
	body      []byte
	trackID   string
	secrets   secrets // that no error may repeat
}

// send sends one request and reads its answer, which is nil if there was none.
// A body that ends too early is an error only if the status is 200: any other
// status says enough by itself. A body that is too late is an error with any
// status, and the answer has what came of it.
//
// It calls the transport itself, because http.Client would follow redirects
// and put the URL into errors.
func (c *Client) send(ctx context.Context, operation string, req *http.Request, s secrets) (a *answer, e *Error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()

	sent := &answer{operation: operation, trackID: req.Header.Get(headerTrackID), secrets: s}
	if c.cfg.Observe != nil {
		done := c.cfg.Observe(operation)
		defer func() { done(sent.status) }()
	}
	defer traceFrom(parent).begin(sent)()

	tooLate := func(what string) *Error {
		if parent.Err() != nil {
			return sent.error(ReasonTimeout, what+" before the deadline")
		}
		return sent.error(ReasonTimeout, fmt.Sprintf("%s within the request timeout of %s", what, c.cfg.RequestTimeout))
	}

	resp, err := c.cfg.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if isTimeout(ctx, err) {
			return nil, tooLate("no answer")
		}
		e := sent.error(ReasonUnavailable, err.Error())
		e.lost = isLost(err)
		return nil, e
	}
	defer resp.Body.Close()
	sent.status, sent.header = resp.StatusCode, resp.Header
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return sent, nil // its body is the connection itself, which no context ends
	}
	sent.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if operation == OperationToken {
		sent.secrets = sent.secrets.with(accessToken(sent.body))
	}
	switch {
	case err != nil && isTimeout(ctx, err):
		return sent, tooLate("no end of the answer")
	case resp.StatusCode != http.StatusOK:
		return sent, nil
	case err != nil:
		return sent, sent.error(ReasonInvalidResponse, "the body is cut short: "+err.Error())
	case len(sent.body) > maxBody:
		return sent, sent.error(ReasonInvalidResponse, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	}
	return sent, nil
}

// isTimeout tells whether err is due to the context's end. The dialer notices
// the deadline a moment before the context does; long before it, the timeout is
// the dialer's own.
func isTimeout(ctx context.Context, err error) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) && time.Until(deadline) < time.Second
}

// isLost tells whether a connection ended before an answer began, as opposed
// to one that could not be made.
func isLost(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "server closed idle connection")
}
