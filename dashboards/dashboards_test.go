// Package dashboards tests the Grafana dashboards beside it. They are Grafana's
// classic JSON, of core panels only.
package dashboards

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// A file has the one form, whichever Grafana exported it: a change of a
// dashboard shows as nothing but that change.
func TestFilesAreCanonical(t *testing.T) {
	for name := range files(t) {
		want := testutil.Run(t, "jq", "-S", "-f", "canonical.jq", name)
		if diff := cmp.Diff(want, testutil.Read(t, "dashboards", name)); diff != "" {
			t.Errorf("%s: run make dashboards (-want +got):\n%s", name, diff)
		}
	}
}

// The files as Grafana reads them. What is read here is what the rules below
// are about.
type dashboardFile struct {
	ID            *int
	UID           string
	Title         string
	SchemaVersion int
	Editable      *bool
	Refresh       any
	GraphTooltip  int
	Tags          []string
	Links         []struct{ URL string }
	Templating    struct{ List []variableFile }
	Annotations   struct {
		List []struct{ Datasource map[string]string }
	}
	Inputs []any `json:"__inputs"`
	Panels []panelFile
}

type variableFile struct {
	Name, Label, Type, AllValue string
	Datasource                  map[string]string
	Multi, IncludeAll           bool
	Refresh                     int
	Query                       any
}

type panelFile struct {
	ID                       int
	Type, Title, Description string
	Datasource               map[string]string
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct {
		RefID, Expr, LegendFormat string
		Datasource                map[string]string
		Instant                   bool
	}
}

func files(t *testing.T) map[string]dashboardFile {
	t.Helper()
	names, err := filepath.Glob("*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	read := map[string]dashboardFile{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboardFile
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		read[name] = d
	}
	return read
}

// The rules of Grafana's dashboard linter but for those about expressions, which
// need a parser and are in test/checks.
func TestLinterRules(t *testing.T) {
	wantSource := map[string]string{"type": "prometheus", "uid": "${datasource}"}
	// Grafana's units that are in use here.
	units := []string{"none", "short", "locale", "percentunit", "s", "reqps", "bytes"}
	for name, d := range files(t) {
		t.Run(name, func(t *testing.T) {
			if d.ID != nil || d.Inputs != nil || d.SchemaVersion != 39 || d.Editable == nil || *d.Editable || d.GraphTooltip != 1 || len(d.Tags) == 0 {
				t.Errorf("the head of the dashboard: %+v", d)
			}
			if refresh, ok := d.Refresh.(string); !ok || refresh == "" {
				t.Errorf("refresh is %v", d.Refresh)
			}
			if name != d.UID+".json" {
				t.Errorf("the uid is %q", d.UID)
			}

			var variables []string
			for _, v := range d.Templating.List {
				variables = append(variables, v.Name+": "+v.Label)
				switch v.Type {
				case "datasource":
					if v.Query != "prometheus" {
						t.Errorf("the data source is of %v", v.Query)
					}
					continue
				case "custom": // not of Prometheus's values
					continue
				}
				if v.Type != "query" || !cmp.Equal(v.Datasource, wantSource) || !v.Multi || !v.IncludeAll || !slices.Contains([]string{".+", ".*"}, v.AllValue) || v.Refresh != 2 {
					t.Errorf("the variable %+v", v)
				}
			}
			want := map[string][]string{
				// Jobs are the tenant's, whichever exporter reads them, and what rules
				// record has neither job nor instance: the linter's file .lint says so.
				"zuora-data-labeling.json": {"datasource: Data source", "tenant: Tenant", "by: Progress by", "group: Group", "job_id: Labeling job", "show: Show"},
				"zuora-exporter.json":      {"datasource: Data source", "job: Job", "instance: Instance", "tenant: Tenant", "job_id: Labeling job"},
			}[name]
			if !slices.Equal(variables, want) {
				t.Errorf("the variables are %q, want %q", variables, want)
			}
			for _, a := range d.Annotations.List {
				if !cmp.Equal(a.Datasource, wantSource) {
					t.Errorf("an annotation of %v", a.Datasource)
				}
			}
			for other := range files(t) {
				uid := strings.TrimSuffix(other, ".json")
				if linked := slices.ContainsFunc(d.Links, func(l struct{ URL string }) bool { return l.URL == "/d/"+uid }); linked == (uid == d.UID) {
					t.Errorf("a link to %s: %t", uid, linked)
				}
			}

			ids := map[int]bool{}
			for _, p := range d.Panels {
				if p.Type == "row" || p.Type == "text" {
					continue
				}
				if !slices.Contains([]string{"stat", "timeseries", "table", "state-timeline"}, p.Type) {
					t.Errorf("%s: the type %q is none that was tried", p.Title, p.Type)
				}
				if p.Title == "" || !strings.HasSuffix(p.Description, ".") || ids[p.ID] || !cmp.Equal(p.Datasource, wantSource) {
					t.Errorf("the panel %+v", p)
				}
				ids[p.ID] = true
				if !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
					t.Errorf("%s: the unit %q", p.Title, p.FieldConfig.Defaults.Unit)
				}
				if len(p.Targets) == 0 {
					t.Errorf("%s: no targets", p.Title)
				}
				for _, target := range p.Targets {
					if target.Expr == "" || !cmp.Equal(target.Datasource, wantSource) {
						t.Errorf("%s: the target %+v", p.Title, target)
					}
					if (p.Type == "stat" || p.Type == "table") != target.Instant {
						t.Errorf("%s: instant is %t", p.Title, target.Instant)
					}
					if !target.Instant && target.LegendFormat == "" {
						t.Errorf("%s: no legend", p.Title)
					}
				}
			}
		})
	}
}

// No panel covers another, and none stands out of the grid.
func TestPanelsHaveTheirPlace(t *testing.T) {
	for name, d := range files(t) {
		covered := map[[2]int]string{}
		for _, p := range d.Panels {
			g := p.GridPos
			if g.X < 0 || g.X+g.W > 24 || g.W <= 0 || g.H <= 0 {
				t.Errorf("%s: %s is at %+v", name, p.Title, g)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := covered[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %s covers %s", name, p.Title, other)
					}
					covered[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}
