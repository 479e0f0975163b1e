package zuoratest

import (
	"encoding/json"
	"strings"
	"time"
)

// SampleJobID is the job of the only answer that Zuora's specification shows.
const SampleJobID = "ff80808186b966950186b97922e200ab"

// goodJob is the documented answer. For {jobId} see fill.
const goodJob = `{"jobId":"{jobId}","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`

// Job is a data labeling job.
type Job struct {
	ID         string // Zuora's ids have 32 characters.
	ObjectType string // such as Account or Product; not sent if it is empty
	// Script says what the job answers. It is called concurrently.
	Script Script
}

// Script says what a job answers, by the time since SetJob.
type Script func(elapsed time.Duration) Answer

// Answer is what a job answers. Zuora marks no field as required: an empty
// string and a nil count are not sent, nor is progress if it has no counts.
// Only success is always sent, as true.
type Answer struct {
	Status string // Accepted, Dispatched or Completed; nothing else is documented.

	Labeled, Failed, Timeout *int64 // In progress.
	Total                    *int64 // As totalObject.
}

// SetJob adds a job, or starts it again.
func (s *Server) SetJob(job Job) {
	began := time.Now()
	s.locked(func() {
		s.jobs[job.ID] = func() string { return job.body(job.Script(time.Since(began))) }
	})
}

// SetSampleJob adds the documented sample: a completed Account job of 11
// objects, one of which failed and one of which timed out.
func (s *Server) SetSampleJob() {
	body := strings.ReplaceAll(goodJob, "{jobId}", SampleJobID)
	s.locked(func() { s.jobs[SampleJobID] = func() string { return body } })
}

func (j Job) body(a Answer) string {
	type progress struct {
		Failed  *int64 `json:"failed,omitempty"`
		Labeled *int64 `json:"labeled,omitempty"`
		Timeout *int64 `json:"timeout,omitempty"`
	}
	body, _ := json.Marshal(struct { // It has nothing that could fail.
		JobID      string   `json:"jobId"`
		Status     string   `json:"jobStatus,omitempty"`
		ObjectType string   `json:"objectType,omitempty"`
		Progress   progress `json:"progress,omitzero"`
		Success    bool     `json:"success"`
		Total      *int64   `json:"totalObject,omitempty"`
	}{j.ID, a.Status, j.ObjectType, progress{a.Failed, a.Labeled, a.Timeout}, true, a.Total})
	return string(body)
}

// Constant is the script of a job that always answers the same.
func Constant(a Answer) Script {
	return func(time.Duration) Answer { return a }
}

// Repeat runs a script over and over, each time for one period.
func Repeat(period time.Duration, script Script) Script {
	return func(elapsed time.Duration) Answer { return script(elapsed % period) }
}

// Ramp is a job that is Accepted, then Dispatched while its counts rise
// steadily, then Completed. Use it as Job{Script: Ramp{...}.At}.
//
// Zuora does not document the counts of a job that runs. Like a sibling API, a
// Ramp answers none while it is Accepted, and live counts afterwards.
type Ramp struct {
	Accepted time.Duration // How long the job is Accepted.
	Rate     float64       // Objects per second; with 0 the job never moves.
	Total    int64         // Objects to be labeled.

	FailedShare  float64 // The part of the objects that fails, 0 to 1.
	TimeoutShare float64 // The part of the objects that times out, 0 to 1.
}

// At is the ramp's Script.
func (r Ramp) At(elapsed time.Duration) Answer {
	if elapsed < r.Accepted {
		return Answer{Status: "Accepted"}
	}
	// The minimum is taken before the conversion, which an old job overflows.
	done := int64(min(float64(r.Total), r.Rate*(elapsed-r.Accepted).Seconds()))
	failed := int64(float64(done) * r.FailedShare)
	timeout := int64(float64(done) * r.TimeoutShare)
	a := Answer{
		Status:  "Dispatched",
		Labeled: new(done - failed - timeout),
		Failed:  new(failed),
		Timeout: new(timeout),
		Total:   new(r.Total),
	}
	if done == r.Total {
		a.Status = "Completed"
	}
	return a
}
