package checks

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"
)

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: got the files %q (error %v), want at least one", pattern, files, err)
	}
	return files
}

// reference returns the labels of the exporter's metrics by the metrics' names.
// It reads docs/metrics.md, which test/e2e compares with the page.
func reference(t *testing.T) map[string][]string {
	t.Helper()
	known := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| \\w+ \\| ([^|]*) \\|").FindAllStringSubmatch(read(t, "../../docs/metrics.md"), -1) {
		known[row[1]] = []string{}
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(row[2], -1) {
			known[row[1]] = append(known[row[1]], label[1])
		}
	}
	if len(known) < 20 {
		t.Fatalf("got %d metrics in docs/metrics.md, want at least 20", len(known))
	}
	return known
}

// dashboard is what the tests read of a dashboard.
type dashboard struct {
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
		}
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	all := map[string]dashboard{}
	for _, file := range glob(t, "../../dashboards/*.json") {
		var d dashboard
		if err := json.Unmarshal([]byte(read(t, file)), &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[file] = d
	}
	return all
}

// panels returns the expressions of all panels.
func panels(t *testing.T) (all []expression) {
	t.Helper()
	for file, d := range dashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				all = append(all, expression{file + ": " + p.Title, target.Expr})
			}
		}
	}
	return all
}

// variables returns the expressions of all variables and annotations.
func variables(t *testing.T) (all []expression) {
	t.Helper()
	query := regexp.MustCompile(`^label_values\((.*), (\$?\w+)\)$`)
	for file, d := range dashboards(t) {
		for _, a := range d.Annotations.List {
			all = append(all, expression{file + ": " + a.Name, a.Expr})
		}
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			expr, _ := v.Query.(map[string]any)["query"].(string)
			m := query.FindStringSubmatch(expr)
			if m == nil {
				t.Fatalf("%s: the variable %s asks %q", file, v.Name, expr)
			}
			// The label must be one of the metric's, too.
			all = append(all, expression{file + ": " + v.Name, "sum by (" + m[2] + ") (" + m[1] + ")"})
		}
	}
	return all
}

func ruleFiles(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	for _, file := range glob(t, "../../alerts/*.rules.yml") {
		var groups rulefmt.RuleGroups
		if err := yaml.Unmarshal([]byte(read(t, file)), &groups); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, g := range groups.Groups {
			all = append(all, g.Rules...)
		}
	}
	if len(all) == 0 {
		t.Fatal("no rules")
	}
	return all
}

func rules(t *testing.T) (all []expression) {
	t.Helper()
	for _, r := range ruleFiles(t) {
		all = append(all, expression{"the rule " + r.Record + r.Alert, r.Expr})
	}
	return all
}

// recorded adds the metrics of recording rules. They have the labels that are
// named in their expressions, and those of the metrics there.
func recorded(t *testing.T, known map[string][]string) {
	t.Helper()
	word := regexp.MustCompile(`[\w:]+`)
	for _, r := range ruleFiles(t) {
		if r.Record != "" {
			has := word.FindAllString(r.Expr, -1)
			for _, name := range has {
				has = append(has, known[name]...)
			}
			known[r.Record] = append(known[r.Record], has...)
		}
	}
}

// markdown returns all documents.
func markdown(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." && d.Name() != ".github" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 15 {
		t.Fatalf("got %d documents (error %v), want at least 15", len(files), err)
	}
	return files
}

// documents returns the blocks of PromQL in documents.
func documents(t *testing.T) (all []expression) {
	t.Helper()
	for _, file := range markdown(t) {
		for _, block := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(read(t, file), -1) {
			all = append(all, expression{file, block[1]})
		}
	}
	if len(all) == 0 {
		t.Fatal("no PromQL in the documents")
	}
	return all
}
