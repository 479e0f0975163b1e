package zuoratest

import "time"

// Script says what a job answers, by the time since SetJob.
type Script func(elapsed time.Duration) Answer

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
// Ramp answers null while it is Accepted, and live counts afterwards.
type Ramp struct {
	Accepted time.Duration // How long the job is Accepted.
	Rate     float64       // Objects per second; with 0 the job never moves.
	Total    int64         // Objects to be labeled.

	FailedShare  float64 // The part of the objects that fails, 0 to 1.
	TimeoutShare float64 // The part of the objects that times out, 0 to 1.

	StuckAt int64 // If not 0, the job stays Dispatched at so many objects.
}

// At is the ramp's Script.
func (r Ramp) At(elapsed time.Duration) Answer {
	if elapsed < r.Accepted {
		return Answer{Status: "Accepted", RawProgress: "null", RawTotal: "null"}
	}
	// The minimum is taken before the conversion, which an old job overflows.
	done := int64(min(float64(r.Total), r.Rate*(elapsed-r.Accepted).Seconds()))
	if r.StuckAt > 0 {
		done = min(done, r.StuckAt)
	}
	failed := int64(float64(done) * r.FailedShare)
	timeout := int64(float64(done) * r.TimeoutShare)
	a := Answer{
		Status:  "Dispatched",
		Labeled: new(done - failed - timeout),
		Failed:  new(failed),
		Timeout: new(timeout),
		Total:   new(r.Total),
	}
	if done == r.Total && r.StuckAt == 0 {
		a.Status = "Completed"
	}
	return a
}
