package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// maxWaitingProbes bounds the probes of a tenant that wait for a slot.
const maxWaitingProbes = 1000

// ErrTooManyProbes says that too many probes of a tenant are waiting.
var ErrTooManyProbes = errors.New("too many probes of this tenant are waiting")

// Probe is one job at the time of one probe, configured or not. Once it was
// read, it gathers the job's series and zuora_up.
type Probe struct {
	tenant   *tenant
	job      *namedJob
	families *jobFamilies
	outcome  outcome
	up       bool
}

var _ prometheus.Gatherer = (*Probe)(nil)

// Probe returns a probe of the job with that id. The tenant may be empty if
// there is only one. An error says what is wrong with id or tenant.
func (c *Collector) Probe(tenant, id string) (*Probe, error) {
	if err := zuora.CheckJobID(id); err != nil {
		return nil, fmt.Errorf("the parameter \"target\" is no job id: %w", err)
	}
	t := c.find(tenant)
	switch {
	case tenant == "" && len(c.tenants) == 1:
		t = c.tenants[0]
	case tenant == "":
		return nil, errors.New("the tenant is missing, and more than one is configured")
	case t == nil:
		return nil, fmt.Errorf("no tenant %.64q is configured", tenant)
	}
	found := t.byID[zuora.CanonicalJobID(id)]
	if found == nil {
		found = newNamedJob(t.Name, Job{ID: id}, c.labelNames, t.probed.get(t, id), false)
	}
	return &Probe{tenant: t, job: found, families: c.families}, nil
}

// Read reads the job. The only error is ErrTooManyProbes.
func (p *Probe) Read(ctx context.Context) error {
	t := p.tenant
	defer t.probes.Add(-1)
	if int(t.probes.Add(1)) > maxWaitingProbes+t.MaxConcurrentRequests {
		return ErrTooManyProbes
	}
	a := asker{ctx: ctx, start: time.Now(), probe: true}
	p.outcome = t.read(a, p.job)
	t.settle([]outcome{p.outcome})
	p.up = t.tally(a, []outcome{p.outcome})
	return nil
}

// Explain writes what happened, as text.
func (p *Probe) Explain(w io.Writer) {
	fmt.Fprintf(w, "Probe of job %s of tenant %s\n", p.job.ID, p.tenant.Name)
	o := p.outcome
	var requests []zuora.Request
	if o.trace != nil {
		requests = o.trace.Requests()
	}
	token := "kept"
	for _, r := range requests {
		if r.Operation == zuora.OperationToken {
			token = "new"
		}
	}
	switch {
	case o.cached:
		fmt.Fprintf(w, "Cached: no request was sent, the answer came at %s\n", o.answer.ReceivedAt.UTC().Format(time.RFC3339))
	case o.err != nil && o.err.Operation == zuora.OperationToken:
		token = "none"
		if len(requests) == 0 && o.err.Reason != zuora.ReasonTimeout {
			fmt.Fprintln(w, "No request was sent: getting a token failed, and is tried again within a minute")
		}
	case !o.begun:
		fmt.Fprintln(w, "No request was sent: all slots were taken until the deadline")
	case o.err != nil && o.err.Reason == zuora.ReasonRateLimited && len(requests) == 0:
		fmt.Fprintln(w, "No request was sent: requests are paused")
	}
	if o.joined {
		fmt.Fprintln(w, "Joined: a scrape or another probe was reading the job already")
	}
	if len(requests) > 0 || token == "none" {
		fmt.Fprintf(w, "Token: %s\n", token)
	}
	for _, r := range requests {
		status := "no answer"
		if r.StatusCode != 0 {
			status = fmt.Sprintf("HTTP %d", r.StatusCode)
		}
		fmt.Fprintf(w, "Request: operation=%s, %s", r.Operation, status)
		if r.Duration != 0 {
			fmt.Fprintf(w, ", duration=%s", r.Duration.Round(time.Microsecond))
		}
		if r.RequestID != "" {
			fmt.Fprintf(w, ", Zuora-Request-Id=%s", r.RequestID)
		}
		if r.TrackID != "" {
			fmt.Fprintf(w, ", Zuora-Track-Id=%s", r.TrackID)
		}
		fmt.Fprintln(w)
	}
	if o.err != nil {
		fmt.Fprintf(w, "Error: %s: %s\n", o.err.Reason, o.err)
	} else {
		fmt.Fprintf(w, "Read: status %q, object type %q\n", o.answer.Status, o.answer.ObjectType)
	}
}

// maxProbed bounds the answers kept for jobs that are not configured.
const maxProbed = 10_000

// probedJobs are the jobs of a tenant that are only probed.
type probedJobs struct {
	mu    sync.Mutex
	jobs  map[string]*job // by canonical id
	swept time.Time
}

// get returns the job with that id. A new one is kept if there is room.
func (p *probedJobs) get(t *tenant, id string) *job {
	key := zuora.CanonicalJobID(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[key]; j != nil {
		return j
	}
	now := time.Now()
	if len(p.jobs) >= maxProbed || now.Sub(p.swept) >= time.Minute {
		p.swept = now
		for key, j := range p.jobs {
			if !t.needed(j, now) {
				delete(p.jobs, key)
			}
		}
	}
	j := newJob()
	if len(p.jobs) < maxProbed {
		if p.jobs == nil {
			p.jobs = make(map[string]*job)
		}
		p.jobs[key] = j
	}
	return j
}

// needed tells whether a job is being read or has an answer to serve again.
func (t *tenant) needed(j *job, now time.Time) bool {
	if t.cached(asker{start: now}, j) != nil {
		return true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.reading != nil
}
