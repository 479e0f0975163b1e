package zuora

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// defaultTokenLife is Zuora's own sample's, for an answer without expires_in.
	defaultTokenLife = time.Hour
	// What an answer can claim is bounded: below, so that no answer makes us ask
	// for tokens without end; above, so that instants do not overflow.
	minTokenLife = time.Second
	maxTokenLife = 365 * 24 * time.Hour
	// renewAhead is how long before a token's end Zuora's own sample renews it.
	renewAhead = 300 * time.Second
	// A token request that failed is not sent again at once: Zuora allows 100
	// a minute from one address.
	minBackoff = time.Second
	maxBackoff = time.Minute
	// dropInterval is how often at most a 401 makes us ask for a new token.
	dropInterval = time.Minute
)

// token is an access token and what is made of it once.
type token struct {
	header  http.Header // of every request sent with it; never changed
	secrets *strings.Replacer
	expires time.Time
	renew   time.Time
}

// tokenSource shares one token between all readers. There is one token request
// at a time, and it belongs to no reader: it goes on when the one that caused
// it gives up, so that the next finds the token.
type tokenSource struct {
	request func(context.Context) (*token, *Error)

	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu        sync.Mutex
	current   *token        // nil before the first and after a drop
	pending   *tokenRequest // nil where none is under way
	failure   *Error        // of the newest request, nil where it succeeded
	backoff   time.Duration // after that failure
	notBefore time.Time     // the next request
	dropped   time.Time     // when a token was dropped last
}

type tokenRequest struct {
	done chan struct{} // closed when the fields below are set
	tok  *token
	err  *Error
}

func newTokenSource(request func(context.Context) (*token, *Error)) *tokenSource {
	s := &tokenSource{request: request}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

func (s *tokenSource) close() {
	s.mu.Lock()
	s.cancel() // under the lock: no request begins after it
	s.mu.Unlock()
	s.group.Wait()
}

func (s *tokenSource) expiry() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || !time.Now().Before(s.current.expires) {
		return time.Time{}
	}
	return s.current.expires
}

// token returns the current token while it lives, and otherwise waits for a
// new one. Near the token's end a new one is asked for in the background.
func (s *tokenSource) token(ctx context.Context) (*token, *Error) {
	s.mu.Lock()
	now := time.Now()
	tok, alive := s.current, s.current != nil && now.Before(s.current.expires)
	var pending *tokenRequest
	if !alive || !now.Before(tok.renew) {
		pending = s.begin(now)
	}
	failure := s.failure
	s.mu.Unlock()

	switch {
	case alive:
		return tok, nil
	case pending == nil && failure != nil:
		return nil, failure
	case pending == nil:
		return nil, &Error{Operation: OperationToken, Reason: ReasonUnavailable, Message: "the client is closed"}
	}
	select {
	case <-pending.done:
		return pending.tok, pending.err
	case <-ctx.Done():
		return nil, &Error{Operation: OperationToken, Reason: ReasonTimeout, Message: "no token before the scrape's time ran out"}
	}
}

// begin returns the token request under way, a new one where there is none,
// and nil where none may be sent now. The caller holds the lock.
func (s *tokenSource) begin(now time.Time) *tokenRequest {
	if s.pending != nil {
		return s.pending
	}
	if now.Before(s.notBefore) || s.ctx.Err() != nil {
		return nil
	}
	p := &tokenRequest{done: make(chan struct{})}
	s.pending = p
	s.group.Go(func() {
		p.tok, p.err = s.request(s.ctx)

		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending, s.failure = nil, p.err
		if p.err == nil {
			s.current, s.backoff = p.tok, 0
		} else {
			s.backoff = min(max(2*s.backoff, minBackoff), maxBackoff)
			s.notBefore = time.Now().Add(s.backoff)
			if p.err.heldUntil.After(s.notBefore) {
				s.notBefore = p.err.heldUntil
			}
		}
		close(p.done)
	})
	return p
}

// drop gives up a token that Zuora does not accept, and tells whether asking
// again may help: because a newer token is there, or because this one was
// dropped. A token is dropped once a minute at most, however many jobs are
// refused whatever the token.
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

// tokenAnswer is the body of a token request's answer.
type tokenAnswer struct {
	AccessToken string          `json:"access_token"`
	ExpiresIn   json.RawMessage `json:"expires_in"`
}

