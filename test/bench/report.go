package main

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"
)

//go:embed report.md.tmpl
var reportText string

var report = template.Must(template.New("report").Funcs(template.FuncMap{
	"short": short, "grouped": grouped, "bytes": size,
	"ratio": func(f figures, s scenario, over, column string) string {
		other, ok := s.find(over)
		if !ok || f.Name == over {
			return ""
		}
		if column == "wall" {
			return ratio(f.Wall, other.Wall)
		}
		return ratio(f.CPU, other.CPU)
	},
}).Parse(reportText))

// markdown is the report: what docs/performance.md holds.
func (r *results) markdown() (string, error) {
	var b strings.Builder
	err := report.Execute(&b, r)
	return b.String(), err
}

// ratio has three digits, as none of the figures is exact to more.
func ratio(a, b time.Duration) string {
	q := float64(a) / float64(b)
	if q < 0.1 {
		return fmt.Sprintf("1/%.0f", 1/q)
	}
	return fmt.Sprintf("%.2f", q)
}

// short is a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.3g s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.3g µs", d.Seconds()*1e6)
}

// grouped is a whole number as one reads it: 10,000.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func size(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.3g MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.3g KiB", float64(n)/(1<<10))
	case n == 0:
		return ""
	}
	return fmt.Sprintf("%d B", n)
}
