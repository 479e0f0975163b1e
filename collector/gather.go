package collector

import (
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Gather implements prometheus.Gatherer. It returns what a registry makes of
// Collect, for less: it does not check each series of a job again.
func (s Scrape) Gather() ([]*dto.MetricFamily, error) {
	jobs, up := s.readAll()
	tenants := prometheus.NewRegistry()
	tenants.MustRegister(tenantSeries{s, up})
	families, err := tenants.Gather()
	return sorted(append(families, gather(jobs)...)), err
}

// Gather implements prometheus.Gatherer, as Scrape's does.
func (p *Probe) Gather() ([]*dto.MetricFamily, error) {
	up := []gauge{{family: upFamily, labels: []*dto.LabelPair{pair(labelTenant, p.tenant.Name)}, value: boolValue(p.up)}}
	return sorted(gather([][]gauge{p.job.series(p.families, p.outcome), up})), nil
}

// gather makes families of the series of jobs.
func gather(jobs [][]gauge) (families []*dto.MetricFamily) {
	byFamily := make(map[*family]*dto.MetricFamily)
	for _, series := range jobs {
		metrics := make([]dto.Metric, len(series))
		for i := range series {
			g := &series[i]
			f := byFamily[g.family]
			if f == nil {
				f = &dto.MetricFamily{Name: &g.family.name, Help: &g.family.help, Type: dto.MetricType_GAUGE.Enum()}
				f.Metric = make([]*dto.Metric, 0, len(jobs))
				byFamily[g.family] = f
				families = append(families, f)
			}
			_ = g.Write(&metrics[i])
			f.Metric = append(f.Metric, &metrics[i])
		}
	}
	for _, f := range families {
		slices.SortFunc(f.Metric, func(a, b *dto.Metric) int {
			return slices.CompareFunc(a.GetLabel(), b.GetLabel(), func(a, b *dto.LabelPair) int {
				return strings.Compare(a.GetValue(), b.GetValue())
			})
		})
	}
	return families
}

func sorted(families []*dto.MetricFamily) []*dto.MetricFamily {
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families
}

// tenantSeries collects what is not about the jobs. It comes after them, so a
// page's own requests are on it.
type tenantSeries struct {
	Scrape
	up []bool
}

// Describe implements prometheus.Collector.
func (t tenantSeries) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range tenantDescs {
		ch <- desc
	}
	for _, t := range t.collector.tenants {
		t.Metrics.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (t tenantSeries) Collect(ch chan<- prometheus.Metric) {
	for i, tenant := range t.collector.tenants {
		tenant.collect(t.up[i], ch)
	}
}
