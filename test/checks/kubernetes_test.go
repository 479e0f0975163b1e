package checks

import (
	"errors"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// Kubernetes and the Prometheus operator accept every manifest, and the chart
// renders what its values ask for.
func TestManifests(t *testing.T) {
	for name, tc := range map[string]struct{ manifests, want string }{
		"the exporter":                    {testutil.Read(t, "examples/kubernetes/zuora_exporter.yaml"), "ConfigMap Deployment Secret Service"},
		"Prometheus operator":             {testutil.Read(t, "examples/kubernetes/prometheus-operator.yaml"), "Probe ServiceMonitor"},
		"packaging/prometheusrule":        {testutil.Run(t, testutil.Path("packaging", "prometheusrule")), "PrometheusRule"},
		"the chart's defaults":            {render(t, ""), "ConfigMap Deployment Service"},
		"the chart, jobs by /probe alone": {render(t, probeAlone), "Deployment Probe Service ServiceMonitor"},
		"the chart, everything": {
			render(t, everything(t)),
			"ConfigMap ConfigMap Deployment NetworkPolicy Probe Probe PrometheusRule Secret Service ServiceMonitor",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var kinds []string
			for kind, objects := range decode(t, tc.manifests) {
				kinds = append(kinds, slices.Repeat([]string{kind}, len(objects))...)
			}
			slices.Sort(kinds)
			if got := strings.Join(kinds, " "); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// decode decodes manifests strictly, and returns the objects by kind.
func decode(t *testing.T, manifests string) map[string][]any {
	t.Helper()
	objects := map[string][]any{}
	for manifest := range strings.SplitSeq(manifests, "\n---\n") {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal([]byte(manifest), &head); err != nil {
			t.Fatalf("%v\n%s", err, manifest)
		}
		if head.Kind == "" { // nothing but comments
			continue
		}
		into := map[string]any{
			"v1/Secret":                               &corev1.Secret{},
			"v1/ConfigMap":                            &corev1.ConfigMap{},
			"v1/Service":                              &corev1.Service{},
			"apps/v1/Deployment":                      &appsv1.Deployment{},
			"networking.k8s.io/v1/NetworkPolicy":      &networkingv1.NetworkPolicy{},
			"monitoring.coreos.com/v1/ServiceMonitor": &monitoringv1.ServiceMonitor{},
			"monitoring.coreos.com/v1/Probe":          &monitoringv1.Probe{},
			"monitoring.coreos.com/v1/PrometheusRule": &monitoringv1.PrometheusRule{},
		}[head.APIVersion+"/"+head.Kind]
		if into == nil {
			t.Errorf("no schema for %s %s", head.APIVersion, head.Kind)
			continue
		}
		// Unknown and duplicate fields are refused, and fields in the wrong case, as
		// Kubernetes does. yaml.UnmarshalStrict would accept the wrong case.
		content, err := yaml.YAMLToJSONStrict([]byte(manifest))
		if err != nil {
			t.Fatalf("%v\n%s", err, manifest)
		}
		strict, err := json.UnmarshalStrict(content, into)
		if err := errors.Join(append(strict, err)...); err != nil {
			t.Errorf("%v\n%s", err, manifest)
		}
		objects[head.Kind] = append(objects[head.Kind], into)
	}
	return objects
}

// configMap returns the exporter's configuration in manifests.
func configMap(t *testing.T, manifests string) string {
	t.Helper()
	for _, object := range decode(t, manifests)["ConfigMap"] {
		if text, ok := object.(*corev1.ConfigMap).Data["zuora_exporter.yml"]; ok {
			return text
		}
	}
	t.Fatalf("got no configuration in\n%s", manifests)
	return ""
}
