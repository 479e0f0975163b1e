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
	toLog   map[*job]endedRead // the newest read of each job
	state   string             // logged last; empty if the tenant is up
	logged  time.Time          // when
	scraped time.Time          // when a scrape of configured jobs had its answers last
	renewal bool               // that the token's renewal fails was logged
}

// endedRead is how a read ended that did not fail because of the whole tenant.
type endedRead struct {
	answer *zuora.DataLabelingJob
	err    *zuora.Error
}

const noAnswer = "No job was answered"

// continueJournal continues what was logged of a tenant before a reload that
// changed its client: a state or a failure is no news because of that. It is
// called before the jobs are configured.
func (k *known) continueJournal(previous *known) {
	previous.mu.Lock()
	defer previous.mu.Unlock()
	k.state, k.logged, k.scraped = previous.state, previous.logged, previous.scraped
	for _, j := range previous.jobs {
		if j.failing && j.element == nil {
			k.findOrAdd(j.id).failing = true
		}
	}
}

// line is a log line at a level.
type line struct {
	level   level.Value
	keyvals []any
}

// report logs what has changed. It is called when a scrape or a probe has its
// answers, and writes outside all locks.
func (t *tenant) report(w waiter, n tally) {
	var token zuora.TokenState
	if t.API != nil {
		token = t.API.Token()
	}
	t.mu.Lock()
	var lines []line
	if !w.disconnected() { // otherwise the outcomes say nothing of the tenant
		lines = t.tenantLines(w, n, token)
	}
	// A scrape that still reads will know whether the tenant is down.
	if !w.probe || t.scraping.Load() == 0 {
		lines = append(lines, t.jobLines()...)
	}
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
	if fails := token.Failure != nil && !token.Expiry.IsZero(); fails && !t.renewal {
		t.renewal = true
		lines = append(lines, line{level.WarnValue(), append([]any{"msg", "Renewing the token failed; the old one is still good"}, described(token.Failure)...)})
	} else if token.Failure == nil && t.renewal {
		t.renewal = false
		lines = append(lines, line{level.InfoValue(), []any{"msg", "The token was renewed"}})
	}

	now := time.Now()
	if n.jobs == 0 || w.probe && (t.scraping.Load() > 0 || now.Sub(t.scraped) < staleness) {
		return lines
	}
	if !w.probe {
		t.scraped = now
	}
	// One failed probe says nothing of the tenant.
	t.down = !n.up && (!w.probe || t.unansweredInARow > 1)
	state, jobs := n.state()
	if state == noAnswer && !t.down || state == t.state || now.Sub(t.logged) < journalInterval {
		return lines
	}
	t.state, t.logged = state, now
	if state == "" {
		return append(lines, line{level.InfoValue(), []any{"msg", "The tenant is up again"}})
	}
	keyvals := []any{"msg", state, "jobs", jobs, "configured", len(t.configured)}
	return append(lines, line{level.WarnValue(), append(keyvals, described(n.err)...)})
}

// state returns the tenant's state, empty if it is up, and the number of jobs
// that are in it.
func (n tally) state() (state string, jobs int) {
	switch {
	case n.lacksToken:
		return "Cannot get a token", n.noToken
	case n.paused > 0:
		return "Requests are paused", n.paused
	case !n.up:
		return noAnswer, n.failed
	case n.noTime > 0:
		return "There was no time to begin reading some jobs", n.noTime
	}
	return "", 0
}

// jobLines returns a line for each job that begins to fail or recovers, by the
// newest of its reads that has ended. The caller holds the lock.
func (t *tenant) jobLines() (lines []line) {
	for j, r := range t.toLog {
		switch {
		case r.err == nil && j.failing:
			j.failing = false
			lines = append(lines, line{level.InfoValue(), []any{"msg", "Reading the job succeeds again", labelJobID, j.id, labelStatus, r.answer.Status}})
		case r.err != nil:
			l := line{level.DebugValue(), append([]any{"msg", "Reading the job failed", labelJobID, j.id}, described(r.err)...)}
			if j.element == nil && !j.failing && !t.down {
				j.failing, l.level = true, level.WarnValue()
			}
			lines = append(lines, l)
		}
	}
	clear(t.toLog)
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
