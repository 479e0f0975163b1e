package collector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// The labels that the exporter itself sets.
const (
	labelTenant     = "tenant"
	labelJobID      = "job_id"
	labelObjectType = "object_type"
	labelStatus     = "status"
	labelReason     = "reason"
	labelOperation  = "operation"
)

// exposedJob is a job with the labels that one configuration gives it.
type exposedJob struct {
	ConfiguredJob
	job    *job
	labels []*dto.LabelPair // tenant, job_id and the configured ones, sorted
}

func newExposedJob(t *tenant, c ConfiguredJob, j *job) *exposedJob {
	pairs := []*dto.LabelPair{pair(labelTenant, t.Name), pair(labelJobID, c.ID)}
	for _, name := range t.descs.labelNames {
		pairs = append(pairs, pair(name, c.Labels[name]))
	}
	slices.SortFunc(pairs, byName)
	return &exposedJob{ConfiguredJob: c, job: j, labels: pairs}
}

// collect sends the series of one job.
func (e *exposedJob) collect(d *jobDescs, o outcome, ch chan<- prometheus.Metric) {
	series := make([]gauge, 0, 10) // 11 with an undocumented state
	defer func() {                 // when it has its size: the registry writes into it
		for i := range series {
			ch <- &series[i]
		}
	}()
	add := func(desc *prometheus.Desc, labels []*dto.LabelPair, value float64) {
		series = append(series, gauge{desc: desc, labels: labels, value: value})
	}
	add(d.success, e.labels, boolValue(o.err == nil))
	if !o.noTime {
		add(d.duration, e.labels, o.duration.Seconds())
	}
	if o.answer != nil {
		add(d.lastSuccess, e.labels, unixSeconds(o.answer.ReceivedAt))
	}
	if o.err != nil {
		add(d.scrapeError, with(e.labels, pair(labelReason, string(o.err.Reason))), 1)
		return
	}

	typed := with(e.labels, pair(labelObjectType, o.answer.ObjectType))
	for _, c := range []struct {
		desc  *prometheus.Desc
		count *int64
	}{{d.labeled, o.answer.Labeled}, {d.failed, o.answer.Failed}, {d.timeout, o.answer.Timeout}, {d.total, o.answer.Total}} {
		if c.count != nil {
			add(c.desc, typed, float64(*c.count))
		}
	}
	if o.answer.Status == "" {
		return
	}
	known := false
	for _, state := range knownStates {
		is := state.GetValue() == o.answer.Status
		known = known || is
		add(d.status, with(typed, state), boolValue(is))
	}
	if !known {
		add(d.status, with(typed, pair(labelStatus, o.answer.Status)), 1)
	}
}

const mayBeOld = " May be as old as the tenant's refresh interval, or five minutes if Zuora is too late; zuora_data_labeling_job_last_success_timestamp_seconds says when it was read."

// jobDescs describe the series of jobs. They depend on the label names of a
// configuration.
type jobDescs struct {
	labelNames                      []string
	labeled, failed, timeout, total *prometheus.Desc
	status                          *prometheus.Desc
	success, scrapeError            *prometheus.Desc
	duration, lastSuccess           *prometheus.Desc
}

func newJobDescs(labelNames []string) *jobDescs {
	d := &jobDescs{labelNames: labelNames}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		labels = slices.Concat([]string{labelTenant, labelJobID}, labelNames, labels)
		return prometheus.NewDesc("zuora_data_labeling_job_"+name, help, labels, nil)
	}
	d.labeled = desc("labeled_objects", "Objects that the job has labeled. Absent if Zuora sends no count."+mayBeOld, labelObjectType)
	d.failed = desc("failed_objects", "Objects that the job failed to label: they may be visible to every organisation. Absent if Zuora sends no count."+mayBeOld, labelObjectType)
	d.timeout = desc("timeout_objects", "Objects whose labeling timed out: they may be visible to every organisation. Absent if Zuora sends no count."+mayBeOld, labelObjectType)
	d.total = desc("total_objects", "Objects that the job is to label. Absent if Zuora sends no count."+mayBeOld, labelObjectType)
	d.status = desc("status", "1 for the state that the job is in, 0 for the others: Accepted, Dispatched, Completed, and any other that Zuora names. "+
		"Completed does not mean that all was labeled. Absent if Zuora sends no status."+mayBeOld, labelObjectType, labelStatus)
	d.success = desc("scrape_success", "1 if the job's state is known as of this scrape, 0 if reading it failed.")
	d.scrapeError = desc("scrape_error", "1 for the reason why reading the job failed: "+enumerated(zuora.Reasons)+". Absent if it succeeded.", labelReason)
	d.duration = desc("scrape_duration_seconds", "Seconds that reading the job took, 0 if served from the cache. Absent if the scrape had no time to begin.")
	d.lastSuccess = desc("last_success_timestamp_seconds", "When the newest good answer for the job came, in seconds since 1970. Absent before the first.")
	return d
}

// enumerated writes reasons as "a, b or c".
func enumerated(reasons []zuora.Reason) string {
	text := strings.Trim(fmt.Sprint(reasons), "[]")
	last := strings.LastIndex(text, " ")
	return strings.ReplaceAll(text[:last], " ", ", ") + " or" + text[last:]
}

// knownStates are always there: a series must not begin only when its state
// does. One pair serves all jobs.
var knownStates = []*dto.LabelPair{
	pair(labelStatus, zuora.Accepted), pair(labelStatus, zuora.Dispatched), pair(labelStatus, zuora.Completed),
}

// gauge is a metric that shares its label pairs with the other series of its
// job. prometheus.MustNewConstMetric would make new ones for each series.
type gauge struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name, as the registry wants them
	value  float64
	gauge  dto.Gauge
}

// Desc implements prometheus.Metric.
func (g *gauge) Desc() *prometheus.Desc { return g.desc }

// Write implements prometheus.Metric.
func (g *gauge) Write(m *dto.Metric) error {
	g.gauge.Value = &g.value
	m.Label, m.Gauge = g.labels, &g.gauge
	return nil
}

func pair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: new(name), Value: new(value)}
}

// with returns a copy of the sorted pairs that has one more, in its place.
func with(pairs []*dto.LabelPair, p *dto.LabelPair) []*dto.LabelPair {
	i, _ := slices.BinarySearchFunc(pairs, p, byName)
	longer := make([]*dto.LabelPair, 0, len(pairs)+1)
	longer = append(longer, pairs[:i]...)
	longer = append(longer, p)
	return append(longer, pairs[i:]...)
}

func byName(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) }
