package checks

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-jsonnet"
	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The chart has the shipped dashboards and rules, and so has the mixin, whatever
// else it is added to.
func TestCopies(t *testing.T) {
	decode := func(text string) (value any) {
		if err := yaml.Unmarshal([]byte(text), &value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	want := map[string]any{"rules": decode(testutil.Read(t, "alerts", "zuora.rules.yml"))}
	for name := range testutil.Dashboards(t) {
		want[name] = decode(testutil.Read(t, "dashboards", name))
	}
	mixin, err := jsonnet.MakeVM().EvaluateAnonymousSnippet("test.jsonnet", `
		local mixin = { prometheusAlerts+:: { groups: [{ name: 'another mixin' }] } } + (import '../../mixin.libsonnet');
		mixin.grafanaDashboards + { rules: { groups: mixin.prometheusAlerts.groups[1:] } }`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(want), decode(mixin)); diff != "" {
		t.Errorf("(-shipped +mixin)\n%s", diff)
	}
	inChart := map[string]any{}
	for manifest := range strings.SplitSeq(render(t, everything(t)), "\n---\n") {
		var object struct {
			Kind string
			Spec any
			Data map[string]string
		}
		if err := yaml.Unmarshal([]byte(manifest), &object); err != nil {
			t.Fatal(err)
		}
		if object.Kind == "PrometheusRule" {
			inChart["rules"] = object.Spec
		}
		for name, text := range object.Data {
			if strings.HasSuffix(name, ".json") {
				inChart[name] = decode(text)
			}
		}
	}
	if diff := cmp.Diff(want, inChart); diff != "" {
		t.Errorf("(-shipped +chart)\n%s", diff)
	}
}
