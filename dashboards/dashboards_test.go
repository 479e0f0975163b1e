// Package dashboards tests the Grafana dashboards beside it. They are Grafana's
// classic JSON, of core panels only.
package dashboards

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// A file has the one form, whichever Grafana exported it: a change of a
// dashboard shows as nothing but that change.
func TestFilesAreCanonical(t *testing.T) {
	for name := range testutil.Dashboards(t) {
		want := testutil.Run(t, "jq", "-S", "-f", "canonical.jq", name)
		if diff := cmp.Diff(want, testutil.Read(t, "dashboards", name)); diff != "" {
			t.Errorf("%s: run make dashboards (-want +got):\n%s", name, diff)
		}
	}
}

// The rules of Grafana's dashboard linter but for those about expressions, which
// need a parser and are in test/checks, and for what the one form has anyway.
func TestLinterRules(t *testing.T) {
	chosen := testutil.Source{Type: "prometheus", UID: "${datasource}"}
	types := []string{"stat", "timeseries", "table", "state-timeline"} // that were tried
	units := []string{"none", "short", "locale", "percentunit", "s", "reqps", "bytes"}
	// Jobs are the tenant's, whichever exporter reads them, and what rules record
	// has neither job nor instance: the linter's file .lint says so.
	variables := map[string][]string{
		"zuora-data-labeling.json": {"datasource: Data source", "tenant: Tenant", "by: Progress by", "group: Group", "job_id: Labeling job", "show: Show"},
		"zuora-exporter.json":      {"datasource: Data source", "job: Job", "instance: Instance", "tenant: Tenant", "job_id: Labeling job"},
	}
	all := testutil.Dashboards(t)
	for name, d := range all {
		if name != d.UID+".json" || d.Refresh == "" || d.GraphTooltip != 1 || len(d.Tags) == 0 || d.Inputs != nil {
			t.Errorf("%s: got the uid %q, refresh %q, tooltip %d, tags %q, inputs %v, want the file's name, one, 1, some, none",
				name, d.UID, d.Refresh, d.GraphTooltip, d.Tags, d.Inputs)
		}
		for other := range all {
			link := "/d/" + strings.TrimSuffix(other, ".json")
			if linked := slices.Contains(d.Links, struct{ URL string }{link}); linked == (other == name) {
				t.Errorf("%s: got a link to %s: %t, want one to each other dashboard", name, link, linked)
			}
		}
		var got []string
		for _, v := range d.Templating.List {
			got = append(got, v.Name+": "+v.Label)
			good := v.Type == "custom" // not of Prometheus's values
			good = good || v.Type == "datasource" && v.Query == "prometheus"
			good = good || v.Type == "query" && v.Datasource == chosen && v.Multi && v.IncludeAll && slices.Contains([]string{".+", ".*"}, v.AllValue) && v.Refresh == 2
			if !good {
				t.Errorf("%s: got the variable %+v, want one of Prometheus's values, of which all can be chosen", name, v)
			}
		}
		if !slices.Equal(got, variables[name]) {
			t.Errorf("%s: got the variables %q, want %q", name, got, variables[name])
		}
		for _, a := range d.Annotations.List {
			if a.Datasource != chosen {
				t.Errorf("%s: got an annotation of %v, want %v", name, a.Datasource, chosen)
			}
		}
		for _, p := range d.Panels {
			if p.Type == "row" || p.Type == "text" {
				continue
			}
			if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.Datasource != chosen || len(p.Targets) == 0 ||
				!slices.Contains(types, p.Type) || !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
				t.Errorf("%s: got the panel %+v, want a title, a sentence, the data source, targets, a type of %q and a unit of %q", name, p, types, units)
			}
			for _, target := range p.Targets {
				instant := p.Type == "stat" || p.Type == "table"
				if target.Expr == "" || target.Datasource != chosen || target.Instant != instant || !instant && target.LegendFormat == "" {
					t.Errorf("%s: %s: got the target %+v, want the data source, instant %t, and a legend if it is a graph's", name, p.Title, target, instant)
				}
			}
		}
	}
}
