package collector

import (
	"context"
	"sync"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// maxProbed bounds the answers kept for jobs that are not configured.
const maxProbed = 10_000

// Fresh is a Reader that answers from memory while what it has is younger than
// a refresh interval. Only good answers are kept, and each keeps the time at
// which it came.
type Fresh struct {
	next Reader

	mu         sync.Mutex
	refresh    time.Duration
	completed  time.Duration
	configured map[string]*zuora.DataLabelingJob // nil before the first answer
	probed     map[string]*zuora.DataLabelingJob
	swept      time.Time // when probed was last rid of what is old
}

// NewFresh returns a Reader that keeps nothing until Configure says so.
func NewFresh(next Reader) *Fresh {
	return &Fresh{next: next, probed: make(map[string]*zuora.DataLabelingJob)}
}

// Configure sets how young an answer must be not to be asked for again, for all
// jobs and, where that is longer, for those that are Completed; 0 asks always.
// The jobs are those that are configured: others are kept while there is room.
func (f *Fresh) Configure(refresh, completed time.Duration, jobs []Job) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refresh, f.completed = refresh, completed
	configured := make(map[string]*zuora.DataLabelingJob, len(jobs))
	for _, j := range jobs {
		configured[j.ID] = f.configured[j.ID]
		if configured[j.ID] == nil {
			configured[j.ID] = f.probed[j.ID]
		}
		delete(f.probed, j.ID)
	}
	f.configured = configured
}

// DataLabelingJob implements Reader.
func (f *Fresh) DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
	if job := f.recall(id); job != nil {
		return job, nil
	}
	job, err := f.next.DataLabelingJob(ctx, id)
	if err == nil {
		f.keep(id, job)
	}
	return job, err
}

// recall returns the answer in memory, nil where it is too old or not there.
func (f *Fresh) recall(id string) *zuora.DataLabelingJob {
	f.mu.Lock()
	defer f.mu.Unlock()
	job := f.configured[id]
	if job == nil {
		job = f.probed[id]
	}
	if job == nil || !f.fresh(job, time.Now()) {
		return nil
	}
	return job
}

func (f *Fresh) fresh(job *zuora.DataLabelingJob, now time.Time) bool {
	interval := f.refresh
	if job.Status == zuora.Completed {
		interval = max(interval, f.completed)
	}
	return now.Sub(job.ReceivedAt) < interval
}

func (f *Fresh) keep(id string, job *zuora.DataLabelingJob) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if !f.fresh(job, now) {
		return
	}
	if _, ok := f.configured[id]; ok {
		f.configured[id] = job
		return
	}
	if full := len(f.probed) >= maxProbed; full || now.Sub(f.swept) >= time.Minute {
		f.swept = now
		for id, job := range f.probed {
			if !f.fresh(job, now) {
				delete(f.probed, id)
			}
		}
	}
	if len(f.probed) < maxProbed {
		f.probed[id] = job
	}
}
