package collector

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// The labels of the exporter's own that job series carry.
const (
	labelTenant     = "tenant"
	labelJobID      = "job_id"
	labelObjectType = "object_type"
	labelStatus     = "status"
	labelReason     = "reason"
)

const mayBeOld = " May be as old as the tenant's refresh interval; zuora_data_labeling_job_last_success_timestamp_seconds says when it was read."

// jobDescs describes the series of the jobs. They are made once for a
// configuration, whose label names they depend on.
type jobDescs struct {
	labeled, failed, timeout, total *prometheus.Desc
	status                          *prometheus.Desc
	success, scrapeError            *prometheus.Desc
	duration, lastSuccess           *prometheus.Desc
}

func newJobDescs(custom []string) *jobDescs {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		labels = slices.Concat([]string{labelTenant, labelJobID}, custom, labels)
		return prometheus.NewDesc("zuora_data_labeling_job_"+name, help, labels, nil)
	}
	return &jobDescs{
		labeled: desc("labeled_objects", "Objects that the job has labeled. Absent where Zuora sends no count."+mayBeOld, labelObjectType),
		failed:  desc("failed_objects", "Objects that the job failed to label: every organisation can see them. Absent where Zuora sends no count."+mayBeOld, labelObjectType),
		timeout: desc("timeout_objects", "Objects whose labeling timed out: every organisation can see them. Absent where Zuora sends no count."+mayBeOld, labelObjectType),
		total:   desc("total_objects", "Objects that the job is to label. Absent where Zuora sends no count."+mayBeOld, labelObjectType),
		status: desc("status", "1 for the state that the job is in, 0 for the others: Accepted, Dispatched, Completed, and any other that Zuora names. "+
			"Completed does not mean that all was labeled. Absent where Zuora sends no status."+mayBeOld, labelObjectType, labelStatus),
		success:     desc("scrape_success", "1 if the job's state is known as of this scrape, 0 if reading it failed."),
		scrapeError: desc("scrape_error", "1 for the reason why reading the job failed: auth, rate_limited, not_found, timeout, unavailable, invalid_response or refused. Absent where it succeeded.", labelReason),
		duration:    desc("scrape_duration_seconds", "Seconds that reading the job took, 0 where served from memory. Absent where the scrape had no time to begin."),
		lastSuccess: desc("last_success_timestamp_seconds", "When the newest good answer for the job came, in seconds since 1970. Absent before the first."),
	}
}

func (d *jobDescs) describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		d.labeled, d.failed, d.timeout, d.total, d.status, d.success, d.scrapeError, d.duration, d.lastSuccess,
	} {
		ch <- desc
	}
}

// knownStates are always there, so that a series does not begin only when the
// state does. One pair serves all jobs.
var knownStates = []*dto.LabelPair{
	pair(labelStatus, zuora.Accepted), pair(labelStatus, zuora.Dispatched), pair(labelStatus, zuora.Completed),
}

// gauge is a metric whose label pairs are shared with the other series of its
// job, and which lies with them in one piece of memory:
// prometheus.MustNewConstMetric makes all of it anew for each.
type gauge struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name, as the registry wants them
	value  float64
	dto    dto.Gauge
}

// Desc implements prometheus.Metric.
func (g *gauge) Desc() *prometheus.Desc { return g.desc }

// Write implements prometheus.Metric.
func (g *gauge) Write(m *dto.Metric) error {
	g.dto.Value = &g.value
	m.Label, m.Gauge = g.labels, &g.dto
	return nil
}

func pair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: new(name), Value: new(value)}
}

// with returns a copy of the sorted pairs that has one more, in its place.
func with(pairs []*dto.LabelPair, p *dto.LabelPair) []*dto.LabelPair {
	i, _ := slices.BinarySearchFunc(pairs, p, func(a, b *dto.LabelPair) int {
		return strings.Compare(a.GetName(), b.GetName())
	})
	longer := make([]*dto.LabelPair, 0, len(pairs)+1)
	longer = append(longer, pairs[:i]...)
	longer = append(longer, p)
	return append(longer, pairs[i:]...)
}

// labelValue makes a text from Zuora fit to be a label.
func labelValue(s string) string { return zuora.Printable(s, 64) }
