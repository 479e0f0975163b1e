package collector

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a collector of one tenant, t, whose Zuora the test plays.
type fixture struct {
	*Collector
	Tenant
	api    api
	asked  atomic.Int64 // requests
	zuora  atomic.Pointer[reader]
	logged strings.Builder
}

func newFixture(slots int, r reader, ids ...string) *fixture {
	f := &fixture{}
	f.api.token.Store(living())
	f.play(r)
	f.Tenant = Tenant{Name: "t", API: &f.api, Metrics: NewAPIMetrics("t"), MaxConcurrentRequests: slots}
	f.configure(ids...)
	f.changeClient()
	return f
}

// play changes how Zuora answers from now on.
func (f *fixture) play(r reader) { f.zuora.Store(&r) }

func (f *fixture) configure(ids ...string) {
	f.Jobs = nil
	for _, id := range ids {
		f.Jobs = append(f.Jobs, ConfiguredJob{ID: id})
	}
}

// reload makes a collector of the tenant as it is now.
func (f *fixture) reload(labelNames ...string) {
	logger := level.NewFilter(log.NewLogfmtLogger(log.NewSyncWriter(&f.logged)), level.AllowInfo())
	f.Collector = New([]Tenant{f.Tenant}, labelNames, logger, f.Collector)
}

// changeClient reloads with another Reader.
func (f *fixture) changeClient() {
	f.Reader = new(reader(func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		f.asked.Add(1)
		return (*f.zuora.Load())(ctx, id)
	}))
	f.reload()
}

// expectLog compares what was logged since the last time.
func (f *fixture) expectLog(t *testing.T, when, want string) {
	t.Helper()
	if got := strings.TrimSpace(f.logged.String()); got != want {
		t.Errorf("%s: logged\n%s\nwant\n%s", when, got, want)
	}
	f.logged.Reset()
}

// scrape tells which jobs' state is known within the timeout.
func (f *fixture) scrape(t *testing.T, timeout time.Duration) map[string]bool {
	t.Helper()
	return success(t, f.Scrape(within(t, timeout)))
}

// probe does the same for one job.
func (f *fixture) probe(t *testing.T, id string, timeout time.Duration) bool {
	t.Helper()
	return success(t, f.newProbe(t, id, timeout))[id]
}

func (f *fixture) newProbe(t *testing.T, id string, timeout time.Duration) *Probe {
	t.Helper()
	p, err := f.Probe(within(t, timeout), "", id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func within(t *testing.T, timeout time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	return ctx
}

// reader is a Reader in a function.
type reader func(ctx context.Context, id string) (*zuora.DataLabelingJob, error)

func (f reader) DataLabelingJob(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
	return f(ctx, id)
}

// good is a Reader of completed jobs.
func good(context.Context, string) (*zuora.DataLabelingJob, error) {
	return &zuora.DataLabelingJob{
		Status: zuora.Completed, ObjectType: "Account",
		Labeled: new(int64(9)), Failed: new(int64(1)), Timeout: new(int64(1)), Total: new(int64(11)),
		ReceivedAt: time.Now(),
	}, nil
}

// bad returns a Reader of jobs that fail.
func bad(reason zuora.Reason) reader {
	return func(context.Context, string) (*zuora.DataLabelingJob, error) {
		return nil, &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: reason, Message: "because"}
	}
}

// slowly returns a Reader that takes its time.
func slowly(takes time.Duration, r reader) reader {
	return func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		time.Sleep(takes)
		return r(ctx, id)
	}
}

// hang is a Reader whose requests end by a timeout of a minute.
var hang = slowly(time.Minute, bad(zuora.ReasonTimeout))

// some returns a Reader of some jobs, and of all others.
func some(those func(id string) bool, r, others reader) reader {
	return func(ctx context.Context, id string) (*zuora.DataLabelingJob, error) {
		if those(id) {
			return r(ctx, id)
		}
		return others(ctx, id)
	}
}

// api is an API that tells what it holds.
type api struct {
	limits zuora.Limits
	paused map[string]time.Time
	closed atomic.Int64 // how often idle connections were
	token  atomic.Pointer[zuora.TokenState]
	next   *zuora.TokenState // for CheckToken, nil if there is none
}

func (a *api) Limits() zuora.Limits              { return a.limits }
func (a *api) PausedUntil() map[string]time.Time { return a.paused }
func (a *api) CloseIdleConnections()             { a.closed.Add(1) }
func (a *api) Token() zuora.TokenState           { return *a.token.Load() }

func (a *api) CheckToken(context.Context) error {
	if a.next != nil {
		a.token.Store(a.next)
	}
	return nil
}

// living is the state of a token that lives.
func living() *zuora.TokenState { return &zuora.TokenState{Expiry: time.Now().AddDate(9, 0, 0)} }

// expect compares the named series of one scrape or probe.
func expect(t *testing.T, c prometheus.Collector, want string, names ...string) {
	t.Helper()
	if got, want := strings.Join(series(t, c, names...), "\n"), strings.TrimSpace(want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// success tells of each job whether its scrape_success is 1.
func success(t *testing.T, c prometheus.Collector) map[string]bool {
	t.Helper()
	values := map[string]bool{}
	for _, s := range series(t, c, "scrape_success") {
		values[strings.Split(s, `"`)[1]] = strings.HasSuffix(s, " 1")
	}
	return values
}

// series collects from a registry that checks everything. It returns the series
// of the metrics whose names are given, without what all job metrics begin with.
func series(t *testing.T, c prometheus.Collector, names ...string) (all []string) {
	t.Helper()
	const jobs = "zuora_data_labeling_job_"
	var full []string
	for _, name := range names {
		full = append(full, name, jobs+name) // one of them is its whole name
	}
	page, err := testutil.CollectAndFormat(c, expfmt.TypeTextPlain, full...)
	if err != nil {
		t.Error(err)
	}
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, strings.TrimPrefix(strings.TrimSpace(line), jobs))
		}
	}
	return all
}

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("job-%03d", i)
	}
	return all
}

// jobID returns the id of job n, which can be probed.
func jobID(n int) string { return fmt.Sprintf("%032d", n) }
