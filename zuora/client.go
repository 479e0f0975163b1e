// Package zuora reads data labeling jobs from the Zuora REST API.
//
// It follows Zuora's API reference and copes with what that leaves open. It
// knows neither Prometheus nor a configuration file.
package zuora

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Config says how to reach one tenant.
type Config struct {
	BaseURL  *url.URL // such as https://rest.na.zuora.com, without a trailing slash
	TokenURL *url.URL // such as https://rest.na.zuora.com/oauth/token

	ClientID string
	// ClientSecret is called for each token request. Its errors must not quote
	// the secret.
	ClientSecret   func() (string, error)
	Scopes         []string   // optional
	EndpointParams url.Values // optional: more parameters of the token request

	EntityID   string // optional: Zuora-Entity-Ids
	APIVersion string // Zuora-Version
	UserAgent  string

	RequestTimeout   time.Duration // of one request, from sending it to the end of its answer
	RateLimitReserve float64       // share of the rate limit, 0 to 1, that is left to others

	Transport http.RoundTripper
	// Secrets are further texts that no error may repeat, such as a proxy's
	// password.
	Secrets []string
	// TokenBudget is shared by all clients of a process; nil sets no bound.
	TokenBudget *TokenBudget
	// Observe is optional. It is called when a request is sent, and what it
	// returns when the answer has ended, with the HTTP status or, if there was
	// no answer, 0.
	Observe func(operation string) (done func(status int))
}

// Client reads the data labeling jobs of one tenant. It is safe for concurrent
// use, and sets no bound to it. Close ends it.
type Client struct {
	cfg    Config
	header http.Header // of every request; never changed
	jobs   *url.URL    // without the job's id at its end
	limits *limits
	tokens *tokenSource

	trackPrefix string // of each Zuora-Track-Id: unique to this client
	tracked     atomic.Uint64
}

// NewClient returns a client that has not sent anything yet.
func NewClient(c Config) *Client {
	c.BaseURL, c.TokenURL = rooted(c.BaseURL), rooted(c.TokenURL)
	client := &Client{
		cfg:         c,
		header:      http.Header{"Accept": {"application/json"}, "User-Agent": {c.UserAgent}},
		jobs:        c.BaseURL.JoinPath("v1/multi-organizations/data-labeling-job/"),
		limits:      &limits{reserve: c.RateLimitReserve},
		trackPrefix: fmt.Sprintf("zuora_exporter-%016x-", rand.Uint64()),
	}
	if c.EntityID != "" {
		client.header.Set("Zuora-Entity-Ids", c.EntityID)
	}
	client.tokens = newTokenSource(client)
	return client
}

// rooted returns u with a path that begins with a slash: JoinPath makes none for
// a URL without a path.
func rooted(u *url.URL) *url.URL {
	r := *u
	if !strings.HasPrefix(r.Path, "/") {
		r.Path = "/" + r.Path
	}
	return &r
}

// Close ends a token request in progress. Reads in progress end with their
// contexts; new ones fail once the token has expired.
func (c *Client) Close() { c.tokens.close() }

// Limits returns what Zuora said of the tenant's limits so far.
func (c *Client) Limits() Limits { return c.limits.snapshot() }

// PausedUntil returns, for each operation whose requests are paused, until
// when they are.
func (c *Client) PausedUntil() map[string]time.Time { return c.limits.pausedUntil(time.Now()) }

// Token returns what is known of the tenant's token.
func (c *Client) Token() TokenState { return c.tokens.state() }

// CheckToken gets a token, or uses the one it has. The error is always an *Error.
func (c *Client) CheckToken(ctx context.Context) error {
	if _, err := c.tokens.token(ctx); err != nil {
		return err
	}
	return nil
}

// DataLabelingJob reads one job: GET /v1/multi-organizations/data-labeling-job/{job-id}.
// The error is always an *Error. It sends nothing while job requests are paused.
func (c *Client) DataLabelingJob(ctx context.Context, id string) (*DataLabelingJob, error) {
	// Each kind of retry happens once at most, and not if the answer paused
	// requests: its own failure says more than the pause.
	var renewed, repeated bool
	for {
		job, tok, err := c.tryJob(ctx, id)
		switch {
		case err == nil:
			return job, nil
		case ctx.Err() != nil, c.limits.paused(OperationDataLabelingJob, time.Now()) != nil:
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

// tryJob gets a token and sends one request. The token is nil if there is
// none, or if requests are paused.
func (c *Client) tryJob(ctx context.Context, id string) (*DataLabelingJob, *token, *Error) {
	if err := c.limits.paused(OperationDataLabelingJob, time.Now()); err != nil {
		return nil, nil, err
	}
	tok, err := c.tokens.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	// The wait for the token may have been long.
	if err := c.limits.paused(OperationDataLabelingJob, time.Now()); err != nil {
		return nil, nil, err
	}
	job, err := c.requestJob(ctx, tok, id)
	return job, tok, err
}

func (c *Client) requestJob(ctx context.Context, tok *token, id string) (*DataLabelingJob, *Error) {
	target := *c.jobs
	target.Path += id
	if target.RawPath != "" {
		target.RawPath += id // an id needs no escaping
	}
	header := maps.Clone(tok.header)
	header[headerTrackID] = []string{c.trackPrefix + strconv.FormatUint(c.tracked.Add(1), 36)}
	a, err := c.send(ctx, OperationDataLabelingJob, &http.Request{
		Method: http.MethodGet,
		URL:    &target,
		Host:   target.Host,
		Header: header,
		// http.Transport does not repeat a request with a body, even an empty
		// one. It would repeat a lost one on each idle connection; the one
		// retry is ours to make, and to count.
		Body:             io.NopCloser(strings.NewReader("")),
		TransferEncoding: []string{"identity"},
	}, tok.secrets)
	if a == nil {
		return nil, err
	}
	job, e := a.job(id, err)
	limited := e != nil && e.limited
	c.limits.note(a.header, limited, tok.secrets, time.Now())
	return job, e
}

// job decodes the answer to a job request. late is the error of an answer that
// did not end as it should.
func (a *answer) job(id string, late *Error) (*DataLabelingJob, *Error) {
	if a.status != http.StatusOK {
		return nil, a.failed(decodeFailure(a.body)).orTooLate(late)
	}
	if late != nil {
		return nil, late
	}
	job, err := decodeJob(a.body, id, a.secrets)
	if err == nil {
		return job, nil
	}
	// Versions before 2024-05-20 tell errors with status 200. An error that Zuora
	// tells goes before what is wrong with the body, but a job with unknown
	// reasons beside it is no error told.
	f := decodeFailure(a.body)
	told := a.failed(f)
	if !f.denied && (len(f.reasons) == 0 || told.Reason == ReasonRefused && !errors.Is(err, errNoJob)) {
		return nil, a.error(ReasonInvalidResponse, err.Error())
	}
	return nil, told
}
