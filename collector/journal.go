package collector

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// journal is how a tenant's reads go, and what was logged of it. A collector
// hands it on to the next one by the tenant's name: a state or a failure is no
// news because of a reload, not even of one that changes the client.
type journal struct {
	scraping atomic.Int32 // scrapes that read
	down     atomic.Bool  // the tenant

	mu               sync.Mutex
	unansweredInARow int              // reads that ended without an answer of Zuora's
	toLog            map[*job]outcome // of the newest read, unless it failed because of the whole tenant
	failing          map[string]bool  // configured jobs whose failure was logged, by canonical id
	state            string           // logged last; empty if the tenant is up
	logged           time.Time        // when
	scraped          time.Time        // when a scrape of configured jobs had its answers last
	renewal          bool             // that the token's renewal fails was logged
}

// The states of a tenant, as they are logged.
const (
	noToken  = "Cannot get a token"
	paused   = "Requests are paused"
	noAnswer = "No job was answered"
	noTime   = "There was no time to begin reading some jobs"
)

// readEnded takes a read that has ended.
func (l *journal) readEnded(j *job, answer *zuora.DataLabelingJob, err *zuora.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unansweredInARow++
	if err == nil || zuorasWord(err) {
		l.unansweredInARow = 0
		l.down.Store(false)
	}
	switch {
	case err == nil && !l.failing[j.key]:
		delete(l.toLog, j) // nothing to say
	case err == nil || !concernsTenant(err):
		l.toLog[j] = outcome{answer: answer, err: err}
	}
}

// changes returns what writes a line about each thing that has changed: it is to
// be written outside all locks. It is called when a scrape or a probe has its
// answers.
func (t *tenant) changes(w waiter, n tally) (lines []func()) {
	t.journal.mu.Lock()
	defer t.journal.mu.Unlock()
	if !w.disconnected() { // otherwise the outcomes say nothing of the tenant
		lines = t.tenantLines(w, n)
	}
	// A scrape that still reads will know whether the tenant is down.
	if !w.probe || t.scraping.Load() == 0 {
		lines = append(lines, t.jobLines()...)
	}
	return lines
}

// line returns what writes a line, with what there is to say of a failure.
func line(logger log.Logger, err *zuora.Error, keyvals ...any) (write func()) {
	if err != nil {
		keyvals = append(keyvals, labelReason, err.Reason, "err", err)
		for _, id := range []struct{ key, value string }{
			{"zuora_request_id", err.RequestID}, {"process_id", err.ProcessID}, {"zuora_track_id", err.TrackID},
		} {
			if id.value != "" {
				keyvals = append(keyvals, id.key, id.value)
			}
		}
	}
	return func() { _ = logger.Log(keyvals...) }
}

// tenantLines returns the line about the tenant's state if it has changed, one a
// minute at most, and one about the token's renewal. While scrapes go on, they
// alone decide the state: a probe has seen one job. The caller holds the
// journal's lock.
func (t *tenant) tenantLines(w waiter, n tally) (lines []func()) {
	token := t.token()
	if fails := token.Failure != nil && !token.Expiry.IsZero(); fails && !t.renewal {
		t.renewal = true
		lines = append(lines, line(level.Warn(t.logger), token.Failure, "msg", "Renewing the token failed; the old one is still good"))
	} else if token.Failure == nil && t.renewal {
		t.renewal = false
		lines = append(lines, line(level.Info(t.logger), nil, "msg", "The token was renewed"))
	}

	now := time.Now()
	if !w.probe && len(t.configured) == 0 || w.probe && (t.scraping.Load() > 0 || now.Sub(t.scraped) < staleness) {
		return lines
	}
	if !w.probe {
		t.scraped = now
	}
	// One failed probe says nothing of the tenant.
	t.down.Store(!n.up && (!w.probe || t.unansweredInARow > 1))
	if n.state == noAnswer && !t.down.Load() || n.state == t.state || now.Sub(t.logged) < time.Minute {
		return lines
	}
	t.state, t.logged = n.state, now
	if n.state == "" {
		return append(lines, line(level.Info(t.logger), nil, "msg", "The tenant is up again"))
	}
	return append(lines, line(level.Warn(t.logger), n.err, "msg", n.state, "jobs", n.jobs, "configured", len(t.configured)))
}

