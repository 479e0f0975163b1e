package checks

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// configurationSchema returns a function that checks a configuration by the
// schema that editors use.
func configurationSchema(t *testing.T) func(configuration string) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/zuora_exporter.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(configuration string) error {
		content, err := yaml.YAMLToJSONStrict([]byte(configuration))
		if err != nil {
			return err
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
		if err != nil {
			return err
		}
		return schema.Validate(value)
	}
}

// Every configuration that users copy is valid, for the exporter and for the
// schema. That of a new installation stays so if what it has in comments is used.
func TestConfigurations(t *testing.T) {
	template := testutil.Read(t, "packaging", "zuora_exporter.yml")
	comments := regexp.MustCompile(`(?m)^    # ?((entity_id|api_version|request|max|refresh|completed|rate| - id|   labels).*)`)
	texts := map[string]string{
		"a new installation":           template,
		"a new installation, in use":   strings.Replace(comments.ReplaceAllString(template, "    $1"), "entity_id:  ", "entity_id: 11e643f4-a3ee-8bad-b061-0025904c756d", 1),
		"examples/zuora_exporter.yml":  testutil.Read(t, "examples", "zuora_exporter.yml"),
		"examples/kubernetes":          configMap(t, testutil.Read(t, "examples", "kubernetes", "zuora_exporter.yaml")),
		"the chart with everything on": configMap(t, render(t, everything(t))),
	}
	for place, block := range blocks(t) {
		if strings.HasPrefix(block, "tenants:") || strings.Contains(block, "\ntenants:") {
			texts[place] = block
		}
	}
	if len(texts) < 12 {
		t.Errorf("got %d configurations, want at least 12", len(texts))
	}

	validate := configurationSchema(t)
	dir, c := t.TempDir(), testutil.NewCertificate(t)
	testutil.Write(t, dir, "ca.pem", c.CertPEM)
	testutil.Write(t, dir, "client.pem", c.CertPEM)
	testutil.Write(t, dir, "client.key", c.KeyPEM)
	inOneLine := func(pem string) string {
		lines := strings.Split(strings.TrimSpace(pem), "\n")
		return strings.Join(lines[1:len(lines)-1], "")
	}
	certificates := strings.NewReplacer("MIIB...", inOneLine(c.CertPEM), "MIGH...", inOneLine(c.KeyPEM))
	for place, text := range texts {
		_, err := config.Parse(filepath.Join(dir, "zuora_exporter.yml"), []byte(certificates.Replace(text)))
		if err = errors.Join(err, validate(text)); err != nil {
			t.Errorf("%s: %s\n%s", place, err, text)
		}
	}
}

// The schema accepts and refuses what the exporter does.
func TestSchemaCases(t *testing.T) {
	validate := configurationSchema(t)
	var cases map[string]map[string]any
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "test/checks/testdata/configurations.yml")), &cases); err != nil {
		t.Fatal(err)
	}
	for _, verdict := range []string{"accepted", "refused"} {
		if len(cases[verdict]) == 0 {
			t.Errorf("got no case that is %s", verdict)
		}
		for name, configuration := range cases[verdict] {
			text, err := yaml.Marshal(configuration)
			if err != nil {
				t.Fatal(err)
			}
			_, parsing := config.Parse("test.yml", text)
			for by, err := range map[string]error{"the exporter": parsing, "the schema": validate(string(text))} {
				if (err == nil) != (verdict == "accepted") {
					t.Errorf("%s: got error %v of %s, want it %s\n%s", name, err, by, verdict, text)
				}
			}
		}
	}
}

// Prometheus accepts each of its configurations that users copy. If they probe,
// there is one up series for each job, not one for all. What the example for Docker
// Compose mounts is there.
func TestPrometheusConfigurations(t *testing.T) {
	var compose struct {
		Services map[string]struct{ Volumes []string }
		Configs  map[string]struct{ Content string }
	}
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "examples", "docker-compose", "docker-compose.yml")), &compose); err != nil {
		t.Fatal(err)
	}
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			path, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(testutil.Path("examples", "docker-compose", path)); err != nil {
				t.Errorf("%s: %s", name, err)
			}
		}
	}
	texts := map[string]string{
		"examples/prometheus.yml": testutil.Read(t, "examples", "prometheus.yml"),
		"docker-compose.yml":      compose.Configs["prometheus"].Content,
	}
	for place, block := range blocks(t) {
		if strings.HasPrefix(block, "global:") || strings.HasPrefix(block, "scrape_configs:") {
			texts[place] = block
		}
	}
	if len(texts) < 4 {
		t.Errorf("got %d configurations, want at least 4", len(texts))
	}
	dir := t.TempDir()
	if err := os.Symlink(testutil.Path("alerts"), filepath.Join(dir, "alerts")); err != nil {
		t.Fatal(err)
	}
	instance := regexp.MustCompile(`source_labels: \[__param_target\][,\s]+target_label: instance\b|relabel_configs: \*probe`)
	for place, text := range texts {
		t.Run(place, func(t *testing.T) {
			file := testutil.Write(t, dir, "prometheus.yml", strings.ReplaceAll(text, "../alerts/", "alerts/"))
			testutil.Run(t, "promtool", "check", "config", file)
			for scrape := range strings.SplitSeq(text, "job_name:") {
				if strings.Contains(scrape, "metrics_path: /probe") && !instance.MatchString(scrape) {
					t.Errorf("got no instance label, want the target's:\n%s", scrape)
				}
			}
		})
	}
}
