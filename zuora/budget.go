package zuora

import (
	"net/url"
	"strings"
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

// take counts a request to the URL's host and returns 0. If the budget has no
// room, it counts nothing and returns after how long to ask again.
func (b *TokenBudget) take(u *url.URL, now time.Time) time.Duration {
	return b.reckon(u, maxTokenRequests, now, true)
}

// wait returns how long it takes until fewer than most requests were sent in
// the last minute.
func (b *TokenBudget) wait(u *url.URL, most int, now time.Time) time.Duration {
	return b.reckon(u, most, now, false)
}

func (b *TokenBudget) reckon(u *url.URL, most int, now time.Time, count bool) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	host := strings.ToLower(u.Hostname())
	sent := b.sent[host]
	for len(sent) > 0 && now.Sub(sent[0]) >= tokenBudgetWindow {
		sent = sent[1:]
	}
	if len(sent) >= most {
		return tokenBudgetWindow - now.Sub(sent[len(sent)-most])
	}
	if count {
		if b.sent == nil {
			b.sent = make(map[string][]time.Time)
		}
		b.sent[host] = append(sent, now)
	}
	return 0
}
