package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Jobs are the jobs of one tenant that each scrape reads.
type Jobs struct {
	Tenant *Tenant
	Jobs   []Job
}

// Job is one configured job.
type Job struct {
	ID     string
	Labels map[string]string // put on every series of the job
}

// tenantJobs is one tenant's jobs under one configuration.
type tenantJobs struct {
	*Tenant
	jobs   []*job
	byID   map[string]*job
	logger log.Logger

	mu     sync.Mutex
	first  int // the job that the next scrape begins with
	unread int // jobs that the last scrape had no time for
}

// job is a configured job and what is known of it.
type job struct {
	id     string
	labels []*dto.LabelPair // tenant, job_id and the configured ones, sorted
	state  *jobState        // shared with the job under earlier configurations
	// probed is true for a job that is not configured: nobody asked to be told
	// of it.
	probed bool
}

type jobState struct {
	mu      sync.Mutex
	newest  *zuora.DataLabelingJob // the newest good answer, nil before the first
	failure *zuora.Error           // of the newest read that says something of the job, nil where it was good
}

// outcome is what one scrape learned about one job. Of job and err one is nil.
type outcome struct {
	job      *zuora.DataLabelingJob
	err      *zuora.Error
	duration time.Duration
	// cutOff is true where the scrape's time ended in the midst of the read:
	// the caller knows whether that says anything about the job.
	cutOff bool
}

func newTenantJobs(jobs Jobs, labelNames []string, logger log.Logger, previous *tenantJobs) *tenantJobs {
	t := &tenantJobs{
		Tenant: jobs.Tenant,
		byID:   make(map[string]*job, len(jobs.Jobs)),
		logger: log.With(logger, labelTenant, jobs.Tenant.Name),
	}
	for _, j := range jobs.Jobs {
		state := &jobState{}
		if known := previous.find(j.ID); known != nil {
			state = known.state
		}
		added := &job{id: j.ID, labels: jobLabels(jobs.Tenant.Name, j, labelNames), state: state}
		t.jobs = append(t.jobs, added)
		t.byID[zuora.CanonicalJobID(j.ID)] = added
	}
	return t
}

// find returns the configured job with that id, in whatever spelling, nil where
// there is none.
func (t *tenantJobs) find(id string) *job {
	if t == nil {
		return nil
	}
	return t.byID[zuora.CanonicalJobID(id)]
}

func jobLabels(tenant string, j Job, labelNames []string) []*dto.LabelPair {
	pairs := []*dto.LabelPair{pair(labelTenant, tenant), pair(labelJobID, j.ID)}
	for _, name := range labelNames {
		pairs = append(pairs, pair(name, j.Labels[name]))
	}
	slices.SortFunc(pairs, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return pairs
}

// collect reads all jobs, as many at once as may be, then exposes them, and
// tells whether the tenant is up. One sender in the jobs' order is cheaper than
// many at once: they would wake the registry for each job, and leave it more to
// sort.
func (t *tenantJobs) collect(ctx context.Context, descs *jobDescs, ch chan<- prometheus.Metric) bool {
	workers := min(t.MaxConcurrentRequests, len(t.jobs))
	if workers == 0 {
		return true
	}
	first := t.begin(workers)
	series := make([][]gauge, len(t.jobs))
	var next, answered, unread atomic.Int64
	var tokenFailed, reached atomic.Bool
	begun := time.Now()

	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(t.jobs) {
					return
				}
				i = (first + i) % len(t.jobs)
				j := t.jobs[i]
				var o outcome
				o, series[i] = t.scrape(ctx, descs, j)
				// A read that was cut off soon after it began had no time, one
				// that had most of the scrape's is a slow job's.
				slow := o.cutOff && 2*o.duration >= time.Since(begun)
				if slow {
					t.note(j, o)
				}
				if o.err != nil && (o.err.NotBegun || o.cutOff && !slow) {
					unread.Add(1)
				} else if o.err == nil || o.err.Reason != zuora.ReasonTimeout && o.err.Reason != zuora.ReasonRateLimited {
					answered.Add(1)
				}
				if o.tokenFailed() {
					tokenFailed.Store(true)
				}
				if o.reached() {
					reached.Store(true)
				}
			}
		})
	}
	group.Wait()
	for _, metrics := range series {
		for i := range metrics {
			ch <- &metrics[i]
		}
	}
	t.end(ctx, workers, int(answered.Load()), int(unread.Load()))
	return reached.Load() && !tokenFailed.Load()
}

// tokenFailed tells whether the read failed for want of a token.
func (o outcome) tokenFailed() bool { return o.err != nil && o.err.Operation == zuora.OperationToken }

// reached tells whether the outcome is about the job rather than the tenant.
func (o outcome) reached() bool {
	if o.err == nil {
		return true
	}
	switch o.err.Reason {
	case zuora.ReasonAuth, zuora.ReasonUnavailable, zuora.ReasonTimeout, zuora.ReasonRateLimited:
		return false
	}
	return true
}

// begin returns the index of the job to begin with, and moves the next scrape
// on by as many as run at once, even if that begins before this one ends.
func (t *tenantJobs) begin(workers int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.first
	t.first = (first + workers) % len(t.jobs)
	return first
}

