// Package zuora reads data labeling jobs from the Zuora REST API.
//
// It keeps to what Zuora's API reference says and copes with what it leaves
// open; it knows neither Prometheus nor a configuration file.
package zuora

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// maxBody bounds the bodies that are read, after unpacking. A job takes about
// 200 bytes.
const maxBody = 1 << 20

// Config says how to reach one tenant.
type Config struct {
	BaseURL  *url.URL // such as https://rest.na.zuora.com, without a trailing slash
	TokenURL *url.URL // such as https://rest.na.zuora.com/oauth/token

	ClientID string
	// ClientSecret is asked for each token. Its errors must not quote it.
	ClientSecret   func() (string, error)
	Scopes         []string   // optional
	EndpointParams url.Values // optional: more parameters for the token request

	EntityID   string // optional: Zuora-Entity-Ids
	APIVersion string // Zuora-Version
	UserAgent  string

	RequestTimeout        time.Duration // of one request, from sending it to the end of its answer
	MaxConcurrentRequests int           // job requests that run at once
	RateLimitReserve      float64       // share of the rate limit, 0 to 1, that is left to others

	// The transports that requests go out by. They are two, so that whoever
	// wraps them knows which operation a request is for.
	TokenTransport, JobTransport http.RoundTripper
}

// Client reads the data labeling jobs of one tenant. It is safe for concurrent
// use; Close ends it.
type Client struct {
	Config
	jobs   *url.URL      // ends where the job's id begins
	slots  chan struct{} // holds a value for each job request under way
	limits *limiter
	tokens *tokenSource
}

// NewClient returns a client that has not sent anything yet.
func NewClient(c Config) *Client {
	client := &Client{
		Config: c,
		jobs:   rooted(c.BaseURL).JoinPath("v1/multi-organizations/data-labeling-job/"),
		slots:  make(chan struct{}, c.MaxConcurrentRequests),
		limits: newLimiter(c.RateLimitReserve),
	}
	client.tokens = newTokenSource(client.requestToken)
	return client
}

// rooted returns u with a path: what is joined to none is a relative path.
func rooted(u *url.URL) *url.URL {
	r := *u
	if r.Path == "" {
		r.Path = "/"
	}
	return &r
}

// Close ends a token request that may be under way and waits for it. Reads
// that are under way end with their contexts; new ones fail.
func (c *Client) Close() { c.tokens.close() }

// Limits returns what Zuora said of the tenant's limits so far.
func (c *Client) Limits() Limits { return c.limits.snapshot() }

// PausedUntil returns, for each operation whose requests are held back, until
// when they are.
func (c *Client) PausedUntil() map[string]time.Time { return c.limits.pausedUntil(time.Now()) }

// TokenExpiry returns when the token in use ends, the zero time where there is
// none.
func (c *Client) TokenExpiry() time.Time { return c.tokens.expiry() }

// CheckToken gets a token, or uses the one it has. The error is always an *Error.
func (c *Client) CheckToken(ctx context.Context) error {
	if _, err := c.tokens.token(ctx); err != nil {
		return err
	}
	return nil
}

// DataLabelingJob reads one job: GET /v1/multi-organizations/data-labeling-job/{job-id}.
// The error is always an *Error. It waits until fewer than
// MaxConcurrentRequests run and sends nothing while Zuora asked to hold back.
func (c *Client) DataLabelingJob(ctx context.Context, id string) (*DataLabelingJob, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, &Error{
			Operation: OperationDataLabelingJob, Reason: ReasonTimeout, NotBegun: true,
			Message: "no time left before a request could begin",
		}
	}
	// Each kind of second try happens once at most.
	var renewed, repeated bool
	for {
		job, tok, err := c.tryJob(ctx, id)
		switch {
		case err == nil:
			return job, nil
		case ctx.Err() != nil, err.limited:
			return nil, err
		case err.unauthorized && !renewed && tok != nil && c.tokens.drop(tok):
			renewed = true
		case err.retryable() && !repeated && tok != nil:
			repeated = true
		default:
			return nil, err
		}
	}
}

// tryJob gets a token and sends one request. The token is nil where the error
// is about having none, and where the request was held back.
func (c *Client) tryJob(ctx context.Context, id string) (*DataLabelingJob, *token, *Error) {
	if err := c.limits.held(OperationDataLabelingJob, time.Now()); err != nil {
		return nil, nil, err
	}
	tok, err := c.tokens.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	// The wait for the token may have been long.
	if err := c.limits.held(OperationDataLabelingJob, time.Now()); err != nil {
		return nil, nil, err
	}
	job, err := c.requestJob(ctx, tok, id)
	if err != nil {
		return nil, tok, err.redact(tok.secrets)
	}
	return job, tok, nil
}

