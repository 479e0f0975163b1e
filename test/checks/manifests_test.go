package checks

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// Kubernetes and the Prometheus operator accept every manifest.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob("../../examples/kubernetes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("got no manifests (error %v)", err)
	}
	seen := map[string]int{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		checkManifests(t, file, content, seen)
	}
	rule, err := exec.CommandContext(t.Context(), "../../packaging/prometheusrule").Output()
	if err != nil {
		t.Fatal(err)
	}
	checkManifests(t, "packaging/prometheusrule", rule, seen)
	if len(seen) < 6 {
		t.Errorf("got the kinds %v, want at least 6", seen)
	}
}

// checkManifests decodes manifests strictly, and counts their kinds in seen.
func checkManifests(t *testing.T, source string, content []byte, seen map[string]int) {
	t.Helper()
	for manifest := range bytes.SplitSeq(content, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(manifest, &head); err != nil {
			t.Fatalf("%s: %s\n%s", source, err, manifest)
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
			t.Errorf("%s: no schema for %s %s", source, head.APIVersion, head.Kind)
			continue
		}
		if err := unmarshalStrict(manifest, into); err != nil {
			t.Errorf("%s: %s: %s\n%s", source, head.Kind, err, manifest)
		}
		seen[head.Kind]++
	}
}

// unmarshalStrict refuses unknown and duplicate fields, and fields in the wrong
// case, as Kubernetes does. yaml.UnmarshalStrict would accept the wrong case.
func unmarshalStrict(manifest []byte, into any) error {
	content, err := yaml.YAMLToJSONStrict(manifest)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(content, into)
	return errors.Join(append(strict, err)...)
}
