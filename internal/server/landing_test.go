package server

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// answers is a Reader that has an answer for some ids.
type answers map[string]zuora.DataLabelingJob

func (a answers) DataLabelingJob(_ context.Context, id string) (*zuora.DataLabelingJob, error) {
	if j, ok := a[id]; ok {
		return &j, nil
	}
	return nil, &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonNotFound, Message: "The job does not exist"}
}

// The page begins with the sums, and has the jobs with losses first, then those
// with an error; probed jobs too. Its links work below any path of a proxy.
func TestLandingPage(t *testing.T) {
	n := func(i int64) *int64 { return &i }
	id := func(i int) string { return fmt.Sprintf("%032d", i) }
	reader := answers{
		id(1): {Status: zuora.Completed, Labeled: n(2000), Failed: n(0), Timeout: n(0), Total: n(2000)},
		id(3): {Status: zuora.Dispatched, Labeled: n(5), Failed: n(3), Timeout: n(0), Total: n(2000)},
		id(4): {Status: zuora.Completed, Labeled: n(9), Failed: n(1), Timeout: n(1), Total: n(11)},
		id(5): {Status: zuora.Completed, Labeled: n(2), Failed: n(0), Timeout: n(0), Total: n(2)},
	}
	tenant := collector.Tenant{Name: "t", Reader: &reader, Metrics: collector.NewAPIMetrics("t"), MaxConcurrentRequests: 1}
	for i := 1; i <= 5; i++ {
		tenant.Jobs = append(tenant.Jobs, collector.ConfiguredJob{ID: id(i), Labels: map[string]string{"repairs": map[bool]string{true: id(4)}[i == 5]}})
	}
	c := collector.New([]collector.Tenant{tenant}, []string{"repairs"}, log.NewNopLogger(), nil)
	handler, err := New(Options{TelemetryPath: "/metrics", EnablePprof: true, Logger: log.NewNopLogger(), Collector: func() *collector.Collector { return c }})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w.Body.String()
	}
	get("/metrics")
	get("/probe?target=" + id(6))
	page := get("/")
	for _, want := range []string{
		"<dt>Jobs</dt><dd>6</dd>", "<dt>Finished</dt><dd>3</dd>", "<dt>Objects lost</dt><dd>3<small>at least; jobs not read: 2</small></dd>",
		"<dt>Not labeled yet</dt><dd>1,992</dd>", "<dt>Jobs not read</dt><dd>2</dd>",
		`Dispatched <span class="note">lost 3</span>`, `Completed <span class="note">repaired</span>`, "only probed",
		`<span class="error">not_found: The job does not exist</span>`, "never read", `class="n failed">3<`, `class="n">0<`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("got no %q in\n%s", want, page)
		}
	}
	var order []string
	for _, m := range regexp.MustCompile(`<code>0*(\d+)</code>`).FindAllStringSubmatch(page, -1) {
		order = append(order, m[1])
	}
	if got, want := strings.Join(order, " "), "3 2 6 1 4 5"; got != want {
		t.Errorf("got the jobs in the order %s, want %s", got, want)
	}
	if absolute := regexp.MustCompile(`(href|action)="/[^"]*"`).FindAllString(page, -1); len(absolute) > 0 {
		t.Errorf("got absolute links, want none: %v", absolute)
	}
}

// The bar shows, and names, nothing that Zuora did not send.
func TestProgress(t *testing.T) {
	n := func(i int64) *int64 { return &i }
	for name, tc := range map[string]struct {
		job  zuora.DataLabelingJob
		want string // "" for no bar
	}{
		"all counts":       {zuora.DataLabelingJob{Labeled: n(5), Failed: n(2), Timeout: n(1), Total: n(10)}, "5 labeled, 2 failed, 1 timed out, 2 remaining"},
		"many":             {zuora.DataLabelingJob{Labeled: n(1234567), Failed: n(1000), Timeout: n(999), Total: n(2000000)}, "1,234,567 labeled, 1,000 failed, 999 timed out, 763,434 remaining"},
		"more than all":    {zuora.DataLabelingJob{Labeled: n(50), Failed: n(0), Timeout: n(0), Total: n(10)}, "50 labeled, 0 failed, 0 timed out, 0 remaining"},
		"one count":        {zuora.DataLabelingJob{Failed: n(3), Total: n(10)}, "3 failed"},
		"no count":         {zuora.DataLabelingJob{Total: n(10)}, ""},
		"no total":         {zuora.DataLabelingJob{Labeled: n(5)}, ""},
		"nothing to label": {zuora.DataLabelingJob{Labeled: n(0), Total: n(0)}, ""},
	} {
		got := ""
		if b := progress(&tc.job); b != nil {
			got = b.Text
			if b.Labeled+b.Failed+b.Timeout > 100 {
				t.Errorf("%s: got a bar of %+v, want at most 100 %%", name, b)
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		o    Options
		want string // a part of the error; "" if there is none
	}{
		"root":                  {Options{TelemetryPath: "/"}, ""},
		"two levels":            {Options{TelemetryPath: "/zuora/metrics"}, ""},
		"profiles that are off": {Options{TelemetryPath: "/debug/pprof/heap"}, ""},
		"no path":               {Options{}, "clean path"},
		"no slash":              {Options{TelemetryPath: "metrics"}, "clean path"},
		"a slash at the end":    {Options{TelemetryPath: "/metrics/"}, "clean path"},
		"two slashes":           {Options{TelemetryPath: "//metrics"}, "clean path"},
		"dots":                  {Options{TelemetryPath: "/a/../b"}, "clean path"},
		"a dot":                 {Options{TelemetryPath: "/./m"}, "clean path"},
		"a dot at the end":      {Options{TelemetryPath: "/metrics/."}, "clean path"},
		"an escape":             {Options{TelemetryPath: "/prob%65"}, "clean path"},
		"a query":               {Options{TelemetryPath: "/a?b"}, "clean path"},
		"a pattern":             {Options{TelemetryPath: "/{a}"}, "clean path"},
		"the end of a pattern":  {Options{TelemetryPath: "/{$}"}, "clean path"},
		"a space":               {Options{TelemetryPath: "/a b"}, "clean path"},
		"taken":                 {Options{TelemetryPath: "/probe"}, "is taken"},
		"taken for POST":        {Options{TelemetryPath: "/-/reload"}, "is taken"},
		"taken by profiles":     {Options{TelemetryPath: "/debug/pprof/heap", EnablePprof: true}, "is taken"},
		"an offset below 0":     {Options{TelemetryPath: "/metrics", TimeoutOffset: -1}, "is below 0"},
	} {
		_, err := New(tc.o)
		if got := fmt.Sprint(err); tc.want == "" && err != nil || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got the error %v, want %q", name, err, tc.want)
		}
	}
}
