package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// The page begins with the sums, and has the jobs with losses first, then those
// with an error; probed jobs too. A job's bar shows, and names, nothing that Zuora
// did not send. The links work below any path of a proxy.
func TestLandingPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := func(i int64) *int64 { return &i }
		configured := jobs(11)
		ids := func(i int) string { return configured[i].ID }
		answers := map[string]zuora.DataLabelingJob{
			ids(1): {Status: zuora.Completed, ObjectType: "User", Labeled: n(2000), Failed: n(0), Timeout: n(0), Total: n(2000)},
			ids(3): {Status: zuora.Dispatched, Labeled: n(5), Failed: n(3), Timeout: n(0), Total: n(2000)},
			ids(4): {Status: zuora.Completed, Labeled: n(9), Failed: n(1), Timeout: n(1), Total: n(11)},
			ids(5): {Status: zuora.Completed, Labeled: n(30), Failed: n(0), Timeout: n(0), Total: n(2)},
			ids(6): {Status: zuora.Dispatched, Failed: n(1), Total: n(10)},
			ids(7): {Status: zuora.Accepted, Labeled: n(5)},
			ids(8): {Status: zuora.Accepted, Total: n(10)},
			ids(9): {Status: zuora.Completed, Labeled: n(0), Total: n(0)},
		}
		configured[5].Labels = map[string]string{"repairs": ids(4)}
		handler := newHandler(t, Options{EnablePprof: true}, func(id string) (*zuora.DataLabelingJob, error) {
			if j, ok := answers[id]; ok {
				j.ReceivedAt = time.Now()
				return &j, nil
			}
			return nil, &zuora.Error{Operation: zuora.OperationDataLabelingJob, Reason: zuora.ReasonNotFound, Message: "The job does not exist"}
		}, configured[1:10]...)
		get := func(path string) string {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			return w.Body.String()
		}
		get("/metrics")
		get("/probe?target=" + ids(10))
		time.Sleep(90 * time.Second)
		page := get("/")
		if absolute := regexp.MustCompile(`(href|action)="/[^"]*"`).FindAllString(page, -1); len(absolute) > 0 || !strings.Contains(page, "debug/pprof/heap") {
			t.Errorf("got the absolute links %v, want none, and one to the profiles", absolute)
		}
		if full := `style="width: 100%"`; strings.Count(page, full) != 2 || !strings.Contains(page, `class="n failed">3<`) || !strings.Contains(page, `class="n">0<`) {
			t.Errorf("got\n%s\nwant two bars that are full, and counts of failures marked unless they are 0", page)
		}
		// What one reads: a line for each sum and job, and the words of its bar.
		_, page, _ = strings.Cut(page, "<dl")
		page, _, _ = strings.Cut("<dl"+page, "</table>")
		var got []string
		for _, row := range regexp.MustCompile(`(?s)<div[^>]*><dt>.*?</div>|<tr.*?</tr>`).FindAllString(page, -1) {
			row = regexp.MustCompile(`title="([^"]*)"[^>]*`).ReplaceAllString(row, ">$1<")
			got = append(got, strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>|00000+`).ReplaceAllString(row, " ")), " "))
		}
		const want = `Jobs 10
Finished 4
Objects lost 4 at least; jobs not read: 2
Not labeled yet 2,011 and running jobs without a total: 1
Jobs not read 2
Tenant Job Object type Status Progress Labeled Failed Timed out Total Age Last error
t 3 Dispatched lost 3 5 labeled, 3 failed, 0 timed out, 1,992 remaining 5 3 0 2,000 1m30s
t 6 Dispatched lost 1 1 failed 1 10 1m30s
t 2 never read not_found: The job does not exist
t a only probed never read not_found: The job does not exist
t 1 User Completed finished 2,000 labeled, 0 failed, 0 timed out, 0 remaining 2,000 0 0 2,000 1m30s
t 4 Completed repaired 9 labeled, 1 failed, 1 timed out, 0 remaining 9 1 1 11 1m30s
t 5 repairs: 4 Completed finished 30 labeled, 0 failed, 0 timed out, 0 remaining 30 0 0 2 1m30s
t 7 Accepted 5 1m30s
t 8 Accepted 10 1m30s
t 9 Completed finished 0 0 1m30s`
		if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		o    Options
		want string // a part of the error; "" if there is none
	}{
		"root":                  {Options{TelemetryPath: "/"}, ""},
		"profiles that are off": {Options{TelemetryPath: "/debug/pprof/heap"}, ""},
		"no path":               {Options{}, "clean path"},
		"no slash":              {Options{TelemetryPath: "metrics"}, "clean path"},
		"a slash at the end":    {Options{TelemetryPath: "/metrics/"}, "clean path"},
		"dots":                  {Options{TelemetryPath: "/a/../b"}, "clean path"},
		"an escape":             {Options{TelemetryPath: "/prob%65"}, "clean path"},
		"a pattern":             {Options{TelemetryPath: "/{a}"}, "clean path"},
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
