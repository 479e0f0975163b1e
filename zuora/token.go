package zuora

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// defaultTokenLife is for an answer without expires_in, as in Zuora's sample.
	defaultTokenLife = time.Hour
	// A life that an answer claims is bounded: below, because a token that ends
	// at once would be asked for without end; above, because times overflow.
	minTokenLife = time.Second
	maxTokenLife = 365 * 24 * time.Hour
	// renewAhead is how long before a token's end Zuora's own sample renews it.
	// A tenth of the token's life is enough if that is less.
	renewAhead = 300 * time.Second
	// How long a token request that failed is not repeated.
	minBackoff = time.Second
	maxBackoff = time.Minute
	// dropInterval is the least time between two tokens dropped after a 401.
	dropInterval = time.Minute
)

// token is an access token and what is made of it once.
type token struct {
	value   string
	header  http.Header // of every request sent with it; never changed
	secrets secrets
	since   time.Time
	expires time.Time
	renew   time.Time
}

// TokenState is what is known of a tenant's token without asking Zuora.
type TokenState struct {
	Since   time.Time // when the token in use came
	Expiry  time.Time // of the token in use; zero if there is none
	Failure *Error    // of the newest token request; nil if it succeeded
}

// tokenSource shares one token between all readers. There is one token request
// at a time, and it belongs to no reader: it goes on if the one that caused it
// gives up, so the next finds the token.
type tokenSource struct {
	client *Client

	ctx    context.Context
	cancel context.CancelFunc

	mu        sync.Mutex
	current   *token        // nil before the first and after a drop
	pending   *tokenRequest // nil if none is in progress
	failure   *Error        // of the newest request, nil if it succeeded
	backoff   time.Duration // after that failure
	notBefore time.Time     // the next request
	dropped   time.Time     // when a token was dropped last
	recent    []string      // the newest tokens, which no text may repeat
}

type tokenRequest struct {
	trace Trace
	done  chan struct{} // closed when the fields below are set
	tok   *token
	err   *Error
}

func newTokenSource(c *Client) *tokenSource {
	s := &tokenSource{client: c}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// close does not wait for a request in progress: a file system that hangs
// could keep it for ever.
func (s *tokenSource) close() { s.cancel() }

func (s *tokenSource) state() TokenState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := TokenState{Failure: s.failure}
	if s.current != nil && time.Now().Before(s.current.expires) {
		state.Since, state.Expiry = s.current.since, s.current.expires
	}
	return state
}

// token returns the current token while it lives, and otherwise waits for a
// new one. Near the token's end a new one is asked for in the background.
func (s *tokenSource) token(ctx context.Context) (*token, *Error) {
	s.mu.Lock()
	now := time.Now()
	tok, alive := s.current, s.current != nil && now.Before(s.current.expires)
	var pending *tokenRequest
	if !alive || !now.Before(tok.renew) {
		pending = s.beginRequest(now)
	}
	failure := s.failure
	s.mu.Unlock()

	switch {
	case alive:
		return tok, nil
	case pending == nil && failure != nil:
		return nil, failure
	case pending == nil:
		return nil, errClosed
	}
	select {
	case <-pending.done:
		traceFrom(ctx).add(&pending.trace)
		return pending.tok, pending.err
	case <-ctx.Done():
		traceFrom(ctx).add(&pending.trace)
		return nil, &Error{Operation: OperationToken, Reason: ReasonTimeout, Message: "no token before the deadline"}
	}
}

// beginRequest returns the token request in progress, a new one if there is none, and
// nil if none may be sent now. The caller holds the lock.
func (s *tokenSource) beginRequest(now time.Time) *tokenRequest {
	c := s.client
	switch {
	case s.pending != nil:
		return s.pending
	case s.ctx.Err() != nil, now.Before(s.notBefore), c.limits.paused(OperationToken, now) != nil:
		return nil
	case s.failure != nil:
		// A repetition waits here, and reads fail with what is known. A first
		// request or a renewal is worth waiting for: see awaitBudget.
		if wait := c.cfg.TokenBudget.wait(c.cfg.TokenURL, maxTokenRepetitions, now); wait > 0 {
			s.notBefore = now.Add(wait)
			return nil
		}
	}
	p := &tokenRequest{done: make(chan struct{})}
	s.pending = p
	recent := s.recent
	go func() {
		defer close(p.done)
		p.tok, p.err = c.requestToken(WithTrace(s.ctx, &p.trace), recent)

		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending, s.failure = nil, p.err
		if p.err == nil {
			s.current, s.backoff = p.tok, 0
			s.recent = slices.Concat(recent[max(0, len(recent)-2):], []string{p.tok.value})
		} else {
			s.backoff = min(max(2*s.backoff, minBackoff), maxBackoff)
			s.notBefore = time.Now().Add(s.backoff)
		}
	}()
	return p
}

// awaitBudget waits until the budget has room for a request, or tells that the
// client was closed.
func (s *tokenSource) awaitBudget() bool {
	for s.ctx.Err() == nil {
		wait := s.client.cfg.TokenBudget.take(s.client.cfg.TokenURL, time.Now())
		if wait == 0 {
			return true
		}
		select {
		case <-time.After(wait):
		case <-s.ctx.Done():
		}
	}
	return false
}

