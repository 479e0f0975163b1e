// Package migration says what the jobs' answers mean to whoever leads the
// migration: what is finished, what is lost, and what is not labeled yet. The
// recording rules in alerts/ say the same in PromQL.
package migration

import (
	"slices"
	"strconv"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Job is a job with what its newest answer means.
type Job struct {
	collector.LastRead
	// Repaired: all jobs that repair it are finished.
	Repaired bool
	// Finished: it is repaired, or Completed with all of its objects labeled.
	Finished bool
	// Repairs: its configured label repairs is the id of another of the jobs.
	// Then its objects are that job's, and in no sum.
	Repairs bool
	// Lost objects failed, timed out or, of a Completed job, are in no count.
	Lost int64
	// NotLabeled are the objects of a running job that are in no count yet.
	NotLabeled int64
	// NoTotal: it is running, and Zuora does not say how many objects it has.
	NoTotal bool
	// Unknown: it has ended, and nobody knows what became of all its objects:
	// it has no total, or a state that Zuora does not document.
	Unknown bool
}

// Jobs returns the jobs in their order.
func Jobs(reads []collector.LastRead) []Job {
	type key struct{ tenant, id string }
	known := make(map[key]int, len(reads))
	for i, r := range reads {
		known[key{r.Tenant, r.Job.ID}] = i
	}
	jobs := make([]Job, len(reads))
	repairs := make(map[int][]int) // by the job that they repair
	for i, r := range reads {
		j := &jobs[i]
		j.LastRead, j.Finished = r, done(r.Answer)
		if of, ok := known[key{r.Tenant, r.Job.Labels["repairs"]}]; ok && of != i {
			j.Repairs = true
			repairs[of] = append(repairs[of], i)
		}
	}
	// A repair may be repaired in turn.
	for changed := true; changed; {
		changed = false
		for of, by := range repairs {
			running := slices.ContainsFunc(by, func(i int) bool { return !jobs[i].Finished })
			if !jobs[of].Repaired && !running {
				jobs[of].Repaired, jobs[of].Finished, changed = true, true, true
			}
		}
	}
	for i := range jobs {
		if !jobs[i].Repaired {
			jobs[i].count()
		}
	}
	return jobs
}

// done tells whether a job is Completed, and lost nothing.
func done(a *zuora.DataLabelingJob) bool {
	return a != nil && a.Status == zuora.Completed && a.Total != nil && a.Labeled != nil && *a.Labeled >= *a.Total &&
		value(a.Failed) == 0 && value(a.Timeout) == 0
}

// count sets what is lost and what is not labeled yet. A count that Zuora did
// not send is left out. None is above 2^53: their sums do not overflow.
func (j *Job) count() {
	a := j.Answer
	if a == nil {
		return
	}
	j.Lost = value(a.Failed) + value(a.Timeout)
	rest := max(0, value(a.Total)-value(a.Labeled)-j.Lost)
	switch a.Status {
	case zuora.Completed:
		j.Lost, j.Unknown = j.Lost+rest, a.Total == nil
	case zuora.Accepted, zuora.Dispatched, "":
		j.NotLabeled, j.NoTotal = rest, a.Total == nil
	default:
		j.Unknown = rest > 0 || a.Total == nil
	}
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// Summary is the sum over jobs.
type Summary struct {
	Jobs, Finished           int
	Unread, NoTotal, Unknown int   // jobs of which nobody knows all objects
	Lost, NotLabeled         int64 // objects
}

// Summarize adds jobs up.
func Summarize(jobs []Job) (s Summary) {
	for _, j := range jobs {
		s.Jobs++
		if j.Finished {
			s.Finished++
		}
		if j.Answer == nil || j.Failure != nil {
			s.Unread++
		}
		if j.Repairs {
			continue
		}
		s.Lost += j.Lost
		s.NotLabeled += j.NotLabeled
		if j.NoTotal {
			s.NoTotal++
		}
		if j.Unknown {
			s.Unknown++
		}
	}
	return s
}

// Grouped writes a count with separators, such as 1,234,567.
func Grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
