package collector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"golang.org/x/sync/semaphore"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Tenant is one Zuora tenant under one configuration.
type Tenant struct {
	Name string
	// Reader must be comparable with ==: what is known of the jobs goes on as
	// long as it stays the same.
	Reader Reader
	// API tells what is known of the tenant's API. It is nil for a Reader that
	// needs no token.
	API     API
	Metrics *APIMetrics
	// MaxConcurrentRequests bounds the reads in progress, over all scrapes and
	// probes; at least 1.
	MaxConcurrentRequests int
	// RefreshInterval is the age below which an answer is served again,
	// CompletedRefreshInterval the same for completed jobs, if it is longer.
	RefreshInterval, CompletedRefreshInterval time.Duration
	Jobs                                      []ConfiguredJob
}

// ConfiguredJob is a job that every scrape reads.
type ConfiguredJob struct {
	ID     string
	Labels map[string]string // put on every series of the job
}

// tenant is a Tenant at work.
type tenant struct {
	Tenant
	*known
	slots
	configured []*exposedJob
	byID       map[string]*exposedJob // by canonical id
	logger     log.Logger
}

// slots bound a tenant's reads in progress. A probe needs one of probes and one
// of all. Probes has half as many, so a scrape never waits behind a queue of
// probes; all if no job is configured.
type slots struct {
	limit, probesLimit int
	all, probes        *semaphore.Weighted
}

func newTenant(t Tenant, labelNames []string, logger log.Logger, previous *tenant) *tenant {
	n := &tenant{
		Tenant: t,
		byID:   make(map[string]*exposedJob, len(t.Jobs)),
		logger: log.With(logger, labelTenant, t.Name),
	}
	n.limit, n.probesLimit = t.MaxConcurrentRequests, max(t.MaxConcurrentRequests/2, 1)
	if len(t.Jobs) == 0 {
		n.probesLimit = n.limit
	}
	switch {
	case previous == nil:
		n.known = newKnown()
	case previous.Reader != t.Reader:
		n.known = newKnown()
		n.continueJournal(previous.known)
	default:
		n.known = previous.known
		if previous.limit == n.limit {
			n.all = previous.all
		}
		if previous.probesLimit == n.probesLimit {
			n.probes = previous.probes
		}
	}
	// Reads that have old slots end by themselves.
	if n.all == nil {
		n.all = semaphore.NewWeighted(int64(n.limit))
	}
	if n.probes == nil {
		n.probes = semaphore.NewWeighted(int64(n.probesLimit))
	}
	for i, j := range n.configure(t.Jobs, max(t.RefreshInterval, t.CompletedRefreshInterval)) {
		exposed := newExposedJob(t.Name, t.Jobs[i], labelNames, j)
		n.byID[zuora.CanonicalJobID(j.id)] = exposed
		n.configured = append(n.configured, exposed)
	}
	return n
}

// read reads the jobs, those whose last read ended longest ago first. It
// returns an outcome for each when all reads have ended, or the waiter's time
// has.
func (t *tenant) read(w waiter, jobs []*exposedJob) []outcome {
	outcomes, reads := make([]outcome, len(jobs)), make([]*read, len(jobs))
	places := make([]time.Time, len(jobs))
	var order []int
	for i, e := range jobs {
		answer, place := e.job.cached(w, t.RefreshInterval, t.CompletedRefreshInterval)
		if outcomes[i].answer, places[i] = answer, place; answer == nil {
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
	}
	noToken := !t.hasToken()
	for _, i := range order {
		outcomes[i] = jobs[i].job.outcome(w, reads[i], noToken)
		if w.probe { // a scrape would hold the reads of all its jobs
			outcomes[i].read = reads[i]
		}
	}
	return outcomes
}

// hasToken tells whether the tenant has a living token, or needs none.
func (t *tenant) hasToken() bool { return t.API == nil || !t.API.Token().Expiry.IsZero() }

// begin returns the job's read in progress. If there is none, it waits for a
// slot and begins one. It returns nil if the job was read since the waiter
// began, or if the waiter's time ends before there is a slot.
func (t *tenant) begin(w waiter, j *job) *read {
	if r, wanted := j.join(w, false); !wanted {
		return r
	}
	release, err := t.acquire(w)
	if err != nil {
		r, _ := j.join(w, false) // somebody else may have had a slot
		return r
	}
	r, begun := j.join(w, true)
	if !begun { // somebody else was quicker
		release()
		return r
	}
	t.readBegins()
	go t.run(r, release)
	return r
}

// acquire waits for a slot until the waiter's deadline. The slot is held until
// release is called.
func (s slots) acquire(w waiter) (release func(), err error) {
	releaseProbe := func() {}
	if w.probe {
		if err := s.probes.Acquire(w.ctx, 1); err != nil {
			return nil, err
		}
		releaseProbe = func() { s.probes.Release(1) }
	}
	if err := s.all.Acquire(w.ctx, 1); err != nil {
		releaseProbe()
		return nil, err
	}
	return func() { s.all.Release(1); releaseProbe() }, nil
}

// run carries out a read, which nobody ends early: its requests have timeouts.
func (t *tenant) run(r *read, release func()) {
	growStack(0)
	answer, err := t.ask(context.WithValue(context.Background(), readKey{}, r), r.job.id)
	release()
	idle := t.readEnds(r.job, answer, err)
	r.job.end(r, answer, err)
	if idle && t.API != nil {
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

// tally is what a scrape's outcomes say of the tenant as a whole.
type tally struct {
	jobs                    int
	answered, failed        int // by Zuora in this scrape; with anything but Zuora's own word
	noToken, paused, noTime int
	lacksToken              bool         // the tenant: none lives, and none could be had
	err                     *zuora.Error // one that is the tenant's, or else a job's
	up                      bool
}

func (t *tenant) tally(w waiter, outcomes []outcome) tally {
	n := tally{jobs: len(outcomes)}
	for _, o := range outcomes {
		switch {
		case o.noToken || o.err != nil && o.err.Operation == zuora.OperationToken:
			n.noToken++
		case o.err != nil && o.err.Reason == zuora.ReasonRateLimited:
			n.paused++
		case o.noTime:
			n.noTime++
		}
		switch {
		case o.err != nil && !zuorasWord(o.err):
			n.failed++
			if n.err == nil || concernsTenant(o.err) {
				n.err = o.err
			}
		case o.ended:
			n.answered++
		}
	}
	var token zuora.TokenState
	if t.API != nil {
		token = t.API.Token()
	}
	// If no read needed a token, nobody has asked since one could not be had.
	if token.Expiry.IsZero() && token.Failure != nil && n.jobs > 0 && n.noToken == 0 {
		_ = t.API.CheckToken(w.ctx)
		token = t.API.Token()
	}
	// Answers from the cache need no token, and hide no refusal of one.
	n.lacksToken = token.Expiry.IsZero() && (n.noToken > 0 || token.Failure != nil)
	if n.lacksToken && (n.err == nil || n.err.Operation != zuora.OperationToken) {
		n.err = cmp.Or(token.Failure, errNoToken)
	}
	n.up = !n.lacksToken && (n.failed == 0 || n.answered > 0)
	return n
}
