package collector

import (
	"container/list"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

const (
	// maxProbed bounds the jobs that are known because they were probed.
	maxProbed = 10_000
	// probedFor is how long such a job is known after its last probe, or for
	// its refresh interval, if that is longer.
	probedFor = 15 * time.Minute
)

// known is what is known of a tenant: its jobs, configured or only probed, and
// how its reads go. It lives as long as the tenant's Reader stays the same.
type known struct {
	mu     sync.Mutex
	jobs   map[string]*job // by canonical id
	probed *list.List      // of the *job that are only probed, the last one first
	keep   time.Duration   // each of them, after its last probe

	scraping         atomic.Int32 // scrapes that read
	inProgress       int          // reads
	unansweredInARow int          // reads that ended without an answer of Zuora's
	down             bool         // the tenant

	journal
}

func newKnown() *known {
	return &known{jobs: map[string]*job{}, probed: list.New(), journal: journal{toLog: map[*job]endedRead{}}}
}

// configure returns the jobs of a configuration, in its order. Those that are
// configured no longer are known for as long as if they had been probed now.
func (k *known) configure(jobs []ConfiguredJob, refresh time.Duration) []*job {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep = max(probedFor, refresh)
	configured := make([]*job, len(jobs))
	stay := make(map[*job]bool, len(jobs))
	for i, c := range jobs {
		j := k.findOrAdd(c.ID)
		if j.id != c.ID { // its spelling was corrected
			k.forget(j)
			j = k.findOrAdd(c.ID)
		}
		if j.element != nil {
			k.probed.Remove(j.element)
			j.element = nil
		}
		configured[i], stay[j] = j, true
	}
	for _, j := range k.jobs {
		if j.element == nil && !stay[j] {
			j.element, j.touched, j.probed = k.probed.PushFront(j), time.Now(), false
		}
	}
	k.forgetOld()
	return configured
}

// touch returns the job with that id, which is probed now.
func (k *known) touch(id string) *job {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, isKnown := k.jobs[zuora.CanonicalJobID(id)]
	j := k.findOrAdd(id)
	switch {
	case !isKnown:
		j.element = k.probed.PushFront(j)
	case j.element != nil:
		k.probed.MoveToFront(j.element)
	}
	j.touched, j.probed = time.Now(), true
	k.forgetOld()
	return j
}

// forgetOld forgets the jobs whose last probe was too long ago, or that are too
// many. The caller holds the lock.
func (k *known) forgetOld() {
	for e := k.probed.Back(); e != nil; e = k.probed.Back() {
		oldest := e.Value.(*job)
		if k.probed.Len() <= maxProbed && time.Since(oldest.touched) < k.keep {
			return
		}
		k.forget(oldest)
	}
}

// forget gives up what is known of a job. The caller holds the lock.
func (k *known) forget(j *job) {
	if j.element != nil {
		k.probed.Remove(j.element)
	}
	delete(k.jobs, zuora.CanonicalJobID(j.id))
}

// findOrAdd returns the job with that id, a new one if it is not known. The caller
// holds the lock.
func (k *known) findOrAdd(id string) *job {
	key := zuora.CanonicalJobID(id)
	j := k.jobs[key]
	if j == nil {
		j = &job{id: id}
		k.jobs[key] = j
	}
	return j
}

// onlyProbed returns the jobs that are probed and not configured, the one
// probed last first.
func (k *known) onlyProbed() []*job {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetOld()
	var all []*job
	for e := k.probed.Front(); e != nil; e = e.Next() {
		if j := e.Value.(*job); j.probed {
			all = append(all, j)
		}
	}
	return all
}

// readBegins counts a read in progress.
func (k *known) readBegins() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inProgress++
}

// readEnds counts a read that has ended, and keeps it to be logged. idle is true
// if it was the last one in progress and the tenant is down: its connections
// may lead nowhere.
func (k *known) readEnds(j *job, answer *zuora.DataLabelingJob, err *zuora.Error) (idle bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inProgress--
	k.unansweredInARow++
	if err == nil || zuorasWord(err) {
		k.unansweredInARow, k.down = 0, false
	}
	if err == nil || !concernsTenant(err) {
		k.toLog[j] = endedRead{answer, err}
	}
	return k.down && k.inProgress == 0
}

// wordsOfZuora are the reasons with which Zuora itself answers about a job.
var wordsOfZuora = []zuora.Reason{zuora.ReasonNotFound, zuora.ReasonRefused}

// zuorasWord tells whether a failure is Zuora's own word about the job.
func zuorasWord(err *zuora.Error) bool {
	return err.Operation != zuora.OperationToken && slices.Contains(wordsOfZuora, err.Reason)
}
