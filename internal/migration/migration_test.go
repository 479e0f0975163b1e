package migration

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// job returns a job that was read: a state, and labeled, failed, timed out,
// total; a count below zero was not sent.
func job(id, repairs, status string, counts ...int64) collector.LastRead {
	a := &zuora.DataLabelingJob{Status: status}
	for i, to := range []**int64{&a.Labeled, &a.Failed, &a.Timeout, &a.Total} {
		if i < len(counts) && counts[i] >= 0 {
			*to = &counts[i]
		}
	}
	r := collector.LastRead{Tenant: "t", Job: collector.ConfiguredJob{ID: id}, Configured: true, Answer: a}
	if repairs != "" {
		r.Job.Labels = map[string]string{"repairs": repairs}
	}
	return r
}

// Each sentence about numbers that dashboards, rules and reports share. The
// rules' tests have the same cases.
func TestSummary(t *testing.T) {
	type read []collector.LastRead
	sample := job("a", "", zuora.Completed, 9, 1, 1, 11)
	unread := collector.LastRead{Tenant: "t", Job: collector.ConfiguredJob{ID: "u"}, Failure: &zuora.Error{}}
	blind := job("b", "", zuora.Completed, 9, 1, 1, 11)
	blind.Failure = &zuora.Error{}
	elsewhere := job("r", "a", zuora.Completed, 2, 0, 0, 2)
	elsewhere.Tenant = "other"
	for name, tc := range map[string]struct {
		jobs read
		want Summary
	}{
		"none":                                {nil, Summary{}},
		"done":                                {read{job("a", "", zuora.Completed, 11, 0, 0, 11)}, Summary{Jobs: 1, Finished: 1}},
		"counts above the total":              {read{job("a", "", zuora.Completed, 12, 0, 0, 11)}, Summary{Jobs: 1, Finished: 1}},
		"the documented sample":               {read{sample}, Summary{Jobs: 1, Lost: 2}},
		"unaccounted objects":                 {read{job("a", "", zuora.Completed, 9, 1, 0, 20)}, Summary{Jobs: 1, Lost: 11}},
		"Completed, all counts are missing":   {read{job("a", "", zuora.Completed, -1, -1, -1, 20)}, Summary{Jobs: 1, Lost: 20}},
		"Completed, without counts and total": {read{job("a", "", zuora.Completed)}, Summary{Jobs: 1, Unknown: 1}},
		"running":                             {read{job("a", "", zuora.Dispatched, 9, 1, 0, 20)}, Summary{Jobs: 1, Lost: 1, NotLabeled: 10}},
		"running, a count is missing":         {read{job("a", "", zuora.Dispatched, 9, -1, 0, 20)}, Summary{Jobs: 1, NotLabeled: 11}},
		"waiting, without a total":            {read{job("a", "", zuora.Accepted)}, Summary{Jobs: 1, NoTotal: 1}},
		"never read":                          {read{unread}, Summary{Jobs: 1, Unread: 1}},
		"unread, what was known before":       {read{blind}, Summary{Jobs: 1, Unread: 1, Lost: 2}},
		"ended in another state":              {read{job("a", "", "Cancelled", 3, 1, 0, 20)}, Summary{Jobs: 1, Lost: 1, Unknown: 1}},
		"a repair that is running":            {read{sample, job("r", "a", zuora.Dispatched, 1, 0, 0, 2)}, Summary{Jobs: 2, Lost: 2}},
		"a repair that is done":               {read{sample, job("r", "a", zuora.Completed, 2, 0, 0, 2)}, Summary{Jobs: 2, Finished: 2}},
		"a repair that failed, and is repaired": {read{
			sample, job("r", "a", zuora.Completed, 1, 1, 0, 2), job("s", "r", zuora.Completed, 1, 0, 0, 1),
		}, Summary{Jobs: 3, Finished: 3}},
		"three repairs, one was never read": {read{
			sample, job("r", "a", zuora.Completed, 1, 0, 0, 1), job("s", "a", zuora.Completed, 1, 0, 0, 1),
			{Tenant: "t", Job: collector.ConfiguredJob{ID: "u", Labels: map[string]string{"repairs": "a"}}},
		}, Summary{Jobs: 4, Finished: 2, Unread: 1, Lost: 2}},
		"a repair of a job that is not watched": {read{job("r", "a", zuora.Dispatched, 1, 0, 0, 3)}, Summary{Jobs: 1, NotLabeled: 2}},
		"a job that repairs itself":             {read{job("a", "a", zuora.Completed, 9, 1, 1, 11)}, Summary{Jobs: 1, Lost: 2}},
		"two that repair each other":            {read{job("a", "b", zuora.Completed, 9, 1, 1, 11), job("b", "a", zuora.Completed, 9, 1, 1, 11)}, Summary{Jobs: 2}},
		"a repair of another tenant":            {read{sample, elsewhere}, Summary{Jobs: 2, Finished: 1, Lost: 2}},
	} {
		if diff := cmp.Diff(tc.want, Summarize(Jobs(tc.jobs))); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
