package testutil

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Rule is one of alerts/zuora.rules.yml: it has the name of a record or of an
// alert.
type Rule struct {
	Group, Record, Alert, Expr string
	Labels, Annotations        map[string]string
}

// Rules returns all rules, in their order.
func Rules(t testing.TB) (all []Rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []Rule
		}
	}
	if err := yaml.Unmarshal([]byte(Read(t, "alerts", "zuora.rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			r.Group = g.Name
			all = append(all, r)
		}
	}
	return all
}

// Dashboard is what the tests look at in one.
type Dashboard struct {
	UID          string
	Refresh      string
	GraphTooltip int
	Tags         []string
	Templating   struct {
		List []struct {
			Name, Label, Type, AllValue string
			Multi, IncludeAll           bool
			Refresh                     int
			Query                       any
		}
	}
	Annotations struct{ List []struct{ Name, Expr string } }
	Inputs      []any `json:"__inputs"`
	Panels      []struct {
		Type, Title, Description string
		Datasource               any
		FieldConfig              struct{ Defaults struct{ Unit string } }
		Targets                  []struct {
			RefID, Expr, LegendFormat string
			Instant                   bool
		}
	}
}

// Dashboards returns the dashboards by their files' names.
func Dashboards(t testing.TB) map[string]Dashboard {
	t.Helper()
	files, err := filepath.Glob(Path("dashboards", "*.json"))
	if err != nil || len(files) < 2 {
		t.Fatalf("got the dashboards %q (error %v), want at least two", files, err)
	}
	all := map[string]Dashboard{}
	for _, file := range files {
		var d Dashboard
		name := filepath.Base(file)
		if err := json.Unmarshal([]byte(Read(t, "dashboards", name)), &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d
	}
	return all
}

// Expression is PromQL of a dashboard, and how its series are called in a legend.
type Expression struct{ Where, Expr, Legend string }

// Expressions returns those of panels, annotations and variables.
func (d Dashboard) Expressions() (all []Expression) {
	for _, p := range d.Panels {
		title := p.Title
		if p.Type == "table" {
			title = "table " + title
		}
		for _, q := range p.Targets {
			all = append(all, Expression{title + " " + q.RefID, q.Expr, q.LegendFormat})
		}
	}
	for _, a := range d.Annotations.List {
		all = append(all, Expression{"annotation " + a.Name, a.Expr, ""})
	}
	values := regexp.MustCompile(`label_values\((.*), ([$\w]+)\)`)
	for _, v := range d.Templating.List {
		if m := values.FindStringSubmatch(fmt.Sprint(v.Query)); m != nil {
			all = append(all, Expression{"variable " + v.Name, "group by (" + m[2] + ") (" + m[1] + ")", ""})
		}
	}
	return all
}

// Fenced returns what stands between fences of a language in a document.
func Fenced(t testing.TB, language string, elem ...string) (blocks []string) {
	t.Helper()
	for i, part := range regexp.MustCompile("(?m)^ *```").Split(Read(t, elem...), -1) {
		if of, block, _ := strings.Cut(part, "\n"); i%2 == 1 && of == language {
			blocks = append(blocks, block)
		}
	}
	return blocks
}