// end moves the next scrape on by what was answered beyond that, so that a
// scrape too short for all jobs starves none, and reports those it left out.
func (t *tenantJobs) end(ctx context.Context, workers, answered, unread int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.first = (t.first + max(answered-workers, 0)) % len(t.jobs)
	if errors.Is(ctx.Err(), context.Canceled) {
		return // whoever asked has left: there may have been time
	}
	if unread > 0 {
		logger := level.Debug(t.logger)
		if t.unread == 0 {
			logger = level.Warn(t.logger)
		}
		logger.Log("msg", "The scrape had no time for some jobs", "jobs", unread, "configured", len(t.jobs))
	} else if t.unread > 0 {
		level.Info(t.logger).Log("msg", "The scrape had time for all jobs again", "configured", len(t.jobs))
	}
	t.unread = unread
}

// scrape reads one job and makes its series. A panic on the way is a failure
// of this one job.
func (t *tenantJobs) scrape(ctx context.Context, descs *jobDescs, j *job) (o outcome, metrics []gauge) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: t.panicked(j, p)}
			metrics = j.metrics(descs, o)
		}
	}()
	o = t.read(ctx, j)
	// What ended because the caller has left says nothing about the job.
	if !o.cutOff && (o.err == nil || !errors.Is(ctx.Err(), context.Canceled)) {
		t.note(j, o)
	}
	return o, j.metrics(descs, o)
}

func (t *tenantJobs) panicked(j *job, p any) *zuora.Error {
	// Only the runtime's own words: any other value could hold a secret.
	text := fmt.Sprintf("panic with a %T", p)
	if err, ok := p.(runtime.Error); ok {
		text = "panic: " + err.Error()
	}
	level.Error(t.logger).Log("msg", "A defect of the exporter, please report it", labelJobID, j.id, "err", text, "stack", string(debug.Stack()))
	return &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonInvalidResponse, Message: text}
}

// read reads one job.
func (t *tenantJobs) read(ctx context.Context, j *job) outcome {
	if ctx.Err() != nil {
		return outcome{err: &zuora.Error{Reason: zuora.ReasonTimeout, NotBegun: true}}
	}
	begun := time.Now()
	answer, err := t.Reader.DataLabelingJob(ctx, j.id)
	o := outcome{job: answer, duration: time.Since(begun)}
	switch {
	case errors.As(err, &o.err):
	case err != nil && ctx.Err() != nil:
		o.err = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonTimeout, Message: err.Error()}
	case err != nil:
		o.err = &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonUnavailable, Message: err.Error()}
	case answer.ReceivedAt.Before(begun):
		o.duration = 0 // it was in memory
	}
	o.cutOff = o.err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && o.err.Reason == zuora.ReasonTimeout && !o.err.NotBegun && !o.tokenFailed()
	return o
}

// note remembers the outcome, and logs it where the job began to fail or
// recovered.
func (t *tenantJobs) note(j *job, o outcome) {
	j.state.mu.Lock()
	defer j.state.mu.Unlock()
	was := j.state.failure
	switch {
	case o.err == nil:
		if j.state.newest == nil || o.job.ReceivedAt.After(j.state.newest.ReceivedAt) {
			j.state.newest = o.job
		}
		if was != nil {
			level.Info(t.logger).Log("msg", "Reading the job succeeds again", labelJobID, j.id, labelStatus, labelValue(o.job.Status))
		}
		j.state.failure = nil
	case !o.err.NotBegun:
		logger := level.Debug(t.logger)
		if was == nil && !j.probed {
			logger = level.Warn(t.logger)
		}
		logFailure(logger, j.id, o.err)
		j.state.failure = o.err
	}
}

func logFailure(logger log.Logger, id string, err *zuora.Error) {
	keyvals := []any{"msg", "Reading the job failed", labelJobID, id, labelReason, err.Reason, "err", err}
	if err.RequestID != "" {
		keyvals = append(keyvals, "zuora_request_id", err.RequestID)
	}
	if err.ProcessID != "" {
		keyvals = append(keyvals, "process_id", err.ProcessID)
	}
	logger.Log(keyvals...)
}

// metrics makes the series of one job.
func (j *job) metrics(d *jobDescs, o outcome) []gauge {
	metrics := make([]gauge, 0, 10) // as many as they are, but for a state that Zuora does not document
	add := func(desc *prometheus.Desc, labels []*dto.LabelPair, value float64) {
		metrics = append(metrics, gauge{desc: desc, labels: labels, value: value})
	}
	add(d.success, j.labels, boolValue(o.err == nil))
	if o.err == nil || !o.err.NotBegun {
		add(d.duration, j.labels, o.duration.Seconds())
	}
	j.state.mu.Lock()
	newest := j.state.newest
	j.state.mu.Unlock()
	if newest != nil {
		add(d.lastSuccess, j.labels, unixSeconds(newest.ReceivedAt))
	}
	if o.err != nil {
		add(d.scrapeError, with(j.labels, pair(labelReason, string(o.err.Reason))), 1)
		return metrics
	}

	typed := with(j.labels, pair(labelObjectType, labelValue(o.job.ObjectType)))
	for _, c := range []struct {
		desc  *prometheus.Desc
		count *int64
	}{{d.labeled, o.job.Labeled}, {d.failed, o.job.Failed}, {d.timeout, o.job.Timeout}, {d.total, o.job.Total}} {
		if c.count != nil {
			add(c.desc, typed, float64(*c.count))
		}
	}
	if o.job.Status == "" {
		return metrics
	}
	status, known := labelValue(o.job.Status), false
	for _, state := range knownStates {
		is := state.GetValue() == status
		known = known || is
		add(d.status, with(typed, state), boolValue(is))
	}
	if !known {
		add(d.status, with(typed, pair(labelStatus, status)), 1)
	}
	return metrics
}
