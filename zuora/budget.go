package zuora

import (
	"sync"
	"time"
)

const (
	// Zuora allows 100 token requests a minute from one address.
	//
	// Source: "Create an OAuth token" in Zuora's API reference.
	maxTokenRequests = 60
	// maxTokenRepetitions leaves room for first requests and renewals.
	maxTokenRepetitions = 30
	tokenBudgetWindow   = time.Minute
)

// TokenBudget bounds the token requests that a process sends to one host: 60
// in any 60 s, over all clients that share it. The zero value is ready for use.
type TokenBudget struct {
	mu   sync.Mutex
	sent map[string][]time.Time // by host, the last minute's at most
}

// take counts a request to the host and returns 0. If most have been sent in
// the last minute, it counts nothing and returns after how long to ask again.
func (b *TokenBudget) take(host string, most int, now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	sent := b.sent[host]
	for len(sent) > 0 && now.Sub(sent[0]) >= tokenBudgetWindow {
		sent = sent[1:]
	}
	var wait time.Duration
	if len(sent) < most {
		sent = append(sent, now)
	} else {
		wait = tokenBudgetWindow - now.Sub(sent[len(sent)-most])
	}
	if b.sent == nil {
		b.sent = make(map[string][]time.Time)
	}
	b.sent[host] = sent
	return wait
}
