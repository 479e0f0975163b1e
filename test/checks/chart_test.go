package checks

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const chart = "../../packaging/helm/zuora-exporter"

func helm(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "helm"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("helm %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out
}

// Helm finds no fault with the chart, and Kubernetes and the Prometheus operator
// none with what it renders.
func TestChart(t *testing.T) {
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	if err != nil || len(files) != 3 {
		t.Fatalf("got the values %q (error %v), want three files", files, err)
	}
	want := map[string]map[string]int{
		"default-values.yaml":    {"ConfigMap": 1, "Deployment": 1, "Service": 1},
		"probe-only-values.yaml": {"Deployment": 1, "Service": 1, "Probe": 1, "ServiceMonitor": 1},
		"everything-values.yaml": {"ConfigMap": 2, "Deployment": 1, "Service": 1, "Secret": 1, "Probe": 1, "ServiceMonitor": 1, "PrometheusRule": 1, "NetworkPolicy": 1},
	}
	for _, values := range files {
		name := filepath.Base(values)
		t.Run(name, func(t *testing.T) {
			if out := helm(t, "lint", "--strict", chart, "-f", values); !bytes.Contains(out, []byte("0 chart(s) failed")) {
				t.Errorf("helm lint:\n%s", out)
			}
			seen := map[string]int{}
			checkManifests(t, name, helm(t, "template", "zuora", chart, "-f", values), seen)
			if diff := cmp.Diff(want[name], seen); diff != "" {
				t.Errorf("the kinds of manifests (-want +got):\n%s", diff)
			}
		})
	}
}

// Helm refuses a misspelled value, and a Probe without jobs.
func TestChartRefuses(t *testing.T) {
	for value, want := range map[string]string{
		"serviceMonitor.enable=true": "'enable'",
		"existingsecret=a":           "'existingsecret'",
		"probe.enabled=true":         "set probe.jobs",
	} {
		out, err := exec.CommandContext(t.Context(), "go", "tool", "helm", "template", "zuora", chart, "--set", value).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s: got the error %v, want one with %q:\n%s", value, err, want, out)
		}
	}
}

// The chart's rules and dashboards are the repository's.
func TestChartHasTheRepositorysFiles(t *testing.T) {
	var rule monitoringv1.PrometheusRule
	var dashboards corev1.ConfigMap
	for _, manifest := range bytes.Split(helm(t, "template", "zuora", chart, "-f", chart+"/ci/everything-values.yaml"), []byte("\n---\n")) {
		switch {
		case bytes.Contains(manifest, []byte("kind: PrometheusRule")):
			if err := yaml.Unmarshal(manifest, &rule); err != nil {
				t.Fatal(err)
			}
		case bytes.Contains(manifest, []byte("-dashboards\n")):
			if err := yaml.Unmarshal(manifest, &dashboards); err != nil {
				t.Fatal(err)
			}
		}
	}
	content, err := os.ReadFile("../../alerts/zuora.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var want monitoringv1.PrometheusRuleSpec
	if err := yaml.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, rule.Spec); diff != "" || len(want.Groups) == 0 {
		t.Errorf("the rules (-repository +chart):\n%s", diff)
	}
	for _, name := range []string{"zuora-data-labeling.json", "zuora-exporter.json"} {
		content, err := os.ReadFile("../../dashboards/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(content, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(dashboards.Data[name]), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-repository +chart):\n%s", name, diff)
		}
	}
}
