// Package dashboards tests the Grafana dashboards beside it. They are Grafana's
// classic JSON, of core panels only.
package dashboards

import (
	"regexp"
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
	source := regexp.MustCompile(`"datasource": \{\s+"type": "prometheus",\s+"uid": "\$\{datasource\}"\s+\}`)
	types := []string{"stat", "timeseries", "table", "state-timeline"} // that were tried
	// Jobs are the tenant's, whichever exporter reads them, and what rules record
	// has neither job nor instance: the linter's file .lint says so.
	variables := map[string][]string{
		"zuora-data-labeling.json": {"datasource: Data source", "tenant: Tenant", "by: Progress by", "group: Group", "job_id: Labeling job", "show: Show"},
		"zuora-exporter.json":      {"datasource: Data source", "job: Job", "instance: Instance", "tenant: Tenant", "job_id: Labeling job"},
	}
	for name, d := range testutil.Dashboards(t) {
		if name != d.UID+".json" || d.Refresh == "" || d.GraphTooltip != 1 || len(d.Tags) == 0 || d.Inputs != nil {
			t.Errorf("%s: got the uid %q, refresh %q, tooltip %d, tags %q, inputs %v, want the file's name, one, 1, some, none",
				name, d.UID, d.Refresh, d.GraphTooltip, d.Tags, d.Inputs)
		}
		text := testutil.Read(t, "dashboards", name)
		if got, want := len(source.FindAllString(text, -1)), strings.Count(text, `"datasource": `); got != want {
			t.Errorf("%s: got Prometheus and the variable as %d of %d data sources, want it as all", name, got, want)
		}
		var got []string
		for _, v := range d.Templating.List {
			got = append(got, v.Name+": "+v.Label)
			good := v.Type == "custom" // not of Prometheus's values
			good = good || v.Type == "datasource" && v.Query == "prometheus"
			good = good || v.Type == "query" && v.Multi && v.IncludeAll && slices.Contains([]string{".+", ".*"}, v.AllValue) && v.Refresh == 2
			if !good {
				t.Errorf("%s: got the variable %+v, want one of Prometheus's values, of which all can be chosen", name, v)
			}
		}
		if !slices.Equal(got, variables[name]) {
			t.Errorf("%s: got the variables %q, want %q", name, got, variables[name])
		}
		for _, p := range d.Panels {
			if p.Type == "row" || p.Type == "text" {
				continue
			}
			if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.Datasource == nil || len(p.Targets) == 0 ||
				!slices.Contains(types, p.Type) || p.FieldConfig.Defaults.Unit == "" {
				t.Errorf("%s: got the panel %+v, want a title, a sentence, a data source, targets, a unit, and a type of %q", name, p, types)
			}
			for _, target := range p.Targets {
				instant := p.Type == "stat" || p.Type == "table"
				if target.Expr == "" || target.Instant != instant || !instant && target.LegendFormat == "" {
					t.Errorf("%s: %s: got the target %+v, want instant %t, and a legend if it is a graph's", name, p.Title, target, instant)
				}
			}
		}
	}
}
