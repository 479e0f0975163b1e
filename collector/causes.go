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
		noToken: cause{began: "No token can be had", ended: "A token can be had again"},
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
	last   time.Time // when it ended
}

// calm is how long a cause must have been over for its return to be news.
const calm = 5 * time.Minute

// report logs the cause if it begins or ends. A scrape may tell neither.
func (c *cause) report(logger log.Logger, seen, over bool, keyvals ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case seen:
		if !c.active {
			c.active, c.news = true, time.Since(c.last) >= calm
			if c.news {
				level.Warn(logger).Log(append([]any{"msg", c.began}, keyvals...)...)
				return
			}
		}
		level.Debug(logger).Log(append([]any{"msg", c.began}, keyvals...)...)
	case over && c.active:
		c.active, c.last = false, time.Now()
		if c.news {
			level.Info(logger).Log("msg", c.ended)
			return
		}
		level.Debug(logger).Log("msg", c.ended)
	}
}
