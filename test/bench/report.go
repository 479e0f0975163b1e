package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"text/template"
	"time"
)

//go:embed report.md.tmpl
var reportText string

// report writes docs/performance.md: what a user wants to know.
func (b *bench) report(ctx context.Context, path string, scenarios []scenario) error {
	t, err := template.New("report").Funcs(template.FuncMap{"grouped": grouped, "bytes": size}).Parse(reportText)
	if err != nil {
		return err
	}
	cpu, err := field("/proc/cpuinfo", "model name")
	if err != nil {
		return err
	}
	commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return err
	}
	modules, err := exec.CommandContext(ctx, "go", "version", "-m", b.jsonExporter).Output()
	if err != nil {
		return err
	}
	_, version, _ := strings.Cut(string(modules), "github.com/prometheus-community/json_exporter\tv")
	version, _, _ = strings.Cut(version, "\t")

	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return t.Execute(file, map[string]any{
		"Date": time.Now().UTC().Format(time.DateOnly), "CPU": cpu, "CPUs": runtime.NumCPU(), "Go": runtime.Version(),
		"Commit": strings.TrimSpace(string(commit)), "JSONExporter": version, "Workers": b.workers, "Rounds": b.rounds, "Scenarios": scenarios,
		"Names": map[string]string{scrape: "exporter", probe: "exporter, `/probe`", jsonExporter: "json_exporter"},
	})
}

// What the report says of a subject: medians over the rounds.

func (f figures) Wall() string {
	return short(median(f.samples, func(s sample) time.Duration { return s.wall }))
}
func (f figures) CPU() string { return short(median(f.samples, cpu)) }
func (f figures) Size() string {
	return size(median(f.samples, func(s sample) int64 { return s.size }))
}

func (f figures) Tokens() string {
	return grouped(median(f.samples, func(s sample) int { return s.tokens }))
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

// grouped is a number with separators: 10,000.
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
	}
	return fmt.Sprintf("%d B", n)
}
