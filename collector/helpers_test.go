package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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

// api is an API that tells what it holds.
type api struct {
	closed atomic.Int64 // how often idle connections were
	limits zuora.Limits
	paused map[string]time.Time
	mu     sync.Mutex
	token  zuora.TokenState
	next   zuora.TokenState
}

func (s *api) Limits() zuora.Limits              { return s.limits }
func (s *api) PausedUntil() map[string]time.Time { return s.paused }
func (s *api) Token() zuora.TokenState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// CheckToken has the token that is next, if there is one.
func (s *api) CheckToken(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != (zuora.TokenState{}) {
		s.token = s.next
	}
	return nil
}

func (s *api) CloseIdleConnections() { s.closed.Add(1) }

func (s *api) set(token zuora.TokenState) {
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
		t.Jobs = append(t.Jobs, ConfiguredJob{ID: id})
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

// expect compares the named metrics of one scrape or probe, whose names may
// leave out what all job metrics begin with.
func expect(t *testing.T, c prometheus.Collector, want string, names ...string) {
	t.Helper()
	for i, name := range names {
		if !strings.HasPrefix(name, "zuora_") {
			names[i] = "zuora_data_labeling_job_" + name
		}
	}
	// The comparison wants HELP and TYPE, which the golden page sees to.
	var got []string
	for _, f := range gathered(t, c) {
		if !slices.Contains(names, f.GetName()) {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := make([]string, 0, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			got = append(got, fmt.Sprintf("%s{%s} %v", strings.TrimPrefix(f.GetName(), "zuora_data_labeling_job_"), strings.Join(labels, ","), m.GetGauge().GetValue()))
		}
	}
	if g, w := strings.Join(got, "\n"), strings.TrimSpace(want); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

// gathered collects from a registry that checks everything.
func gathered(t *testing.T, c prometheus.Collector) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Error(err)
	}
	return families
}

// scrape collects with a timeout.
func scrape(t *testing.T, c *Collector, timeout time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	gathered(t, c.Scrape(ctx))
}

// success returns, for each job, the value of scrape_success.
func success(t *testing.T, c prometheus.Collector) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, f := range gathered(t, c) {
		if f.GetName() != "zuora_data_labeling_job_scrape_success" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == labelJobID {
					values[l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	return values
}

// newProbe returns a probe of a job of the only tenant.
func newProbe(t *testing.T, ctx context.Context, c *Collector, id string) *Probe {
	t.Helper()
	p, err := c.Probe(ctx, "", id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// jobID returns the id of job n.
func jobID(n int) string { return fmt.Sprintf("%032d", n) }

// hang is a Reader whose requests end by a timeout of a minute.
func hang(context.Context, string) (*zuora.DataLabelingJob, error) {
	time.Sleep(time.Minute)
	return failed(zuora.ReasonTimeout)
}
