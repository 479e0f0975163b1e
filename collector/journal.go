package collector

import (
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// journalInterval is the least time between two lines about a tenant's state.
const journalInterval = time.Minute

// journal is what was logged of a tenant, and what is to be logged by the next
// scrape or probe that has its answers.
type journal struct {
	ended   []endedRead
	state   state     // logged last; the zero value is up
	logged  time.Time // when
	scraped time.Time // when a scrape of configured jobs had its answers last
	renewal bool      // that the token's renewal fails was logged
}

// endedRead is a read that has ended, and did not fail because of the whole
// tenant.
type endedRead struct {
	job    *job
	answer *zuora.DataLabelingJob
	err    *zuora.Error
}

const noAnswer = "No job was answered"

// state is a tenant's state as its log tells it. The zero value is up.
type state struct {
	msg    string
	reason zuora.Reason
}

// line is a log line at a level.
type line struct {
	level   level.Value
	keyvals []any
}

// report logs what has changed. It is called when a scrape or a probe has its
// answers, and writes outside all locks.
func (t *tenant) report(w waiter, n tally) {
	if w.left() {
		return // its outcomes say nothing
	}
	var token zuora.TokenState
	if t.API != nil {
		token = t.API.Token()
	}
	t.mu.Lock()
	lines := append(t.tenantLines(w, n, token), t.jobLines()...)
	idle := t.down && t.inProgress == 0
	t.mu.Unlock()

	for _, l := range lines {
		_ = log.WithPrefix(t.logger, level.Key(), l.level).Log(l.keyvals...)
	}
	if idle && t.API != nil {
		t.API.CloseIdleConnections()
	}
}

// tenantLines returns the line about the tenant's state if it has changed, and
// one about the token's renewal. While scrapes go on, they alone decide the
// state: a probe has seen one job. The caller holds the lock.
func (t *tenant) tenantLines(w waiter, n tally, token zuora.TokenState) (lines []line) {
	if fails := token.Failure != nil && t.hasToken(); fails && !t.renewal {
		t.renewal = true
		lines = append(lines, line{level.WarnValue(), append([]any{"msg", "Renewing the token failed; the old one is still good"}, described(token.Failure)...)})
	} else if token.Failure == nil && t.renewal {
		t.renewal = false
		lines = append(lines, line{level.InfoValue(), []any{"msg", "The token was renewed"}})
	}

	now := time.Now()
	if n.jobs == 0 || w.probe && now.Sub(t.scraped) < staleness {
		return lines
	}
	if !w.probe {
		t.scraped = now
	}
	// One failed probe says nothing of the tenant.
	t.down = !n.up && (!w.probe || t.unanswered > 1)
	s, jobs := n.state()
	if s.msg == noAnswer && !t.down {
		return lines
	}
	if s == t.state || now.Sub(t.logged) < journalInterval {
		return lines
	}
	t.state, t.logged = s, now
	if s == (state{}) {
		return append(lines, line{level.InfoValue(), []any{"msg", "The tenant is up again"}})
	}
	keyvals := []any{"msg", s.msg, "jobs", jobs, "configured", len(t.configured)}
	return append(lines, line{level.WarnValue(), append(keyvals, described(n.err)...)})
}

// state returns the tenant's state, and the number of jobs that are in it.
func (n tally) state() (s state, jobs int) {
	if n.err != nil {
		s.reason = n.err.Reason
	}
	switch {
	case n.noToken > 0 && !n.up:
		s.msg, jobs = "Cannot get a token", n.noToken
	case n.paused > 0:
		s.msg, jobs = "Requests are paused", n.paused
	case !n.up:
		s.msg, jobs = noAnswer, n.failed
	case n.noTime > 0:
		s.msg, jobs = "There was no time to read some jobs", n.noTime
	default:
		return state{}, 0
	}
	return s, jobs
}

// jobLines returns a line for each job that begins to fail or recovers, by the
// newest of its reads that has ended. The caller holds the lock.
func (t *tenant) jobLines() (lines []line) {
	newest := make(map[*job]int, len(t.ended))
	for i, r := range t.ended {
		newest[r.job] = i
	}
	for i, r := range t.ended {
		j := r.job
		if newest[j] != i {
			continue
		}
		if r.err == nil {
			if j.failing {
				j.failing = false
				lines = append(lines, line{level.InfoValue(), []any{"msg", "Reading the job succeeds again", labelJobID, j.id, labelStatus, r.answer.Status}})
			}
			continue
		}
		l := line{level.DebugValue(), append([]any{"msg", "Reading the job failed", labelJobID, j.id}, described(r.err)...)}
		if j.element == nil && !j.failing && !t.down {
			j.failing, l.level = true, level.WarnValue()
		}
		lines = append(lines, l)
	}
	t.ended = nil
	return lines
}

// described returns what a log line says of a failure.
func described(err *zuora.Error) []any {
	if err == nil {
		return nil
	}
	keyvals := []any{labelReason, err.Reason, "err", err}
	for _, id := range []struct{ key, value string }{
		{"zuora_request_id", err.RequestID}, {"process_id", err.ProcessID}, {"zuora_track_id", err.TrackID},
	} {
		if id.value != "" {
			keyvals = append(keyvals, id.key, id.value)
		}
	}
	return keyvals
}
