package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// tenant is a Tenant at work.
type tenant struct {
	Tenant
	*known
	*journal
	scrapeSlots, probeSlots slots
	descs                   *jobDescs
	configured              []*exposedJob
	byID                    map[string]*exposedJob // by canonical id
	logger                  log.Logger
}

// slots bound a tenant's reads in progress: each takes one of every semaphore.
type slots []*semaphore.Weighted

// newSlots returns the slots of scrapes and of probes. Probes have half as many,
// so a scrape never waits behind a queue of probes; all if no job is configured.
func newSlots(t Tenant) (ofScrapes, ofProbes slots) {
	probes := t.MaxConcurrentRequests
	if len(t.Jobs) > 0 {
		probes = max(probes/2, 1)
	}
	all := semaphore.NewWeighted(int64(t.MaxConcurrentRequests))
	return slots{all}, slots{semaphore.NewWeighted(int64(probes)), all}
}

// acquire waits for a slot, and tells whether there was one before ctx ended.
func (s slots) acquire(ctx context.Context) bool {
	for i, one := range s {
		if one.Acquire(ctx, 1) != nil {
			s[:i].release()
			return false
		}
	}
	return true
}

func (s slots) release() {
	for _, one := range s {
		one.Release(1)
	}
}

func newTenant(t Tenant, descs *jobDescs, logger log.Logger, previous *tenant) *tenant {
	n := &tenant{
		Tenant:  t,
		known:   &known{others: map[string]*job{}},
		journal: &journal{toLog: map[*job]outcome{}, failing: map[string]bool{}},
		descs:   descs,
		byID:    make(map[string]*exposedJob, len(t.Jobs)),
		logger:  log.With(logger, labelTenant, t.Name),
	}
	n.scrapeSlots, n.probeSlots = newSlots(t)
	if previous != nil {
		n.journal = previous.journal
	}
	if previous != nil && previous.Reader == t.Reader {
		n.known = previous.known
		// Reads that have old slots end by themselves.
		if previous.MaxConcurrentRequests == t.MaxConcurrentRequests && (len(previous.Jobs) == 0) == (len(t.Jobs) == 0) {
			n.scrapeSlots, n.probeSlots = previous.scrapeSlots, previous.probeSlots
		}
	}

	n.known.mu.Lock()
	defer n.known.mu.Unlock()
	n.keep = max(15*time.Minute, t.RefreshInterval, t.CompletedRefreshInterval)
	// What is configured no longer is known for as long as if it were probed now.
	for key, e := range n.known.configured {
		e.job.touched, e.job.probed = time.Now(), false
		n.others[key] = e.job
	}
	for _, c := range t.Jobs {
		key := zuora.CanonicalJobID(c.ID)
		j := n.others[key]
		if j == nil || j.id != c.ID { // it is not known, or its spelling was corrected
			j = &job{id: c.ID, key: key}
		}
		delete(n.others, key)
		n.byID[key] = newExposedJob(n, c, j)
		n.configured = append(n.configured, n.byID[key])
	}
	n.known.configured = n.byID
	n.onlyProbed() // forgets what is too old or too much
	return n
}

// collect reads jobs, logs what has changed, and sends their series and zuora_up.
func (t *tenant) collect(w waiter, jobs []*exposedJob, ch chan<- prometheus.Metric) []outcome {
	outcomes := t.read(w, jobs)
	n := t.tally(w, outcomes)
	for _, write := range t.changes(w, n) {
		write()
	}
	t.closeIdleConnections()
	for i, e := range jobs {
		e.collect(t.descs, outcomes[i], ch)
	}
	ch <- prometheus.MustNewConstMetric(upDesc, prometheus.GaugeValue, boolValue(n.up), t.Name)
	return outcomes
}

// read reads the jobs, those whose last read ended longest ago first. It
// returns an outcome for each when all reads have ended, or the waiter's time
// has.
func (t *tenant) read(w waiter, jobs []*exposedJob) []outcome {
	outcomes, places, reads := make([]outcome, len(jobs)), make([]time.Time, len(jobs)), make([]*read, len(jobs))
	order := make([]int, 0, len(jobs)) // of the jobs to be read
	for i, e := range jobs {
		outcomes[i].answer, places[i] = e.job.cached(w, t.RefreshInterval, t.CompletedRefreshInterval)
		if outcomes[i].answer == nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return places[a].Compare(places[b]) })
	for _, i := range order {
		reads[i] = t.begin(w, jobs[i].job)
	}
	for _, i := range order {
		if reads[i] != nil {
			select {
			case <-reads[i].done:
			case <-w.ctx.Done():
			}
		}
		noToken := w.ctx.Err() != nil && t.token().Expiry.IsZero()
		outcomes[i] = jobs[i].job.outcome(w, reads[i], noToken)
	}
	return outcomes
}

// token returns what is known of the tenant's token. If it needs none, it is as
// if it had one.
func (t *tenant) token() zuora.TokenState {
	if t.API == nil {
		return zuora.TokenState{Expiry: time.Now()}
	}
	return t.API.Token()
}

// begin returns the job's read in progress. If there is none, it waits for a
// slot and begins one. It returns nil if the job was read since the waiter
// began, or if the waiter's time ends before there is a slot.
func (t *tenant) begin(w waiter, j *job) *read {
	if r, wanted := j.join(w, false); !wanted {
		return r
	}
	slots := t.scrapeSlots
	if w.probe {
		slots = t.probeSlots
	}
	free := slots.acquire(w.ctx)
	r, wanted := j.join(w, free) // somebody else may have been quicker
	switch {
	case free && wanted:
		t.inProgress.Add(1)
		go t.run(r, slots)
	case free:
		slots.release()
	}
	return r
}

// run carries out a read, which nobody ends early: its requests have timeouts.
func (t *tenant) run(r *read, slots slots) {
	growStack(0)
	answer, err := t.ask(context.WithValue(context.Background(), readKey{}, r), r.job.id)
	slots.release()
	t.inProgress.Add(-1)
	t.readEnded(r.job, answer, err)
	r.job.end(r, answer, err)
	t.closeIdleConnections()
}

// closeIdleConnections closes them while the tenant is down and no read is in
// progress: they may lead nowhere.
func (t *tenant) closeIdleConnections() {
	if t.API != nil && t.down.Load() && t.inProgress.Load() == 0 {
		t.API.CloseIdleConnections()
	}
}

// growStack makes room on a read's stack while there is nothing on it to move:
// net/http and encoding/json need it for each answer. It saves a tenth of the
// processor time of a scrape.
//
//go:noinline
func growStack(i int) byte {
	var room [6 << 10]byte
	return room[i]
}

// ask calls the Reader. A panic on the way is a failure of this one job.
func (t *tenant) ask(ctx context.Context, id string) (answer *zuora.DataLabelingJob, e *zuora.Error) {
	defer func() {
		if p := recover(); p != nil {
			// Only the runtime's own words: any other value could hold a secret.
			text := fmt.Sprintf("panic with a %T", p)
			if err, ok := p.(runtime.Error); ok {
				text = "panic: " + err.Error()
			}
			level.Error(t.logger).Log("msg", "A defect of the exporter, please report it", labelJobID, id, "err", text, "stack", string(debug.Stack()))
			e = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonInvalidResponse, Message: text}
		}
	}()
	answer, err := t.Reader.DataLabelingJob(ctx, id)
	switch {
	case err != nil && !errors.As(err, &e):
		e = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonUnavailable, Message: err.Error()}
	case err == nil && answer == nil:
		e = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonInvalidResponse, Message: "no job"}
	}
	return answer, e
}
