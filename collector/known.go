package collector

import "github.com/zuora-exporter/zuora_exporter/zuora"

// Known is what is known of a configured job without asking.
type Known struct {
	Tenant, JobID string
	Newest        *zuora.DataLabelingJob // the newest good answer, nil before the first
	Failure       *zuora.Error           // of the newest read, nil where it was good
}

// Known returns what is known of all configured jobs, in their order.
func (c *Collector) Known() []Known {
	var all []Known
	for _, t := range c.tenants {
		for _, j := range t.jobs {
			j.state.mu.Lock()
			all = append(all, Known{t.Name, j.id, j.state.newest, j.state.failure})
			j.state.mu.Unlock()
		}
	}
	return all
}
