package server

import (
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/version"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

//go:embed landing.html
var landingHTML string

var landingTemplate = template.Must(template.New("landing").Parse(landingHTML))

// landingPage serves links, a table of the configured jobs as last read, and a
// form for probes. exporter-toolkit's page has no place for the table.
func (s *server) landingPage(w http.ResponseWriter, _ *http.Request) {
	known := s.Collector().LastReads()
	shown := worstFirst(known)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The only error is that the client has left.
	_ = landingTemplate.Execute(w, struct {
		Options
		Version string
		Rows    []row
		More    int
	}{s.Options, version.Version, rows(shown, time.Now()), len(known) - len(shown)})
}

// row is a job in the table. Unknown fields are empty.
type row struct {
	Tenant, JobID, ObjectType, Status string
	Labels                            []string // name: value
	Losses                            bool     // completed, but not all was labeled
	Labeled, Failed, Timeout, Total   string
	Age, Error                        string
	Bar                               *bar
}

// bar is a job's progress, in percent of its objects.
type bar struct {
	Labeled, Failed, Timeout float64
	Text                     string // the same in words
}

// maxRows bounds the table: nobody reads more, and a page of ten thousand jobs
// would be the largest thing in memory.
const maxRows = 1000

// worstFirst returns all jobs in their order. If they are too many, it reorders
// them and returns as many as the table takes, those that could not be read
// first.
func worstFirst(known []collector.LastRead) []collector.LastRead {
	if len(known) <= maxRows {
		return known
	}
	slices.SortStableFunc(known, func(a, b collector.LastRead) int {
		switch {
		case (a.Failure == nil) == (b.Failure == nil):
			return 0
		case a.Failure != nil:
			return -1
		}
		return 1
	})
	return known[:maxRows]
}

func rows(known []collector.LastRead, now time.Time) []row {
	all := make([]row, 0, len(known))
	for _, k := range known {
		r := row{Tenant: k.Tenant, JobID: k.Job.ID, Age: "never read"}
		for _, name := range slices.Sorted(maps.Keys(k.Job.Labels)) {
			r.Labels = append(r.Labels, name+": "+k.Job.Labels[name])
		}
		if j := k.Answer; j != nil {
			r.ObjectType, r.Status = j.ObjectType, j.Status
			r.Labeled, r.Failed, r.Timeout, r.Total = number(j.Labeled), number(j.Failed), number(j.Timeout), number(j.Total)
			r.Age = now.Sub(j.ReceivedAt).Round(time.Second).String()
			r.Bar = progress(j)
			r.Losses = j.Status == zuora.Completed && (j.Failed != nil && *j.Failed > 0 || j.Timeout != nil && *j.Timeout > 0)
		}
		if k.Failure != nil {
			r.Error = fmt.Sprintf("%s: %s", k.Failure.Reason, k.Failure)
		}
		all = append(all, r)
	}
	return all
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return grouped(*n)
}

// grouped writes a count with separators, such as 1,234,567.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// progress returns nil if Zuora sent no total, a total of 0, or no other count.
// A count that it did not send is not named.
func progress(j *zuora.DataLabelingJob) *bar {
	if j.Total == nil || *j.Total == 0 {
		return nil
	}
	var b bar
	var sum float64
	var words []string
	counts := []struct {
		n       *int64
		percent *float64
		word    string
	}{{j.Labeled, &b.Labeled, "labeled"}, {j.Failed, &b.Failed, "failed"}, {j.Timeout, &b.Timeout, "timed out"}}
	for _, c := range counts {
		if c.n != nil {
			sum += float64(*c.n)
			words = append(words, grouped(*c.n)+" "+c.word)
		}
	}
	switch len(words) {
	case 0:
		return nil
	case len(counts):
		// As a float, because the sum of two counts may exceed an int64.
		words = append(words, grouped(int64(max(0, float64(*j.Total)-sum)))+" remaining")
	}
	whole := max(float64(*j.Total), sum) // counts may exceed the total; the bar does not
	for _, c := range counts {
		if c.n != nil {
			*c.percent = float64(*c.n) / whole * 100
		}
	}
	b.Text = strings.Join(words, ", ")
	return &b
}