func (c *Client) requestJob(ctx context.Context, tok *token, id string) (*DataLabelingJob, *Error) {
	target := *c.jobs
	target.Path += id
	if target.RawPath != "" {
		target.RawPath += id // an id needs no escaping
	}
	resp, body, err := c.send(ctx, c.JobTransport, OperationDataLabelingJob, &http.Request{
		Method: http.MethodGet,
		URL:    &target,
		Host:   target.Host,
		Header: tok.header,
		// A request with a body, even an empty one, is not repeated by
		// http.Transport itself, which would try a lost request again on each
		// idle connection. One more try is ours to make, and ours to count.
		Body:             io.NopCloser(strings.NewReader("")),
		TransferEncoding: []string{"identity"},
	})
	if resp != nil {
		c.limits.observe(resp.Header, tok.secrets, time.Now())
	}
	if err != nil && (resp == nil || resp.StatusCode == http.StatusOK) {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		job, err := decodeJob(body, id)
		if err == nil {
			job.Status, job.ObjectType = tok.secrets.Replace(job.Status), tok.secrets.Replace(job.ObjectType)
			job.ReceivedAt = time.Now()
			return job, nil
		}
		f := decodeFailure(body)
		if !errors.Is(err, errNoSuccess) && (!errors.Is(err, errNoJob) || len(f.reasons) == 0) {
			return nil, &Error{
				Operation: OperationDataLabelingJob, Reason: ReasonInvalidResponse, StatusCode: resp.StatusCode,
				Message: err.Error(), RequestID: resp.Header.Get(headerRequestID),
			}
		}
	}
	e := answerError(OperationDataLabelingJob, resp, decodeFailure(body)).orTooLate(err)
	if e.limited {
		c.limits.limited(OperationDataLabelingJob, resp.Header, time.Now())
	}
	return nil, e
}

// send sends one request by the transport itself: that follows no redirect,
// which would carry the credentials elsewhere, and puts no URL into its
// errors. It returns the answer, where there was one, with the body read and
// closed. A body that ends too early is an error only where the status is 200:
// any other says enough by itself. A body that came too late is one with any
// status, and what came of it is returned as well.
func (c *Client) send(ctx context.Context, transport http.RoundTripper, operation string, req *http.Request) (*http.Response, []byte, *Error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.RequestTimeout)
	defer cancel()

	fail := func(reason Reason, resp *http.Response, format string, args ...any) *Error {
		e := &Error{Operation: operation, Reason: reason, Message: fmt.Sprintf(format, args...)}
		if resp != nil {
			e.StatusCode, e.RequestID = resp.StatusCode, resp.Header.Get(headerRequestID)
		}
		return e
	}
	outOfTime := func(resp *http.Response) *Error {
		what := "no answer"
		if resp != nil {
			what = "no end of the answer"
		}
		if parent.Err() != nil {
			return fail(ReasonTimeout, resp, "%s before the scrape's time ran out", what)
		}
		return fail(ReasonTimeout, resp, "%s within the request timeout of %s", what, c.RequestTimeout)
	}

	resp, err := transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if isTimeout(ctx, err) {
			return nil, nil, outOfTime(nil)
		}
		e := fail(ReasonUnavailable, nil, "%s", err)
		e.lost = isLost(err)
		return nil, nil, e
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil, nil // its body is the connection itself, which no context ends
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil && isTimeout(ctx, err):
		return resp, body, outOfTime(resp)
	case resp.StatusCode != http.StatusOK:
		return resp, body, nil
	case err != nil:
		return resp, nil, fail(ReasonInvalidResponse, resp, "the body is cut short: %s", err)
	case len(body) > maxBody:
		return resp, nil, fail(ReasonInvalidResponse, resp, "the body is larger than %d bytes", maxBody)
	}
	return resp, body, nil
}

// isTimeout tells whether err came of the context's end. The dialer learns of
// the deadline a moment before the context says so.
func isTimeout(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)
}

// isLost tells whether a connection that had been made ended before an answer
// began, as opposed to one that could not be made.
func isLost(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return false
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		strings.Contains(err.Error(), "server closed idle connection") ||
		strings.Contains(err.Error(), "http2:")
}
