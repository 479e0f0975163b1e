package checks

import (
	"bytes"
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// configurationSchema returns a function that checks a configuration by the
// schema that editors use.
func configurationSchema(t *testing.T) func(configuration []byte) error {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("../../docs/zuora_exporter.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return func(configuration []byte) error {
		content, err := yaml.YAMLToJSONStrict(configuration)
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

// Every configuration in the documents and the examples is valid, for the
// exporter and for the schema, and every key is in one of them.
func TestConfigurationsInDocuments(t *testing.T) {
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

	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	isConfiguration := regexp.MustCompile(`(?m)^tenants:`)
	found := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md", "../../examples/*.yml", "../../examples/kubernetes/*.yaml"} {
		for _, file := range glob(t, pattern) {
			content := read(t, file)
			var texts []string
			switch filepath.Ext(file) {
			case ".md":
				for _, block := range blocks.FindAllStringSubmatch(content, -1) {
					texts = append(texts, block[1])
				}
			case ".yaml":
				for manifest := range strings.SplitSeq(content, "\n---\n") {
					var configMap corev1.ConfigMap
					if err := yaml.Unmarshal([]byte(manifest), &configMap); err == nil && configMap.Kind == "ConfigMap" {
						texts = append(texts, configMap.Data["zuora_exporter.yml"])
					}
				}
			default:
				texts = append(texts, content)
			}
			for _, text := range texts {
				if !isConfiguration.MatchString(text) {
					continue
				}
				found[filepath.Base(file)] += text
				_, err := config.Parse(filepath.Join(dir, "zuora_exporter.yml"), []byte(certificates.Replace(text)))
				if err = errors.Join(err, validate([]byte(text))); err != nil {
					t.Errorf("%s: %s\n%s", file, err, text)
				}
			}
		}
	}
	for _, file := range []string{"README.md", "zuora_exporter.yml", "zuora_exporter.yaml"} {
		if found[file] == "" {
			t.Errorf("got no configuration in %s, but in %d files", file, len(found))
		}
	}
	page := read(t, "../../docs/configuration.md")
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(page, -1) {
		if !regexp.MustCompile(`(?m)(^[ -]*|[{,] *)` + row[1] + `:`).MatchString(found["configuration.md"]) {
			t.Errorf("got no example with %s in docs/configuration.md, want one", row[1])
		}
	}
}

// The schema accepts and refuses what the exporter does.
func TestSchemaCases(t *testing.T) {
	validate := configurationSchema(t)
	var cases map[string]map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "testdata/configurations.yml")), &cases); err != nil {
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
			for by, err := range map[string]error{"the exporter": parsing, "the schema": validate(text)} {
				if (err == nil) != (verdict == "accepted") {
					t.Errorf("%s: got error %v of %s, want it %s\n%s", name, err, by, verdict, text)
				}
			}
		}
	}
}

// A number of seconds is the usual mistake: the message has to be about the
// type.
func TestSchemaMessageForDuration(t *testing.T) {
	validate := configurationSchema(t)
	for _, key := range []string{"request_timeout", "refresh_interval", "completed_refresh_interval"} {
		err := validate([]byte("tenants: [{name: a, base_url: 'https://h', oauth2: {client_id: a, client_secret: b}, " + key + ": 300}]"))
		if err == nil || !strings.Contains(err.Error(), "/"+key+"': got number, want null or string") || strings.Contains(err.Error(), "maximum") {
			t.Errorf("%s: got %v, want an error that says: got number, want null or string", key, err)
		}
	}
}
