package zuoratest

import (
	"net/http"
	"strings"
	"time"
)

// The credentials that a server accepts until SetSecret changes them. They are
// as long as Zuora's can be, and the secret holds every character that a form
// must escape.
const (
	ClientID     = "6a8a6e2f-0c1d-4e5f-8a9b-0c1d2e3f4a5b"
	ClientSecret = "zT4+q/9W=b&Rk2vN8xYpL0cJ5dG7hM1sF3uA6eQi+="
)

// goodToken is the documented answer. For what stands in braces see fill.
const goodToken = `{"access_token":"{token}","expires_in":{expires_in},"jti":"c652cbc0ea384b9f81856a93a2a74539",` +
	`"scope":"user.7c4d1e0f9a8b4c6d8e2f1a3b5c7d9e0f entity.1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d tenant.19","token_type":"bearer"}`

// SetSecret replaces the client secret: the old one gets no token from now on.
// Tokens that were issued stay valid.
func (s *Server) SetSecret(secret string) { s.locked(func() { s.secret = secret }) }

// RevokeTokens makes every token that was issued so far invalid.
func (s *Server) RevokeTokens() { s.locked(func() { clear(s.tokens) }) }

// serveToken answers POST /oauth/token. Zuora documents neither the status nor
// the body of a refusal; these are the ones seen.
func (c *call) serveToken() {
	var secret string
	c.s.locked(func() {
		c.s.counts.TokenRequests++
		secret = c.s.secret
	})
	// The body is read to its end: only then does net/http notice a lost client.
	err := c.r.ParseForm()
	c.beLate()
	form := c.r.PostForm
	switch {
	// Zuora wants no Authorization header on this call.
	case err != nil || c.r.Header.Get("Authorization") != "" || !c.entityFits() || form.Get("grant_type") != "client_credentials":
		c.send(http.StatusBadRequest, jsonType, `{"error":"invalid_request"}`)
	case form.Get("client_id") != ClientID || form.Get("client_secret") != secret:
		c.send(http.StatusUnauthorized, jsonType, `{"error":"invalid_client","error_description":"Bad client credentials"}`)
	case !c.fault(tokenPath):
		c.send(http.StatusOK, jsonType, c.fill(goodToken))
	}
}

// issueToken makes a new token valid.
func (s *Server) issueToken() string {
	token := randomHex()
	s.locked(func() {
		s.tokens[token] = time.Now().Add(s.tokenLife)
		s.counts.TokensIssued++
	})
	return token
}

// authorized reports whether the request carries a valid token.
func (c *call) authorized() bool {
	token, ok := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	var ends time.Time
	c.s.locked(func() { ends = c.s.tokens[token] })
	return ok && time.Now().Before(ends)
}
