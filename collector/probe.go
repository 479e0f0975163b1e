package collector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Probe is one job at the time of one probe, configured or not. It is a
// prometheus.Collector that reads the job when it is collected, and sends its
// series and zuora_up.
type Probe struct {
	waiter
	tenant  *tenant
	job     *exposedJob
	outcome outcome // when it was collected
}

var _ prometheus.Collector = (*Probe)(nil)

// Probe returns a probe of the job with that id, which reads until ctx ends.
// The tenant may be empty if there is only one. An error says what is wrong
// with id or tenant.
func (c *Collector) Probe(ctx context.Context, tenant, id string) (*Probe, error) {
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
	p := &Probe{waiter: waiter{ctx, time.Now(), true}, tenant: t}
	if p.job = t.byID[zuora.CanonicalJobID(id)]; p.job == nil {
		p.job = newExposedJob(t, ConfiguredJob{ID: id}, t.touch(id))
	}
	return p, nil
}

// Collect implements prometheus.Collector.
func (p *Probe) Collect(ch chan<- prometheus.Metric) {
	p.outcome = p.tenant.collect(p.waiter, []*exposedJob{p.job}, ch)[0]
}

// Explain writes what happened, as text. The probe must have been collected.
func (p *Probe) Explain(w io.Writer) {
	fmt.Fprintf(w, "Probe of job %s of tenant %s\n", p.job.ID, p.tenant.Name)
	o := p.outcome
	noToken := o.err != nil && o.err.Operation == zuora.OperationToken
	switch {
	case o.err == nil && o.late:
		fmt.Fprintf(w, "Too late: no answer came before the deadline, so this one serves, which came at %s\n", o.answer.ReceivedAt.UTC().Format(time.RFC3339))
	case o.err == nil && !o.ended:
		fmt.Fprintf(w, "Cached: no request was sent, the answer came at %s\n", o.answer.ReceivedAt.UTC().Format(time.RFC3339))
	case o.noTime:
		fmt.Fprintln(w, "No request was sent: all slots were taken until the deadline")
	case len(o.requests) > 0:
	case o.err != nil && o.err.Reason == zuora.ReasonRateLimited:
		fmt.Fprintln(w, "No request was sent: requests are paused")
	case noToken && o.err.Reason != zuora.ReasonTimeout:
		fmt.Fprintln(w, "No request was sent: getting a token failed, and is tried again within a minute")
	}
	if o.joined {
		fmt.Fprintln(w, "Joined: a scrape or another probe was reading the job already")
	}
	switch {
	case noToken:
		fmt.Fprintln(w, "Token: none")
	case slices.ContainsFunc(o.requests, func(r zuora.Request) bool { return r.Operation == zuora.OperationToken && r.StatusCode/100 == 2 }):
		fmt.Fprintln(w, "Token: new")
	case len(o.requests) > 0:
		fmt.Fprintln(w, "Token: kept")
	}
	for _, r := range o.requests {
		fmt.Fprintln(w, "Request: "+describeRequest(r))
	}
	if o.err != nil {
		fmt.Fprintf(w, "Error: %s: %s\n", o.err.Reason, o.err)
		if o.err.ProcessID != "" {
			fmt.Fprintf(w, "processId: %s\n", o.err.ProcessID)
		}
	} else {
		fmt.Fprintf(w, "Read: status %q, object type %q\n", o.answer.Status, o.answer.ObjectType)
	}
}

func describeRequest(r zuora.Request) string {
	text := "operation=" + r.Operation + ", no answer"
	if r.StatusCode != 0 {
		text = fmt.Sprintf("operation=%s, HTTP %d", r.Operation, r.StatusCode)
	}
	if r.Duration != 0 {
		text += fmt.Sprintf(", duration=%s", r.Duration.Round(time.Microsecond))
	}
	if r.RequestID != "" {
		text += ", Zuora-Request-Id=" + r.RequestID
	}
	if r.TrackID != "" {
		text += ", Zuora-Track-Id=" + r.TrackID
	}
	return text
}
