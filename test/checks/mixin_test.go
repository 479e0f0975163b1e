package checks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-jsonnet"
	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The mixin has the shipped dashboards and rules, whatever else it is added to.
func TestMixin(t *testing.T) {
	made, err := jsonnet.MakeVM().EvaluateAnonymousSnippet("test.jsonnet", `
		local mixin = { prometheusAlerts+:: { groups: [{ name: 'another mixin' }] } } + (import '../../mixin.libsonnet');
		mixin.grafanaDashboards + { rules: { groups: mixin.prometheusAlerts.groups[1:] } }`)
	if err != nil {
		t.Fatal(err)
	}
	decode := func(text string) (value any) {
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	want := map[string]any{"rules": decode(testutil.Read(t, "alerts", "zuora.rules.yml"))}
	for name, text := range dashboards(t) {
		want[name] = decode(text)
	}
	if diff := cmp.Diff(any(want), decode(made)); diff != "" {
		t.Errorf("(-shipped +mixin)\n%s", diff)
	}
}
