package zuoratest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// SampleJobID is the job of the only answer that Zuora's specification shows.
const SampleJobID = "ff80808186b966950186b97922e200ab"

// Job is a data labeling job.
type Job struct {
	ID         string // Zuora's ids have 32 characters.
	ObjectType string // such as Account or Product; not sent if it is empty
	// Script says what the job answers. It is called concurrently.
	Script Script
}

// Answer is what a job answers. Zuora marks no field as required: an empty
// string and a nil count are not sent, nor is progress if it has no counts.
// Only success is always sent, as true.
type Answer struct {
	Status     string // Accepted, Dispatched or Completed; nothing else is documented.
	ObjectType string // If it is empty, the job's.

	Labeled, Failed, Timeout *int64 // In progress.
	Total                    *int64 // As totalObject.

	RawProgress string // JSON in place of progress, such as null or {}.
	RawTotal    string // JSON in place of totalObject, such as null.
}

// jobs holds the jobs of the tenant.
type jobs struct {
	mu   sync.RWMutex
	byID map[string]runningJob
}

type runningJob struct {
	Job
	began time.Time
}

func newJobs() jobs { return jobs{byID: map[string]runningJob{}} }

// SetJob adds a job, or starts it again.
func (s *Server) SetJob(job Job) {
	began := s.clock()
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	s.jobs.byID[job.ID] = runningJob{job, began}
}

// SetSampleJob adds the documented sample: a completed Account job of 11
// objects, one of which failed and one of which timed out.
func (s *Server) SetSampleJob() {
	s.SetJob(Job{ID: SampleJobID, ObjectType: "Account", Script: Constant(sampleAnswer())})
}

func sampleAnswer() Answer {
	return Answer{
		Status:  "Completed",
		Labeled: new(int64(9)),
		Failed:  new(int64(1)),
		Timeout: new(int64(1)),
		Total:   new(int64(11)),
	}
}

// RemoveJob makes a job one that does not exist.
func (s *Server) RemoveJob(id string) {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	delete(s.jobs.byID, id)
}

// serveJob answers GET /v1/multi-organizations/data-labeling-job/{id}. The
// token and the limits are checked before the API itself sees the request:
// they answer 401 and 429 in every version.
func (c *call) serveJob(id string) {
	s := c.s
	c.jobID = id
	inProgress := s.counters.enterJob(id)
	defer s.counters.leaveJob()
	if !c.withinLimits(inProgress) {
		return
	}
	if !c.setVersion() {
		c.refuseWith(http.StatusBadRequest, `"50000020"`, "Zuora-Version is neither a date nor a version number")
		return
	}
	if !c.authorized() {
		c.refuseWith(http.StatusUnauthorized, "90000011", "Authentication error")
		return
	}
	if !c.entityFits() {
		c.refuse(`"50000020"`, "Zuora-Entity-Ids does not fit this tenant")
		return
	}
	c.wait(time.Duration(s.latency.Load()))

	s.jobs.mu.RLock()
	job, known := s.jobs.byID[id]
	s.jobs.mu.RUnlock()
	c.good = func() []byte {
		if !known {
			// Only a fault asks for this. It needs no job.
			return appendAnswer(nil, Job{ID: id, ObjectType: "Account"}, sampleAnswer())
		}
		return job.answer(s.clock())
	}
	fault, faulty := s.faults.take(id, AnyJob)
	switch {
	case faulty:
		fault.serve(c)
	case known:
		c.send(http.StatusOK, jsonType, c.good())
	default:
		// The category would make it 400, but 404 is what the specification shows.
		status := http.StatusOK
		if c.modern {
			status = http.StatusNotFound
		}
		c.refuseWith(status, `"50000020"`, "The job does not exist")
	}
}

func (j runningJob) answer(now time.Time) []byte {
	var a Answer
	if j.Script != nil {
		a = j.Script(max(0, now.Sub(j.began)))
	}
	return appendAnswer(make([]byte, 0, 256), j.Job, a)
}

// appendAnswer writes an answer by hand, because the sample must be right byte
// for byte and benchmarks run through here.
func appendAnswer(b []byte, job Job, a Answer) []byte {
	if a.ObjectType == "" {
		a.ObjectType = job.ObjectType
	}
	b = append(append(b, `{"jobId":`...), quote(job.ID)...)
	if a.Status != "" {
		b = append(append(b, `,"jobStatus":`...), quote(a.Status)...)
	}
	if a.ObjectType != "" {
		b = append(append(b, `,"objectType":`...), quote(a.ObjectType)...)
	}
	if a.RawProgress != "" {
		b = append(append(b, `,"progress":`...), a.RawProgress...)
	} else if a.Failed != nil || a.Labeled != nil || a.Timeout != nil {
		b = append(b, `,"progress":{`...)
		separator := ""
		for _, count := range []struct {
			key string
			n   *int64
		}{{`"failed":`, a.Failed}, {`"labeled":`, a.Labeled}, {`"timeout":`, a.Timeout}} {
			if count.n != nil {
				b = append(append(b, separator...), count.key...)
				b = strconv.AppendInt(b, *count.n, 10)
				separator = ","
			}
		}
		b = append(b, '}')
	}
	b = append(b, `,"success":true`...)
	if a.RawTotal != "" {
		b = append(append(b, `,"totalObject":`...), a.RawTotal...)
	} else if a.Total != nil {
		b = strconv.AppendInt(append(b, `,"totalObject":`...), *a.Total, 10)
	}
	return append(b, '}')
}
