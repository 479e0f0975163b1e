package zuoratest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tokenScope has the form that Zuora's sample shows.
const tokenScope = "user.7c4d1e0f9a8b4c6d8e2f1a3b5c7d9e0f entity.1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d tenant.19"

// tokens holds what the token endpoint knows.
type tokens struct {
	perMinute int // Requests a minute and address; 0 for no limit.

	mu     sync.Mutex
	secret string
	expiry map[string]time.Time // of each token that was issued
	minute time.Time            // when the minute began that asked counts
	asked  map[string]int       // requests by address
}

func newTokens() tokens {
	return tokens{secret: ClientSecret, expiry: map[string]time.Time{}, asked: map[string]int{}}
}

// SetSecret replaces the client secret: the old one gets no token from now on.
// Tokens that were issued stay valid.
func (s *Server) SetSecret(secret string) {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	s.tokens.secret = secret
}

// RevokeTokens makes every token that was issued so far invalid.
func (s *Server) RevokeTokens() {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	clear(s.tokens.expiry)
}

// serveToken answers POST /oauth/token. Zuora documents neither the status nor
// the body of a refusal; these are the ones seen.
func (c *call) serveToken() {
	s := c.s
	s.counters.add(func(n *Counters) { n.TokenRequests++ })
	if !s.tokens.allow(c.r.RemoteAddr, s.clock()) {
		c.w.Header().Set("X-RateLimit-Limit-minute", strconv.Itoa(s.tokens.perMinute))
		c.w.Header().Set("X-RateLimit-Remaining-minute", "0")
		c.refuseWith(http.StatusTooManyRequests, `"50000070"`, "Too many token requests")
		return
	}
	// The body is read to its end: only then does net/http notice a lost client.
	err := c.r.ParseForm()
	form := c.r.PostForm
	c.wait(time.Duration(s.latency.Load()))
	switch {
	case err != nil:
		c.refuseToken(http.StatusBadRequest, "invalid_request", "The form cannot be read")
	case c.r.Header.Get("Authorization") != "":
		c.refuseToken(http.StatusBadRequest, "invalid_request", "No Authorization header may be sent on this call")
	case !c.entityFits():
		c.refuseToken(http.StatusBadRequest, "invalid_request", "Zuora-Entity-Ids does not fit this tenant")
	case form.Get("grant_type") != "client_credentials":
		c.refuseToken(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials")
	case form.Get("client_id") != ClientID || !s.tokens.isSecret(form.Get("client_secret")):
		c.refuseToken(http.StatusUnauthorized, "invalid_client", "Bad client credentials")
	default:
		c.good = func() []byte {
			return c.issueToken(strconv.Itoa(int(s.tokenLife / time.Second)))
		}
		if fault, ok := s.faults.take(tokenPath); ok {
			fault.serve(c)
			return
		}
		c.send(http.StatusOK, jsonType, c.good())
	}
}

func (c *call) refuseToken(status int, word, description string) {
	c.send(status, jsonType, fmt.Appendf(nil, `{"error":"%s","error_description":"%s"}`, word, description))
}

// issueToken makes a token valid and returns the documented answer. expiresIn
// is JSON; if it is empty, it is not sent.
func (c *call) issueToken(expiresIn string) []byte {
	token, jti := randomHex(), randomHex()
	c.s.tokens.add(token, c.s.clock().Add(c.s.tokenLife))
	c.s.counters.add(func(n *Counters) { n.TokensIssued++ })
	if expiresIn != "" {
		expiresIn = `"expires_in":` + expiresIn + ","
	}
	return fmt.Appendf(nil, `{"access_token":"%s",%s"jti":"%s","scope":"%s","token_type":"bearer"}`,
		token, expiresIn, jti, tokenScope)
}

// authorized reports whether the request carries a valid token.
func (c *call) authorized() bool {
	token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	return ok && c.s.tokens.good(token, c.s.clock())
}

func (t *tokens) add(token string, expiry time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expiry[token] = expiry
}

func (t *tokens) good(token string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return now.Before(t.expiry[token])
}

func (t *tokens) isSecret(secret string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return secret == t.secret
}

// allow counts a token request against the limit of its address.
func (t *tokens) allow(address string, now time.Time) bool {
	if t.perMinute <= 0 {
		return true
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.minute) >= time.Minute {
		t.minute = now
		clear(t.asked)
	}
	t.asked[address]++
	return t.asked[address] <= t.perMinute
}

// randomHex makes 32 hexadecimal digits, the form of Zuora's tokens.
func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	return hex.EncodeToString(b[:])
}
