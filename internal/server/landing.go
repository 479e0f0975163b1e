package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

//go:embed landing.html
var jobsHTML string

var jobsTemplate = template.Must(template.New("jobs").Parse(jobsHTML))

// landingPage serves the toolkit's landing page with a table of the configured
// jobs as last read. The toolkit renders a page once and inserts its extra HTML
// unescaped. So each request makes a page of its own, with a table that
// html/template has escaped.
func (s *server) landingPage(w http.ResponseWriter, r *http.Request) {
	c, done := s.Use()
	known := c.LastReads()
	done()
	var table bytes.Buffer
	shown := worstFirst(known)
	if err := jobsTemplate.Execute(&table, struct {
		Rows []row
		More int
	}{rows(shown, time.Now()), len(known) - len(shown)}); err != nil {
		level.Error(s.Logger).Log("msg", "Making the landing page failed", "err", err)
		http.Error(w, "the table of jobs could not be made", http.StatusInternalServerError)
		return
	}
	page, err := web.NewLandingPage(web.LandingConfig{
		Name:        "Zuora Exporter",
		Description: "Prometheus exporter for Zuora's data labeling jobs",
		Version:     version.Version,
		Profiling:   strconv.FormatBool(s.EnablePprof),
		Links: []web.LandingLinks{
			{Address: s.TelemetryPath, Text: "Metrics", Description: "all configured jobs, and the exporter itself"},
			{Address: "/-/healthy", Text: "Health", Description: "answers while the exporter runs"},
			{Address: "/-/ready", Text: "Readiness", Description: "answers once the exporter can be scraped"},
		},
		Form: web.LandingForm{Action: "/probe", Inputs: []web.LandingFormInput{
			{Label: "Job", Type: "text", Name: "target", Placeholder: "32 characters"},
			{Label: "Tenant", Type: "text", Name: "tenant"},
		}},
		ExtraHTML: table.String(),
	})
	if err != nil {
		level.Error(s.Logger).Log("msg", "Making the landing page failed", "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	page.ServeHTTP(w, r)
}

// row is a job in the table. Unknown fields are empty.
type row struct {
	Tenant, JobID, ObjectType, Status string
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

// worstFirst returns all jobs in their order. If they are too many, it returns
// as many as the table takes, those that could not be read first.
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
		if j := k.Answer; j != nil {
			r.ObjectType, r.Status = j.ObjectType, j.Status
			r.Labeled, r.Failed, r.Timeout, r.Total = number(j.Labeled), number(j.Failed), number(j.Timeout), number(j.Total)
			r.Age = now.Sub(j.ReceivedAt).Round(time.Second).String()
			r.Bar = progress(j)
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
	return strconv.FormatInt(*n, 10)
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
			words = append(words, fmt.Sprintf("%d %s", *c.n, c.word))
		}
	}
	switch len(words) {
	case 0:
		return nil
	case len(counts):
		// As floats: the sum of two counts may exceed an int64.
		words = append(words, fmt.Sprintf("%.0f remaining", max(0, float64(*j.Total)-sum)))
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
