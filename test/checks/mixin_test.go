package checks

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-jsonnet"
	"go.yaml.in/yaml/v3"
)

// The mixin has the shipped dashboards and rules, whatever else it is added to.
func TestMixin(t *testing.T) {
	made, err := jsonnet.MakeVM().EvaluateAnonymousSnippet("test.jsonnet", `
		local mixin = { prometheusAlerts+:: { groups: [{ name: 'another mixin' }] } } + (import '../../mixin.libsonnet');
		{ dashboards: mixin.grafanaDashboards, groups: mixin.prometheusAlerts.groups[1:] }`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"dashboards": map[string]any{}}
	for _, file := range []string{"zuora-data-labeling.json", "zuora-exporter.json"} {
		var d any
		if err := json.Unmarshal([]byte(read(t, "../../dashboards/"+file)), &d); err != nil {
			t.Fatal(err)
		}
		want["dashboards"].(map[string]any)[file] = d
	}
	var rules struct{ Groups any }
	if err := yaml.Unmarshal([]byte(read(t, "../../alerts/zuora.rules.yml")), &rules); err != nil {
		t.Fatal(err)
	}
	want["groups"] = rules.Groups
	var got map[string]any
	if err := json.Unmarshal([]byte(made), &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the mixin differs from the shipped files")
	}
}
