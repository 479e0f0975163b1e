package collector

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// reader is a Reader in a function.
type reader func(ctx context.Context, id string) (*zuora.DataLabelingJob, error)

func (f reader) DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
	return f(ctx, id)
}

// apiState is an APIState that tells what it holds.
type apiState struct {
	limits zuora.Limits
	paused map[string]time.Time
	mu     sync.Mutex
	token  zuora.TokenState
}

func (s *apiState) Limits() zuora.Limits              { return s.limits }
func (s *apiState) PausedUntil() map[string]time.Time { return s.paused }
func (s *apiState) Token() zuora.TokenState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

func (s *apiState) set(token zuora.TokenState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
}

func completed() (*zuora.DataLabelingJob, error) {
	return &zuora.DataLabelingJob{
		Status: zuora.Completed, ObjectType: "Account",
		Labeled: new(int64(9)), Failed: new(int64(1)), Timeout: new(int64(1)), Total: new(int64(11)),
		ReceivedAt: time.Now(),
	}, nil
}

func failed(reason zuora.Reason) (*zuora.DataLabelingJob, error) {
	return nil, &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: reason, Message: "because"}
}

// newCollector returns a collector of one tenant with jobs of the given ids.
func newCollector(logger log.Logger, workers int, r reader, ids ...string) *Collector {
	return New([]Tenant{newTestTenant(workers, r, ids...)}, nil, logger, nil)
}

func newTestTenant(workers int, r reader, ids ...string) Tenant {
	t := Tenant{Name: "t", Reader: &r, Metrics: NewAPIMetrics("t"), MaxConcurrentRequests: workers}
	for _, id := range ids {
		t.Jobs = append(t.Jobs, Job{ID: id})
	}
	return t
}

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("job-%03d", i)
	}
	return all
}

// expect compares the named metrics of one scrape, whose names may leave out
// what all job metrics begin with.
func expect(t *testing.T, s any, want string, names ...string) {
	t.Helper()
	for i, name := range names {
		if !strings.HasPrefix(name, "zuora_") {
			names[i] = "zuora_data_labeling_job_" + name
		}
	}
	// The comparison wants HELP and TYPE, which TestPageIsAsPromised sees to.
	var got []string
	families := gathered(t, s)
	for _, f := range families {
		for _, name := range names {
			if f.GetName() != name {
				continue
			}
			for _, m := range f.GetMetric() {
				labels := make([]string, 0, len(m.GetLabel()))
				for _, l := range m.GetLabel() {
					labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
				}
				got = append(got, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(name, "zuora_data_labeling_job_"), strings.Join(labels, ","), m.GetGauge().GetValue()))
			}
		}
	}
	if g, w := strings.Join(got, "\n"), strings.TrimSpace(want); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// gathered returns what a Probe gathers, or a Scrape: as much as a registry that
// checks everything.
func gathered(t *testing.T, s any) []*dto.MetricFamily {
	t.Helper()
	scrape, ok := s.(Scrape)
	if !ok {
		families, err := s.(prometheus.Gatherer).Gather()
		if err != nil {
			t.Error(err)
		}
		return families
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(scrape)
	families, err := registry.Gather()
	if err != nil {
		t.Error(err)
	}
	return families
}

// probe returns a probe that was read.
func probe(t *testing.T, ctx context.Context, c *Collector, id string) *Probe {
	t.Helper()
	p, err := c.Probe("", id)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Read(ctx); err != nil {
		t.Fatal(err)
	}
	return p
}