// requestToken sends one token request: POST /oauth/token, with the client's
// credentials in the form and no Authorization header.
//
// Source: "Create an OAuth token" in Zuora's API reference.
func (c *Client) requestToken(ctx context.Context) (*token, *Error) {
	sent := time.Now()
	secret, err := c.ClientSecret()
	if err != nil {
		return nil, &Error{Operation: OperationToken, Reason: ReasonAuth, Message: err.Error()}
	}
	if secret == "" {
		return nil, &Error{Operation: OperationToken, Reason: ReasonAuth, Message: "the client secret is empty"}
	}
	secrets := spellings(secret)
	for _, values := range c.EndpointParams {
		for _, value := range values {
			// A password may be among them; "true" is none.
			if len(value) > 4 {
				secrets = append(secrets, spellings(value)...)
			}
		}
	}

	form := url.Values{}
	maps.Copy(form, c.EndpointParams)
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", c.ClientID)
	form.Set("client_secret", secret)
	if len(c.Scopes) > 0 {
		form.Set("scope", strings.Join(c.Scopes, " "))
	}
	body := form.Encode()
	header := http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"},
		"Accept":       {"application/json"},
		"User-Agent":   {c.UserAgent},
	}
	if c.EntityID != "" {
		header.Set("Zuora-Entity-Ids", c.EntityID)
	}
	target := *c.TokenURL
	resp, answer, e := c.send(ctx, c.TokenTransport, OperationToken, &http.Request{
		Method: http.MethodPost,
		URL:    &target,
		Host:   target.Host,
		Header: header,
		Body:   io.NopCloser(strings.NewReader(body)),
		// For a connection that turns out to be gone before anything was sent.
		GetBody:       func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
		ContentLength: int64(len(body)),
	})
	var tok *token
	switch {
	case e == nil:
		tok, e = c.readToken(resp, answer, secrets, sent)
	case resp != nil && resp.StatusCode != http.StatusOK:
		e = c.tokenRefused(resp, answer).orTooLate(e)
	}
	if e != nil {
		return nil, e.redact(strings.NewReplacer(secrets...))
	}
	return tok, nil
}

// spellings returns, for a strings.Replacer, a secret as it is and as an answer
// may repeat it.
func spellings(secret string) []string {
	var pairs []string
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret), secret} {
		lower := escape.ReplaceAllStringFunc(escaped, strings.ToLower)
		pairs = append(pairs, escaped, "<secret>", lower, "<secret>")
	}
	return pairs
}

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

func (c *Client) readToken(resp *http.Response, body []byte, secrets []string, sent time.Time) (*token, *Error) {
	var answer tokenAnswer
	err := json.Unmarshal(body, &answer)
	if resp.StatusCode != http.StatusOK || err == nil && answer.AccessToken == "" {
		return nil, c.tokenRefused(resp, body)
	}
	life := defaultTokenLife
	if err == nil {
		life, err = tokenLife(answer.ExpiresIn)
	} else {
		err = jsonError(err)
	}
	if err == nil && strings.ContainsFunc(answer.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
		err = errors.New("access_token holds characters that a header cannot")
	}
	if err != nil {
		return nil, &Error{
			Operation: OperationToken, Reason: ReasonInvalidResponse, StatusCode: resp.StatusCode,
			Message: err.Error(), RequestID: resp.Header.Get(headerRequestID),
		}
	}
	header := http.Header{
		"Accept":        {"application/json"},
		"Authorization": {"Bearer " + answer.AccessToken},
		"User-Agent":    {c.UserAgent},
		"Zuora-Version": {c.APIVersion},
	}
	if c.EntityID != "" {
		header.Set("Zuora-Entity-Ids", c.EntityID)
	}
	return &token{
		header:  header,
		secrets: strings.NewReplacer(append(secrets, answer.AccessToken, "<token>")...),
		expires: sent.Add(life),
		renew:   sent.Add(life - min(renewAhead, life/10)),
	}, nil
}

// tokenRefused is the error for an answer that brings no token. Zuora does not
// document how it refuses one.
func (c *Client) tokenRefused(resp *http.Response, body []byte) *Error {
	f := decodeFailure(body)
	e := answerError(OperationToken, resp, f)
	switch {
	case e.Reason == ReasonRateLimited:
		e.heldUntil = c.limits.limited(OperationToken, resp.Header, time.Now())
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		e.Reason = ReasonAuth
	case resp.StatusCode == http.StatusOK && len(f.reasons) == 0 && f.success == nil:
		e.Reason, e.Message = ReasonInvalidResponse, "no access_token in the answer"
	case resp.StatusCode == http.StatusOK && e.Reason == ReasonRefused:
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
