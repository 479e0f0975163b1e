// Package examples has nothing but tests. Each example is given to the program
// that it is for; test/e2e runs the exporter with them.
package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

func TestConfiguration(t *testing.T) {
	if _, err := config.NewFile("zuora_exporter.yml").Load(); err != nil {
		t.Error(err)
	}
}

func TestKubernetesConfiguration(t *testing.T) {
	file, err := os.Open("kubernetes/zuora_exporter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for decoder := yaml.NewDecoder(file); ; {
		var manifest struct {
			Kind string
			Data map[string]string
		}
		if err := decoder.Decode(&manifest); err != nil {
			t.Fatalf("no ConfigMap: %v", err)
		}
		if manifest.Kind == "ConfigMap" {
			if _, err := config.Parse("zuora_exporter.yml", []byte(manifest.Data["zuora_exporter.yml"])); err != nil {
				t.Error(err)
			}
			return
		}
	}
}

func TestPrometheusConfiguration(t *testing.T) {
	testutil.Run(t, "promtool", "check", "config", "prometheus/prometheus.yml")

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

func TestAlertmanagerConfiguration(t *testing.T) {
	testutil.Run(t, "amtool", "check-config", "docker-compose/alertmanager.yml")
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
			if _, err := os.Stat(filepath.Join("docker-compose", path)); err != nil {
				t.Errorf("%s: %s", name, err)
			}
		}
	}
}

func TestSystemdUnit(t *testing.T) {
	dir := copyUnits(t, "zuora_exporter.service", "zuora_exporter.service.d/credentials.conf")
	service := filepath.Join(dir, "zuora_exporter.service")
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

func TestSystemdSocket(t *testing.T) {
	const dropIn = "zuora_exporter.service.d/socket.conf"
	dir := copyUnits(t, "zuora_exporter.service", "zuora_exporter.socket", dropIn)
	for _, unit := range []string{"zuora_exporter.service", "zuora_exporter.socket"} {
		if out := testutil.Run(t, "systemd-analyze", "verify", filepath.Join(dir, unit)); strings.TrimSpace(out) != "" {
			t.Errorf("systemd-analyze: got %s, want nothing", out)
		}
	}
	// Does systemd-analyze read the drop-in at all?
	if err := os.WriteFile(filepath.Join(dir, dropIn), []byte("[Service]\nNonsense=yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := testutil.Run(t, "systemd-analyze", "verify", filepath.Join(dir, "zuora_exporter.service")); !strings.Contains(out, "Nonsense") {
		t.Errorf("got %s, want a complaint about the drop-in", out)
	}
}

// copyUnits copies units to a directory and returns it. Their program is
// /bin/true, because systemd-analyze wants it to exist.
func copyUnits(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			t.Fatal(err)
		}
		unit := strings.ReplaceAll(string(content), "/usr/bin/zuora_exporter", "/bin/true")
		if err := os.WriteFile(copied, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