// drop gives up a token that Zuora does not accept, and tells whether asking
// again may help: because a newer token is there, or because this one was
// dropped. A token is dropped once a minute at most, however many jobs are
// refused with any token.
func (s *tokenSource) drop(used *token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != used {
		return true
	}
	now := time.Now()
	if !s.dropped.IsZero() && now.Sub(s.dropped) < dropInterval {
		return false
	}
	s.current, s.dropped = nil, now
	return true
}

var errClosed = &Error{Operation: OperationToken, Reason: ReasonUnavailable, Message: "the client is closed"}

// tokenAnswer is the body of a token request's answer.
type tokenAnswer struct {
	AccessToken string          `json:"access_token"`
	ExpiresIn   json.RawMessage `json:"expires_in"`
}

// requestToken sends one token request: POST /oauth/token, with the client's
// credentials in the form and no Authorization header.
//
// Source: "Create an OAuth token" in Zuora's API reference.
func (c *Client) requestToken(ctx context.Context, recent []string) (*token, *Error) {
	secret, err := c.cfg.ClientSecret()
	if err == nil && secret == "" {
		err = errors.New("the client secret is empty")
	}
	if err != nil {
		return nil, &Error{Operation: OperationToken, Reason: ReasonAuth, Message: err.Error()}
	}
	if !c.tokens.awaitBudget() {
		return nil, errClosed
	}
	known := secrets{}.with(c.cfg.Secrets...).with(secret).with(recent...)
	for _, values := range c.cfg.EndpointParams {
		for _, value := range values {
			if len(value) >= 8 { // "true" is no password
				known = known.with(value)
			}
		}
	}

	form := url.Values{}
	maps.Copy(form, c.cfg.EndpointParams)
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", c.cfg.ClientID)
	form.Set("client_secret", secret)
	if len(c.cfg.Scopes) > 0 {
		form.Set("scope", strings.Join(c.cfg.Scopes, " "))
	}
	body := form.Encode()
	header := maps.Clone(c.header)
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	target := *c.cfg.TokenURL
	sent := time.Now()
	a, e := c.send(ctx, OperationToken, &http.Request{
		Method: http.MethodPost,
		URL:    &target,
		Host:   target.Host,
		Header: header,
		Body:   io.NopCloser(strings.NewReader(body)),
		// For a connection that turns out to be gone before anything was sent.
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
		ContentLength: int64(len(body)),
	}, known)
	switch {
	case a == nil:
		return nil, e
	case a.status != http.StatusOK:
		return nil, c.tokenRefused(a, decodeFailure(a.body)).orTooLate(e)
	case e != nil:
		return nil, e
	}
	return c.readToken(a, sent)
}

// readToken makes a token of a 200.
func (c *Client) readToken(a *answer, sent time.Time) (*token, *Error) {
	var body tokenAnswer
	err := json.Unmarshal(a.body, &body)
	f := decodeFailure(a.body)
	if err == nil && body.AccessToken == "" || err != nil && (f.denied || len(f.reasons) > 0) {
		return nil, c.tokenRefused(a, f)
	}
	var life time.Duration
	switch {
	case err != nil:
		err = jsonError(err)
	case strings.ContainsFunc(body.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		err = errors.New("access_token holds characters that a header cannot")
	default:
		life, err = tokenLife(body.ExpiresIn)
	}
	if err != nil {
		return nil, a.error(ReasonInvalidResponse, err.Error())
	}
	header := maps.Clone(c.header)
	header.Set("Authorization", "Bearer "+body.AccessToken)
	header.Set("Zuora-Version", c.cfg.APIVersion)
	return &token{
		header:  header,
		value:   body.AccessToken,
		secrets: a.secrets,
		since:   time.Now(),
		expires: sent.Add(life),
		renew:   sent.Add(life - min(renewAhead, life/10)),
	}, nil
}

// accessToken returns the token that a body holds, whatever else is in it.
func accessToken(body []byte) string {
	var answer struct {
		AccessToken json.RawMessage `json:"access_token"`
	}
	_ = json.Unmarshal(body, &answer)
	return text(answer.AccessToken)
}

// tokenRefused is the error for an answer that brings no token. Zuora does not
// document how it refuses one.
func (c *Client) tokenRefused(a *answer, f failure) *Error {
	e := a.failed(f)
	if e.limited {
		c.limits.pause(OperationToken, a.header, time.Now())
	}
	switch {
	case a.status == http.StatusOK && len(f.reasons) == 0 && !f.denied:
		e.Reason, e.Message = ReasonInvalidResponse, "no access_token in the answer"
	case a.status == http.StatusOK && e.Reason == ReasonRefused:
		e.Reason = ReasonAuth
	}
	return e
}

// tokenLife reads expires_in, in seconds, as a number or as a string.
func tokenLife(raw json.RawMessage) (time.Duration, error) {
	value := text(raw)
	if value == "" {
		return defaultTokenLife, nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(n) {
		return 0, errors.New("expires_in is no number of seconds")
	}
	n = min(max(n, minTokenLife.Seconds()), maxTokenLife.Seconds())
	return time.Duration(n * float64(time.Second)), nil
}
