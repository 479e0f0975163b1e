package server

import (
	"cmp"
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"

	"github.com/zuora-exporter/zuora_exporter/internal/migration"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

//go:embed landing.html
var landingHTML string

var landingTemplate = template.Must(template.New("landing").Funcs(template.FuncMap{
	"age":      age,
	"count":    count,
	"grouped":  migration.Grouped,
	"progress": progress,
	"relative": func(path string) string { return strings.TrimPrefix(path, "/") }, // a proxy may serve below a path
}).Parse(landingHTML))

// landingPage serves links, how far the jobs are, a table of them as last read,
// and a form for probes. exporter-toolkit's page has no place for the table.
func (s *server) landingPage(w http.ResponseWriter, _ *http.Request) {
	jobs := migration.Jobs(s.Collector().LastReads())
	sum := migration.Summarize(jobs)
	slices.SortStableFunc(jobs, func(a, b migration.Job) int { return cmp.Compare(urgency(a), urgency(b)) })
	rows := jobs[:min(len(jobs), maxRows)]
	for i := range rows {
		rows[i].Answer = cmp.Or(rows[i].Answer, new(zuora.DataLabelingJob)) // the template needs one
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The only error is that the client has left.
	_ = landingTemplate.Execute(w, struct {
		Options
		Version string
		migration.Summary
		Rows []migration.Job
		More int
	}{s.Options, version.Version, sum, rows, len(jobs) - len(rows)})
}

// maxRows bounds the table: nobody reads more, and a page of ten thousand jobs
// would be the largest thing in memory.
const maxRows = 1000

// urgency puts jobs with losses first, then those with an error.
func urgency(j migration.Job) int {
	switch {
	case j.Lost > 0:
		return 0
	case j.Failure != nil:
		return 1
	}
	return 2
}

// age is how long ago an answer came.
func age(received time.Time) string {
	if received.IsZero() {
		return "never read"
	}
	return model.Duration(time.Since(received).Truncate(time.Second)).String()
}

// count is empty if Zuora did not send it.
func count(n *int64) string {
	if n == nil {
		return ""
	}
	return migration.Grouped(*n)
}

// bar is a job's progress, in percent of its objects.
type bar struct {
	Labeled, Failed, Timeout float64
	Text                     string // the same in words
}

// progress returns nil if Zuora sent no total, a total of 0, or no other count.
// A count that it did not send is not named.
func progress(j *zuora.DataLabelingJob) *bar {
	if j.Total == nil || *j.Total == 0 {
		return nil
	}
	var sum int64
	var words []string
	note := func(n *int64, word string) int64 {
		if n == nil {
			return 0
		}
		sum += *n
		words = append(words, migration.Grouped(*n)+" "+word)
		return *n
	}
	labeled, failed, timeout := note(j.Labeled, "labeled"), note(j.Failed, "failed"), note(j.Timeout, "timed out")
	whole := max(*j.Total, sum) // counts may exceed the total; the bar does not
	switch len(words) {
	case 0:
		return nil
	case 3:
		words = append(words, migration.Grouped(whole-sum)+" remaining")
	}
	percent := func(n int64) float64 { return float64(n) / float64(whole) * 100 }
	return &bar{percent(labeled), percent(failed), percent(timeout), strings.Join(words, ", ")}
}
