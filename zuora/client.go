// Package zuora reads data labeling jobs from the Zuora REST API.
//
// It follows Zuora's API reference and copes with what that leaves open. It
// knows neither Prometheus nor a configuration file.
package zuora

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/time/rate"
)

// Config says how to reach one tenant.
type Config struct {
	BaseURL  *url.URL // such as https://rest.na.zuora.com, without a trailing slash
	TokenURL *url.URL // such as https://rest.na.zuora.com/oauth/token

	ClientID string
	// ClientSecret is called for each token request, and never twice at once.
	// While it hangs, reads wait for the token; nothing else does. An empty secret
	// must be an error, and no error may quote one.
	ClientSecret   func() (string, error)
	Scopes         []string          // optional
	EndpointParams map[string]string // optional: more parameters of the token request

	EntityID   string // optional: Zuora-Entity-Ids
	APIVersion string // Zuora-Version
	UserAgent  string

	RequestTimeout   time.Duration // of one request, from sending it to the end of its answer
	RateLimitReserve float64       // share of the rate limit, 0 to 1, that is left to others

	Transport http.RoundTripper
	// Secrets are further texts that no error may repeat, such as a proxy's
	// password.
	Secrets []string
	// TokenBudget is shared by all clients of a process; nil sets no bound. See
	// NewTokenBudget.
	TokenBudget *rate.Limiter
	// Previous is optional: a client with the same tenant and client id, which
	// this one replaces. What Zuora said of the limits, the pauses and the pace
	// of token requests are shared with it.
	Previous *Client
	// Observe is optional. It is called when a request is sent, and what it
	// returns when the answer has ended. The context is that of the read which
	// caused the request; for a token request only its values, as that goes on
	// when the read ends.
	Observe func(ctx context.Context, sent Request) (done func(Request))
}

// Request is one request that was sent.
type Request struct {
	Operation string // OperationToken or OperationDataLabelingJob
	TrackID   string // Zuora-Track-Id; empty for a token request
	// Known when the answer has ended:
	StatusCode int // 0 if there was no answer
	Duration   time.Duration
	RequestID  string // Zuora-Request-Id; may be empty
}

// Client reads the data labeling jobs of one tenant. It is safe for concurrent
// use, and sets no bound to it.
type Client struct {
	cfg    Config
	header http.Header // of every request; never changed
	jobs   *url.URL    // what a job's id is appended to; never changed
	limits *limits

	current *token        // guarded by limits.mu; nil before the first
	pending *tokenRequest // guarded by limits.mu; nil if none is in progress

	open  context.Context // ends with Close
	close context.CancelFunc
}

// NewClient returns a client that has not sent anything yet.
func NewClient(c Config) *Client {
	base := *c.BaseURL
	base.Path = cmp.Or(base.Path, "/") // JoinPath would make a path without a slash before it
	client := &Client{
		cfg:    c,
		header: http.Header{"Accept": {"application/json"}, "User-Agent": {c.UserAgent}},
		jobs:   base.JoinPath("v1/multi-organizations/data-labeling-job/"),
		limits: &limits{pauses: make(map[string]time.Time)},
	}
	client.open, client.close = context.WithCancel(context.Background())
	if c.Previous != nil {
		client.limits = c.Previous.limits
		client.cfg.Previous = nil // it is of no more use
	}
	if c.EntityID != "" {
		client.header.Set("Zuora-Entity-Ids", c.EntityID)
	}
	return client
}

// CloseIdleConnections closes the connections of the Transport that no request
// uses.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.cfg.Transport}).CloseIdleConnections()
}

// Close closes the connections of the Transport: the idle ones at once, the
// others when their requests have ended. Requests still work, each on a
// connection of its own, but none waits for the TokenBudget any more.
func (c *Client) Close() {
	c.close()
	c.CloseIdleConnections()
}

// DataLabelingJob reads one job: GET /v1/multi-organizations/data-labeling-job/{job-id}.
// The error is always an *Error. It sends nothing while job requests are paused.
//
// A read that Zuora answers with 401 is repeated once, if a newer token can be
// had. Nothing else is repeated: during an outage that doubles the load.
func (c *Client) DataLabelingJob(ctx context.Context, id string) (*DataLabelingJob, error) {
	if err := c.limits.paused(OperationDataLabelingJob); err != nil {
		return nil, err
	}
	tok, err := c.token(ctx, nil)
	if err != nil {
		return nil, err
	}
	job, err := c.requestJob(ctx, tok, id)
	if err != nil && err.unauthorized && c.limits.paused(OperationDataLabelingJob) == nil {
		if newer, _ := c.token(ctx, tok); newer != nil {
			job, err = c.requestJob(ctx, newer, id)
		}
	}
	if err != nil {
		return nil, err
	}
	return job, nil
}

func (c *Client) requestJob(ctx context.Context, tok *token, id string) (*DataLabelingJob, *Error) {
	// The wait for the token may have been long.
	if err := c.limits.paused(OperationDataLabelingJob); err != nil {
		return nil, err
	}
	at := *c.jobs
	at.Path += id
	if at.RawPath != "" { // the base URL has escapes
		at.RawPath += id
	}
	header := maps.Clone(tok.header)
	header[headerTrackID] = []string{"zuora_exporter-" + strconv.FormatUint(rand.Uint64(), 16)}
	a, err := c.send(ctx, OperationDataLabelingJob, tok.secrets, &http.Request{
		Method: http.MethodGet,
		URL:    &at,
		Header: header,
	})
	if err != nil {
		return nil, err
	}
	job, err := a.job(id)
	var refused time.Duration
	switch {
	case err != nil:
		refused = err.pause
	case bytes.Contains(a.body, []byte(`"code"`)) && a.failure().isLimit(): // beside a good job
		refused = pauseAfter(a.header)
	}
	c.limits.note(a, refused, c.cfg.RateLimitReserve)
	return job, err
}
