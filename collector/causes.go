package collector

import (
	"sync"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
)

// causes are what makes the jobs of a tenant fail together. Each is logged once
// for the tenant, not for each job.
type causes struct {
	noToken, paused, noTime, renewal cause
}

func newCauses() *causes {
	return &causes{
		noToken: cause{began: "Cannot get a token", ended: "Got a token again"},
		paused:  cause{began: "Requests are paused", ended: "Requests are no longer paused"},
		noTime:  cause{began: "The scrape had no time for some jobs", ended: "The scrape had time for all jobs again"},
		renewal: cause{began: "Renewing the token failed; the old one is still good", ended: "The token was renewed"},
	}
}

// cause is one of them, with the messages of its log lines.
type cause struct {
	began, ended string

	mu     sync.Mutex
	active bool
	news   bool      // its beginning was logged at warn
	since  time.Time // when it began, or ended
}

// calm is how long a cause must have been over for its return to be news, or
// have lasted if it was not.
const calm = time.Minute

// report logs the cause if it begins or ends. Both are false if the outcomes
// say nothing about it.
func (c *cause) report(logger log.Logger, seen, over bool, keyvals ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := time.Since(c.since) >= calm
	switch {
	case seen:
		log := level.Debug(logger)
		if !c.news && old {
			c.news, log = true, level.Warn(logger)
		}
		if !c.active {
			c.active, c.since = true, time.Now()
		}
		log.Log(append([]any{"msg", c.began}, keyvals...)...)
	case over && c.active:
		log := level.Debug(logger)
		if c.news {
			log = level.Info(logger)
		}
		c.active, c.news, c.since = false, false, time.Now()
		log.Log("msg", c.ended)
	}
}
