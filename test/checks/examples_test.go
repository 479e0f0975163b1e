package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The exporter accepts each configuration that is shipped. That of a new
// installation has no jobs, and stays valid if what it has in comments is used.
func TestShippedConfigurations(t *testing.T) {
	template := testutil.Read(t, "packaging", "zuora_exporter.yml")
	uncommented := regexp.MustCompile(`(?m)^    # ?((entity_id|api_version|request|max|refresh|completed|rate| - id|   labels).*)`).ReplaceAllString(template, "    $1")
	uncommented = strings.Replace(uncommented, "entity_id:  ", "entity_id: 11e643f4-a3ee-8bad-b061-0025904c756d", 1)
	manifests, err := render(t, read(t, "testdata/everything-values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	inConfigMap := func(manifests string) string {
		for manifest := range strings.SplitSeq(manifests, "\n---\n") {
			var object corev1.ConfigMap
			if err := k8syaml.Unmarshal([]byte(manifest), &object); err != nil {
				t.Fatal(err)
			}
			if object.Kind == "ConfigMap" {
				return object.Data["zuora_exporter.yml"]
			}
		}
		return ""
	}
	exporter := buildExporter(t)
	for name, tc := range map[string]struct{ configuration, want string }{
		"new installation":              {template, "tenant example: 0 jobs"},
		"new installation, uncommented": {uncommented, "tenant example: 1 job"},
		"example":                       {testutil.Read(t, "examples", "zuora_exporter.yml"), "tenant prod-us: 2 jobs"},
		"example for Kubernetes":        {inConfigMap(testutil.Read(t, "examples", "kubernetes", "zuora_exporter.yaml")), "tenant prod-us: 1 job"},
		"chart":                         {inConfigMap(manifests["zuora-exporter/templates/config.yaml"]), "tenant prod-us: 1 job"},
	} {
		t.Run(name, func(t *testing.T) {
			file := testutil.Write(t, t.TempDir(), "zuora_exporter.yml", tc.configuration)
			if out := testutil.Run(t, exporter, "--config.check", "--config.file="+file); !strings.Contains(out, tc.want) {
				t.Errorf("got\n%s\nwant %s", out, tc.want)
			}
		})
	}
}

func TestPrometheusConfiguration(t *testing.T) {
	testutil.Run(t, "promtool", "check", "config", testutil.Path("examples", "prometheus", "prometheus.yml"))

	// docker-compose.yml mounts the rules beside the file.
	dir := t.TempDir()
	if err := os.Symlink(testutil.Path("alerts"), filepath.Join(dir, "alerts")); err != nil {
		t.Fatal(err)
	}
	file := testutil.Write(t, dir, "prometheus.yml", testutil.Read(t, "examples", "docker-compose", "prometheus.yml"))
	if out := testutil.Run(t, "promtool", "check", "config", file); !strings.Contains(out, "1 rule files found") {
		t.Errorf("got\n%s\nwant 1 rule file", out)
	}
}

// With the example there is one up series for each job, not one for all.
func TestProbedJobsDifferByInstance(t *testing.T) {
	var prometheus struct {
		ScrapeConfigs []struct {
			JobName        string `yaml:"job_name"`
			MetricsPath    string `yaml:"metrics_path"`
			RelabelConfigs []struct {
				SourceLabels []string `yaml:"source_labels"`
				TargetLabel  string   `yaml:"target_label"`
			} `yaml:"relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "examples", "prometheus", "prometheus.yml")), &prometheus); err != nil {
		t.Fatal(err)
	}
	probes := 0
	for _, scrape := range prometheus.ScrapeConfigs {
		if scrape.MetricsPath != "/probe" {
			continue
		}
		probes++
		found := false
		for _, r := range scrape.RelabelConfigs {
			found = found || r.TargetLabel == "instance" && strings.Join(r.SourceLabels, ",") == "__param_target"
		}
		if !found {
			t.Errorf("%s: got no instance label, want the target's", scrape.JobName)
		}
	}
	if probes != 4 {
		t.Errorf("got %d jobs with probes, want 4", probes)
	}
}

func TestComposeMountsExistingFiles(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Volumes []string
		}
	}
	err := yaml.Unmarshal([]byte(testutil.Read(t, "examples", "docker-compose", "docker-compose.yml")), &compose)
	if err != nil || len(compose.Services) != 4 {
		t.Fatalf("got %d services (error %v), want 4", len(compose.Services), err)
	}
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			path, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(testutil.Path("examples", "docker-compose", path)); err != nil {
				t.Errorf("%s: %s", name, err)
			}
		}
	}
}

// systemd finds no fault with the unit and its drop-in, nor much to harden.
func TestSystemdUnit(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(testutil.Path("examples", "systemd"))); err != nil {
		t.Fatal(err)
	}
	// systemd-analyze wants the program to exist.
	unit := testutil.Read(t, "examples", "systemd", "zuora_exporter.service")
	service := filepath.Join(dir, "zuora_exporter.service")
	if err := os.WriteFile(service, []byte(strings.ReplaceAll(unit, "/usr/bin/zuora_exporter", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := testutil.Run(t, "systemd-analyze", "verify", service); strings.TrimSpace(out) != "" {
		t.Errorf("systemd-analyze: got %s, want nothing", out)
	}
	out := testutil.Run(t, "systemd-analyze", "security", "--offline=true", service)
	m := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("got no exposure level in\n%s", out)
	}
	if score, err := strconv.ParseFloat(m[1], 64); err != nil || score > 1.2 {
		t.Errorf("got an exposure level of %s (error %v), want at most 1.2", m[1], err)
	}
}
