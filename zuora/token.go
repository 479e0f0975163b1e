package zuora

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
)

const (
	// defaultTokenLife is for an answer without expires_in, as in Zuora's sample.
	defaultTokenLife = time.Hour
	// minTokenLife bounds what an answer claims: a token that ends at once would
	// be asked for without end.
	minTokenLife = time.Second
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
	expires time.Time
	renew   time.Time
}

// TokenState is what is known of a tenant's token without asking Zuora.
type TokenState struct {
	Expiry  time.Time // of the token in use; zero if there is none
	Failure *Error    // of the newest token request; nil if it succeeded
}

// tokenRequest is a token request in progress. There is one at a time, shared by
// all reads, and it goes on if the read that caused it ends.
type tokenRequest struct {
	done chan struct{} // closed when the fields below are set
	tok  *token
	err  *Error
}

// Token returns what is known of the tenant's token.
func (c *Client) Token() TokenState {
	c.limits.mu.Lock()
	defer c.limits.mu.Unlock()
	state := TokenState{Failure: c.limits.failure}
	if c.current != nil && time.Now().Before(c.current.expires) {
		state.Expiry = c.current.expires
	}
	return state
}

// CheckToken gets a token, or uses the one it has. The error is always an *Error.
func (c *Client) CheckToken(ctx context.Context) error {
	if _, err := c.token(ctx, nil); err != nil {
		return err
	}
	return nil
}

// token returns the current token while it lives, and otherwise waits for a
// new one. Near the token's end a new one is asked for in the background.
//
// Refused is nil, or a token that Zuora answered with 401: then it returns a
// newer one, and no token if none can be had. Until it is there, other reads go
// on with the old one, which may well be good: one job can answer 401 whatever
// the token.
func (c *Client) token(ctx context.Context, refused *token) (*token, *Error) {
	l := c.limits
	paused := l.paused(OperationToken)
	l.mu.Lock()
	now, tok := time.Now(), c.current
	good := tok != nil && tok != refused && now.Before(tok.expires)
	var err *Error // why none is asked for
	switch {
	case c.pending != nil, good && now.Before(tok.renew):
	case paused != nil:
		err = paused
	case now.Before(l.notBefore), refused != nil && now.Sub(l.renewed) < renewInterval:
		err = l.failure
	default:
		c.askToken(ctx)
		if refused != nil {
			l.renewed = now
		}
	}
	pending := c.pending
	l.mu.Unlock()

	switch {
	case good:
		return tok, nil
	case pending == nil:
		return nil, err
	}
	select {
	case <-pending.done:
		return pending.tok, pending.err
	case <-ctx.Done():
		return nil, &Error{Operation: OperationToken, Reason: ReasonTimeout, Message: "no token before the deadline"}
	}
}

// askToken begins a token request. The caller holds the lock.
func (c *Client) askToken(ctx context.Context) {
	r, previous := &tokenRequest{done: make(chan struct{})}, c.current
	c.pending = r
	go func() {
		defer close(r.done)
		r.tok, r.err = c.requestToken(context.WithoutCancel(ctx), previous)

		l := c.limits
		l.mu.Lock()
		defer l.mu.Unlock()
		c.pending, l.failure = nil, r.err
		if r.err == nil {
			c.current, l.backoff, l.notBefore = r.tok, 0, time.Time{}
			return
		}
		l.backoff = min(max(2*l.backoff, minBackoff), maxBackoff)
		l.notBefore = time.Now().Add(l.backoff)
		l.pause(OperationToken, r.err.pause)
	}()
}

// requestToken sends one token request: POST /oauth/token, with the client's
// credentials in the form and no Authorization header.
//
// Source: "Create an OAuth token" in Zuora's API reference.
func (c *Client) requestToken(ctx context.Context, previous *token) (*token, *Error) {
	secret, err := c.cfg.ClientSecret()
	if err != nil {
		return nil, &Error{Operation: OperationToken, Reason: ReasonAuth, Message: err.Error()}
	}
	// A place reserved by the budget's Wait would outlive a client that is closed.
	for c.cfg.TokenBudget != nil && !c.cfg.TokenBudget.Allow() {
		select {
		case <-time.After(time.Second):
		case <-c.open.Done():
			return nil, &Error{Operation: OperationToken, Reason: ReasonTimeout, Message: "no token before the client was closed"}
		}
	}
	var known secrets
	known.add(secret)
	known.add(c.cfg.Secrets...)
	if previous != nil {
		known.add(previous.value)
	}
	form := url.Values{}
	for name, value := range c.cfg.EndpointParams {
		form.Set(name, value)
		if MayBeSecret(value) {
			known.add(value)
		}
	}
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", c.cfg.ClientID)
	form.Set("client_secret", secret)
	if len(c.cfg.Scopes) > 0 {
		form.Set("scope", strings.Join(c.cfg.Scopes, " "))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.TokenURL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, &Error{Operation: OperationToken, Reason: ReasonUnavailable, Message: "token_url cannot be requested"}
	}
	req.Header = maps.Clone(c.header)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// Not sent. It has net/http repeat a POST as it does a GET, if a read gave its
	// connection back a moment before, and that is dead.
	req.Header["Idempotency-Key"] = nil

	// A fresh connection: one that was kept may turn out to be dead.
	c.CloseIdleConnections()
	sent, connected := time.Now(), false
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	})
	a, e := c.send(ctx, OperationToken, known, req)
	if e != nil {
		if connected && e.Reason == ReasonUnavailable && e.StatusCode == 0 { // the other side has seen the client secret
			e.Message = "the connection ended without a valid answer"
		}
		return nil, e
	}
	return c.readToken(a, sent)
}

// MayBeSecret tells whether a free value, such as a parameter or a header, may
// be a secret: "true" is no password, nor is the URL of an audience.
func MayBeSecret(value string) bool {
	u, err := url.Parse(value)
	return utf8.RuneCountInString(value) >= 8 && (err != nil || !u.IsAbs() || u.Host == "")
}

// readToken makes a token of an answer. Zuora does not document how it refuses
// one.
func (c *Client) readToken(a *answer, sent time.Time) (*token, *Error) {
	fields := a.fields()
	value := text(fields["access_token"])
	switch {
	case !a.ok() || a.broken != nil || value == "":
		e := a.failure().refusal()
		e.Message = cmp.Or(e.Message, "no access_token in the answer")
		return nil, e
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, a.error(ReasonInvalidResponse, "access_token holds characters that a header cannot")
	}
	life := defaultTokenLife
	if told := seconds(text(fields["expires_in"])); told != nil {
		life = max(*told, minTokenLife)
	}
	header := maps.Clone(c.header)
	header.Set("Authorization", "Bearer "+value)
	header.Set("Zuora-Version", c.cfg.APIVersion)
	return &token{
		header:  header,
		value:   value,
		secrets: a.secrets,
		expires: sent.Add(life),
		renew:   sent.Add(life - min(renewAhead, life/10)),
	}, nil
}
