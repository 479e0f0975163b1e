package collector

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Tenant is one Zuora tenant under one configuration.
type Tenant struct {
	Name   string
	Reader Reader // comparable: what is known of the jobs goes on as long as it stays the same
	// API tells what is known of the tenant's API. It is nil for a Reader that
	// needs no token.
	API     APIState
	Metrics *APIMetrics
	// MaxConcurrentRequests bounds the reads in progress, over all scrapes and
	// probes; at least 1.
	MaxConcurrentRequests int
	// RefreshInterval is the age below which an answer is served again,
	// CompletedRefreshInterval the same for completed jobs, if it is longer.
	RefreshInterval, CompletedRefreshInterval time.Duration
	Jobs                                      []Job
}

// Job is one configured job.
type Job struct {
	ID     string
	Labels map[string]string // put on every series of the job
}

// tenant is a Tenant at work.
type tenant struct {
	Tenant
	*lasting
	probed     *probedJobs // outlives a configuration that leaves the tenant as it is
	configured []*namedJob
	byID       map[string]*namedJob // by canonical id
	logger     log.Logger
}

// lasting is what outlives any change of a tenant that keeps its name.
type lasting struct {
	slots  slots        // Zuora's limit is the tenant's, whatever changes
	probes atomic.Int64 // in progress
	causes *causes
}

func newTenant(t Tenant, labelNames []string, logger log.Logger, previous *tenant) *tenant {
	n := &tenant{
		Tenant:  t,
		lasting: &lasting{causes: newCauses()},
		probed:  &probedJobs{},
		byID:    make(map[string]*namedJob, len(t.Jobs)),
		logger:  log.With(logger, labelTenant, t.Name),
	}
	same := previous != nil && previous.Reader == t.Reader
	if previous != nil {
		n.lasting = previous.lasting
	}
	if same {
		n.probed = previous.probed
	}
	n.slots.resize(t.MaxConcurrentRequests)
	for _, j := range t.Jobs {
		key := zuora.CanonicalJobID(j.ID)
		state := newJob()
		if previous != nil && previous.byID[key] != nil {
			known := previous.byID[key].state
			if same {
				state = known
			} else {
				known.mu.Lock()
				// The answers may be another Zuora tenant's.
				state.place, state.failing = known.place, known.failing
				known.mu.Unlock()
			}
		}
		n.byID[key] = newNamedJob(t.Name, j, labelNames, state, true)
		n.configured = append(n.configured, n.byID[key])
	}
	return n
}

// scrape reads all jobs, those with the oldest place first, up to
// MaxConcurrentRequests at once. It returns an outcome for each.
func (t *tenant) scrape(a asker) []outcome {
	outcomes := make([]outcome, len(t.configured))
	var todo []int // indexes of what is not cached
	places := make([]int64, len(t.configured))
	for i, named := range t.configured {
		if answer := t.cached(a, named.state); answer != nil {
			outcomes[i] = outcome{answer: answer, cached: true}
			continue
		}
		todo, places[i] = append(todo, i), named.state.place.Load()
	}
	slices.SortStableFunc(todo, func(a, b int) int { return cmp.Compare(places[a], places[b]) })

	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(t.MaxConcurrentRequests, len(todo)) {
		workers.Go(func() {
			for n := next.Add(1); int(n) <= len(todo); n = next.Add(1) {
				i := todo[n-1]
				outcomes[i] = t.read(a, t.configured[i])
			}
		})
	}
	workers.Wait()
	t.settle(outcomes)
	return outcomes
}

// settle gives requests that were cut off a moment to end, because a page's own
// requests are on it.
func (t *tenant) settle(outcomes []outcome) {
	moment := time.After(100 * time.Millisecond)
	for _, o := range outcomes {
		if o.cut == nil {
			continue
		}
		select {
		case <-o.cut.returned:
		case <-moment:
			return
		}
	}
}

// tally logs what the outcomes say of the tenant as a whole, and tells whether
// it is up.
func (t *tenant) tally(a asker, outcomes []outcome) (up bool) {
	var noToken, paused, leftOut, answered int
	var tokenErr, pauseErr *zuora.Error
	for _, o := range outcomes {
		switch {
		case o.leftOut:
			leftOut++
		case o.err != nil && o.err.Operation == zuora.OperationToken:
			noToken, tokenErr = noToken+1, o.err
		case o.err != nil && o.err.Reason == zuora.ReasonRateLimited:
			paused, pauseErr = paused+1, o.err
		case !o.cached:
			answered++
		}
		up = up || o.showsUp()
	}
	var token zuora.TokenState
	if t.API != nil {
		token = t.API.Token()
	}
	switch {
	case len(outcomes) == 0:
		up = token.Failure == nil || !token.Expiry.IsZero()
	case noToken > 0:
		up = false
		noToken, leftOut = noToken+leftOut, 0 // they had no time because of it
	}
	if a.gone() {
		return up
	}

	all := len(t.configured)
	t.causes.noToken.report(t.logger, noToken > 0, answered > 0, append([]any{"jobs", noToken, "configured", all}, described(tokenErr)...)...)
	t.causes.paused.report(t.logger, paused > 0, answered > 0, append([]any{"jobs", paused, "configured", all}, described(pauseErr)...)...)
	t.causes.noTime.report(t.logger, leftOut > 0, leftOut == 0 && noToken == 0 && !a.probe, "jobs", leftOut, "configured", all)
	t.causes.renewal.report(t.logger, token.Failure != nil && !token.Expiry.IsZero(), token.Failure == nil, described(token.Failure)...)
	return up
}

// downReasons say nothing of a job: a tenant whose jobs all fail with them is
// down.
var downReasons = []zuora.Reason{zuora.ReasonAuth, zuora.ReasonUnavailable, zuora.ReasonTimeout, zuora.ReasonRateLimited}

// showsUp tells whether the outcome alone shows that the tenant is up.
func (o outcome) showsUp() bool { return o.err == nil || !slices.Contains(downReasons, o.err.Reason) }