// jobLines returns a line for each job that begins to fail or recovers, by the
// newest of its reads that has ended. The caller holds the journal's lock.
func (t *tenant) jobLines() (lines []func()) {
	for j, r := range t.toLog {
		// A read of a client that a reload has changed says nothing of the job.
		configured := t.byID[j.key] != nil && t.byID[j.key].job == j
		switch {
		case r.err != nil && configured && !t.failing[j.key] && !t.down.Load():
			t.failing[j.key] = true
			lines = append(lines, line(level.Warn(t.logger), r.err, "msg", "Reading the job failed", labelJobID, j.id))
		case r.err != nil:
			lines = append(lines, line(level.Debug(t.logger), r.err, "msg", "Reading the job failed", labelJobID, j.id))
		case configured && t.failing[j.key]:
			delete(t.failing, j.key)
			lines = append(lines, line(level.Info(t.logger), nil, "msg", "Reading the job succeeds again", labelJobID, j.id, labelStatus, r.answer.Status))
		}
	}
	clear(t.toLog)
	maps.DeleteFunc(t.failing, func(key string, _ bool) bool { return t.byID[key] == nil })
	return lines
}

// tally is what a scrape's outcomes say of the tenant as a whole.
type tally struct {
	up    bool
	state string       // empty if there is nothing to say
	jobs  int          // that are in it
	err   *zuora.Error // one that is the tenant's, or else a job's
}

// tally adds the outcomes up. It asks for a token if none lives, the newest
// request of one failed, and no read has asked since: if all answers are cached,
// nobody else would notice that there is one again.
func (t *tenant) tally(w waiter, outcomes []outcome) (n tally) {
	token := t.token()
	answered, jobs := 0, map[string]int{} // by state
	for _, o := range outcomes {
		switch {
		case o.err == nil && o.late && token.Expiry.IsZero(), o.err != nil && o.err.Operation == zuora.OperationToken:
			jobs[noToken]++
		case o.err != nil && o.err.Reason == zuora.ReasonRateLimited:
			jobs[paused]++
		case o.noTime:
			jobs[noTime]++
		}
		switch {
		case o.err != nil && !zuorasWord(o.err):
			jobs[noAnswer]++
			if n.err == nil || concernsTenant(o.err) {
				n.err = o.err
			}
		case o.ended:
			answered++
		}
	}
	if token.Expiry.IsZero() && token.Failure != nil && len(outcomes) > 0 && jobs[noToken] == 0 {
		_ = t.API.CheckToken(w.ctx)
		token = t.token()
	}
	// Answers from the cache need no token, and hide no refusal of one.
	lacksToken := token.Expiry.IsZero() && (jobs[noToken] > 0 || token.Failure != nil)
	if lacksToken && (n.err == nil || n.err.Operation != zuora.OperationToken) {
		n.err = cmp.Or(token.Failure, errNoToken)
	}
	n.up = !lacksToken && (jobs[noAnswer] == 0 || answered > 0)
	switch {
	case lacksToken:
		n.state = noToken
	case jobs[paused] > 0:
		n.state = paused
	case !n.up:
		n.state = noAnswer
	case jobs[noTime] > 0:
		n.state = noTime
	}
	n.jobs = jobs[n.state]
	return n
}

// wordsOfZuora are the reasons with which Zuora itself answers about a job.
var wordsOfZuora = []zuora.Reason{zuora.ReasonNotFound, zuora.ReasonRefused}

// zuorasWord tells whether a failure is Zuora's own word about the job.
func zuorasWord(err *zuora.Error) bool {
	return err.Operation != zuora.OperationToken && slices.Contains(wordsOfZuora, err.Reason)
}
