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
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
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
	// renewInterval is the least time between two tokens asked for after a 401.
	renewInterval = time.Minute
)

// NewTokenBudget returns the bound of a process's token requests, over all
// tenants and hosts: at most 60 a minute, and 40 in a burst. Zuora allows 100 a
// minute from one address.
//
// Source: "Create an OAuth token" in Zuora's API reference.
func NewTokenBudget() *rate.Limiter {
	return rate.NewLimiter(rate.Every(3*time.Second), 40)
}

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

// tokenSource shares one token between all reads. There is one token request
// at a time, and it goes on if the read that caused it ends.
type tokenSource struct {
	client *Client
	limits *limits // its lock guards the fields below, too

	current *token        // nil before the first
	pending *tokenRequest // nil if none is in progress
	recent  []string      // the newest tokens, which no text may repeat
}

type tokenRequest struct {
	done chan struct{} // closed when the fields below are set
	tok  *token
	err  *Error
}

// wait waits for the request's end.
func (r *tokenRequest) wait(ctx context.Context) (*token, *Error) {
	select {
	case <-r.done:
		return r.tok, r.err
	case <-ctx.Done():
		return nil, &Error{Operation: OperationToken, Reason: ReasonTimeout, Message: "no token before the deadline"}
	}
}

func (s *tokenSource) state() TokenState {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	state := TokenState{Failure: s.limits.failure}
	if s.current != nil && time.Now().Before(s.current.expires) {
		state.Since, state.Expiry = s.current.since, s.current.expires
	}
	return state
}

// token returns the current token while it lives, and otherwise waits for a
// new one. Near the token's end a new one is asked for in the background.
func (s *tokenSource) token(ctx context.Context) (*token, *Error) {
	s.limits.mu.Lock()
	now := time.Now()
	tok, alive := s.current, s.current != nil && now.Before(s.current.expires)
	var pending *tokenRequest
	var err *Error
	if !alive || !now.Before(tok.renew) {
		pending, err = s.request(ctx, now)
	}
	s.limits.mu.Unlock()

	switch {
	case alive:
		return tok, nil
	case pending == nil:
		return nil, err
	}
	return pending.wait(ctx)
}

// newer returns a newer token than one that Zuora answered with 401, and nil if
// none can be had. Until it is there, other reads go on with the old one, which
// may well be good: one job can answer 401 whatever the token. A new one is
// asked for once a minute at most.
func (s *tokenSource) newer(ctx context.Context, used *token) *token {
	s.limits.mu.Lock()
	now := time.Now()
	tok, pending := s.current, s.pending
	if tok == used && pending == nil && now.Sub(s.limits.renewed) >= renewInterval {
		if pending, _ = s.request(ctx, now); pending != nil {
			s.limits.renewed = now
		}
	}
	s.limits.mu.Unlock()

	switch {
	case tok != used:
		return tok
	case pending == nil:
		return nil
	}
	tok, _ = pending.wait(ctx)
	return tok
}

// request returns the token request in progress, a new one if there is none, and
// the reason if none may be sent now. The caller holds the lock.
func (s *tokenSource) request(ctx context.Context, now time.Time) (*tokenRequest, *Error) {
	l := s.limits
	if s.pending != nil {
		return s.pending, nil
	}
	if err := l.pausedLocked(OperationToken, now); err != nil {
		return nil, err
	}
	if now.Before(l.notBefore) {
		return nil, l.failure
	}
	r := &tokenRequest{done: make(chan struct{})}
	s.pending = r
	recent := s.recent
	go func() {
		defer close(r.done)
		r.tok, r.err = s.client.requestToken(context.WithoutCancel(ctx), recent)

		l.mu.Lock()
		defer l.mu.Unlock()
		s.pending, l.failure = nil, r.err
		if r.err != nil {
			l.backoff = min(max(2*l.backoff, minBackoff), maxBackoff)
			l.notBefore = time.Now().Add(l.backoff)
			return
		}
		l.backoff, l.notBefore = 0, time.Time{}
		s.current = r.tok
		s.recent = slices.Concat(recent[max(0, len(recent)-2):], []string{r.tok.value})
	}()
	return r, nil
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
func (c *Client) requestToken(ctx context.Context, recent []string) (*token, *Error) {
	secret, err := c.cfg.ClientSecret()
	if err == nil && secret == "" {
		err = errors.New("the client secret is empty")
	}
	if err != nil {
		return nil, &Error{Operation: OperationToken, Reason: ReasonAuth, Message: err.Error()}
	}
	if c.cfg.TokenBudget != nil {
		if err := c.cfg.TokenBudget.Wait(ctx); err != nil { // of a limiter that lets nothing pass
			return nil, &Error{Operation: OperationToken, Reason: ReasonUnavailable, Message: err.Error()}
		}
	}
	var known secrets
	known.add(secret)
	known.add(c.cfg.Secrets...)
	known.add(recent...)
	for _, values := range c.cfg.EndpointParams {
		for _, value := range values {
			if MayBeSecret(value) {
				known.add(value)
			}
		}
	}

	// net/http does not repeat a POST whose kept-alive connection turns out to
	// be dead, so it takes a fresh one.
	c.CloseIdleConnections()
	sent := time.Now()
	a, broken := c.send(ctx, OperationToken, known, c.tokenRequest(secret))
	switch {
	case a == nil:
		return nil, broken
	case !a.ok():
		return nil, c.tokenRefused(a, a.failure()).orTooLate(broken)
	case broken != nil:
		return nil, broken
	}
	return c.readToken(a, sent)
}

// MayBeSecret tells whether a free value, such as a parameter or a header, may
// be a secret: "true" is no password, nor is the URL of an audience.
func MayBeSecret(value string) bool {
	u, err := url.Parse(value)
	return utf8.RuneCountInString(value) >= 8 && (err != nil || !u.IsAbs() || u.Host == "")
}

func (c *Client) tokenRequest(secret string) *http.Request {
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
	return &http.Request{
		Method:        http.MethodPost,
		URL:           &target,
		Host:          target.Host,
		Header:        header,
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

// readToken makes a token of a 2xx.
func (c *Client) readToken(a *answer, sent time.Time) (*token, *Error) {
	var body tokenAnswer
	err := json.Unmarshal(a.body, &body)
	f := a.failure()
	if err == nil && body.AccessToken == "" || err != nil && (f.denied || f.listed) {
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
	e := a.refusal(f)
	if e.limited {
		c.limits.pause(OperationToken, a.header, time.Now())
	}
	if a.ok() && e.Reason == ReasonRefused && !f.denied && !f.listed {
		e.Reason = ReasonInvalidResponse
	}
	if a.ok() && e.Message == http.StatusText(a.status) {
		e.Message = "no access_token in the answer"
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
