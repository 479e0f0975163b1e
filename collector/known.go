package collector

import (
	"container/list"
	"slices"
	"sync"
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
// how its reads go. It lives as long as the tenant's client does.
type known struct {
	mu     sync.Mutex
	jobs   map[string]*job // by canonical id
	probed *list.List      // of the *job that are only probed, the last one first

	reads      uint64 // that have ended
	inProgress int
	unanswered int  // reads in a row without an answer of Zuora's
	down       bool // the tenant, as of the newest scrape

	journal
}

func newKnown() *known {
	return &known{jobs: map[string]*job{}, probed: list.New()}
}

// configure returns the jobs of a configuration, in its order. Those that are
// configured no longer are known as if they had been probed just now.
func (k *known) configure(jobs []ConfiguredJob) []*job {
	k.mu.Lock()
	defer k.mu.Unlock()
	configured := make([]*job, len(jobs))
	stay := make(map[*job]bool, len(jobs))
	for i, c := range jobs {
		j := k.find(c.ID)
		if j.id != c.ID { // its spelling was corrected
			k.forget(j)
			j = k.find(c.ID)
		}
		if j.element != nil {
			k.probed.Remove(j.element)
			j.element = nil
		}
		configured[i], stay[j] = j, true
	}
	for _, j := range k.jobs {
		if j.element == nil && !stay[j] {
			j.element, j.probed = k.probed.PushFront(j), time.Now()
		}
	}
	return configured
}

// probe returns the job with that id, and forgets those whose last probe was
// too long ago.
func (k *known) probe(id string, keep time.Duration) *job {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	_, isKnown := k.jobs[zuora.CanonicalJobID(id)]
	j := k.find(id)
	switch {
	case !isKnown:
		j.element = k.probed.PushFront(j)
	case j.element != nil:
		k.probed.MoveToFront(j.element)
	}
	j.probed = now
	for e := k.probed.Back(); e != nil; e = k.probed.Back() {
		oldest := e.Value.(*job)
		if k.probed.Len() <= maxProbed && now.Sub(oldest.probed) < keep {
			break
		}
		k.forget(oldest)
	}
	return j
}

// forget gives up what is known of a job. The caller holds the lock.
func (k *known) forget(j *job) {
	if j.element != nil {
		k.probed.Remove(j.element)
	}
	delete(k.jobs, zuora.CanonicalJobID(j.id))
}

// find returns the job with that id, a new one if it is not known. The caller
// holds the lock.
func (k *known) find(id string) *job {
	key := zuora.CanonicalJobID(id)
	j := k.jobs[key]
	if j == nil {
		j = &job{id: id}
		k.jobs[key] = j
	}
	return j
}

// onlyProbed returns the jobs that are not configured, the one probed last
// first.
func (k *known) onlyProbed() []*job {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*job
	for e := k.probed.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*job))
	}
	return all
}

// readBegins counts a read in progress.
func (k *known) readBegins() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inProgress++
}

// readEnds counts a read that has ended, and returns its number. idle is true
// if it was the last one in progress and the tenant is down: its connections
// may lead nowhere.
func (k *known) readEnds(j *job, answer *zuora.DataLabelingJob, err *zuora.Error) (number uint64, idle bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inProgress--
	k.reads++
	k.unanswered++
	if err == nil || zuorasWord(err) {
		k.unanswered, k.down = 0, false
	}
	if err == nil || !concernsTenant(err) {
		k.ended = append(k.ended, endedRead{j, answer, err})
	}
	return k.reads, k.down && k.inProgress == 0
}

// wordsOfZuora are the reasons with which Zuora itself answers about a job.
var wordsOfZuora = []zuora.Reason{zuora.ReasonNotFound, zuora.ReasonRefused}

// zuorasWord tells whether a failure is Zuora's own word about the job.
func zuorasWord(err *zuora.Error) bool {
	return err.Operation != zuora.OperationToken && slices.Contains(wordsOfZuora, err.Reason)
}
