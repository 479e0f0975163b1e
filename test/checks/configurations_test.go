package checks

import (
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

// configurations are those that users copy, which are accepted, and what
// testdata/configurations.yml has. That of a new installation is accepted also if
// what it has in comments is used.
func configurations(t *testing.T) (accepted, refused map[string]string) {
	t.Helper()
	template := testutil.Read(t, "packaging", "zuora_exporter.yml")
	comments := regexp.MustCompile(`(?m)^    # ?((entity_id|api_version|request|max|refresh|completed|rate| - id|   labels).*)`)
	accepted, refused = map[string]string{
		"a new installation":           template,
		"a new installation, in use":   strings.Replace(comments.ReplaceAllString(template, "    $1"), "entity_id:  ", "entity_id: 11e643f4-a3ee-8bad-b061-0025904c756d", 1),
		"examples/zuora_exporter.yml":  testutil.Read(t, "examples", "zuora_exporter.yml"),
		"examples/kubernetes":          configMap(t, testutil.Read(t, "examples", "kubernetes", "zuora_exporter.yaml")),
		"the chart with everything on": configMap(t, render(t, everything(t))),
	}, map[string]string{}
	for place, block := range blocks(t) {
		if strings.HasPrefix(block, "tenants:") || strings.Contains(block, "\ntenants:") {
			accepted[place] = block
		}
	}
	var cases map[string]map[string]any
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "test", "checks", "testdata", "configurations.yml")), &cases); err != nil {
		t.Fatal(err)
	}
	for verdict, into := range map[string]map[string]string{"accepted": accepted, "refused": refused} {
		for name, configuration := range cases[verdict] {
			text, err := yaml.Marshal(configuration)
			if err != nil {
				t.Fatal(err)
			}
			into[name] = string(text)
		}
	}
	if len(refused) == 0 {
		t.Error("got no configuration that is to be refused")
	}
	return accepted, refused
}

// The exporter and the schema that editors use accept and refuse the same.
func TestConfigurations(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/zuora_exporter.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	dir, c := t.TempDir(), testutil.NewCertificate(t)
	testutil.Write(t, dir, "ca.pem", c.CertPEM)
	testutil.Write(t, dir, "client.pem", c.CertPEM)
	testutil.Write(t, dir, "client.key", c.KeyPEM)
	inOneLine := func(pem string) string {
		lines := strings.Split(strings.TrimSpace(pem), "\n")
		return strings.Join(lines[1:len(lines)-1], "")
	}
	certificates := strings.NewReplacer("MIIB...", inOneLine(c.CertPEM), "MIGH...", inOneLine(c.KeyPEM))
	check := func(name, text string, valid bool) {
		_, byExporter := config.Parse(filepath.Join(dir, "zuora_exporter.yml"), []byte(certificates.Replace(text)))
		var value any
		bySchema := yaml.UnmarshalStrict([]byte(text), &value)
		if bySchema == nil {
			bySchema = schema.Validate(value)
		}
		if (byExporter == nil) != valid || (bySchema == nil) != valid {
			t.Errorf("%s: got the errors %v of the exporter and %v of the schema, want both to accept it: %t\n%s", name, byExporter, bySchema, valid, text)
		}
	}
	accepted, refused := configurations(t)
	for name, text := range accepted {
		check(name, text, true)
	}
	for name, text := range refused {
		check(name, text, false)
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
