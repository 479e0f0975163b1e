package checks

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
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

// The schema accepts every configuration in the documents and the examples.
func TestSchemaAcceptsTheExamples(t *testing.T) {
	validate := configurationSchema(t)
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	isConfiguration := regexp.MustCompile(`(?m)^tenants:`)
	found := map[string]int{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md", "../../examples/*.yml", "../../examples/kubernetes/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var texts [][]byte
			switch filepath.Ext(file) {
			case ".md":
				for _, block := range blocks.FindAllSubmatch(content, -1) {
					texts = append(texts, block[1])
				}
			case ".yaml":
				for _, manifest := range bytes.Split(content, []byte("\n---\n")) {
					var configMap corev1.ConfigMap
					if err := yaml.Unmarshal(manifest, &configMap); err == nil && configMap.Kind == "ConfigMap" {
						texts = append(texts, []byte(configMap.Data["zuora_exporter.yml"]))
					}
				}
			default:
				texts = append(texts, content)
			}
			for _, text := range texts {
				if !isConfiguration.Match(text) {
					continue
				}
				found[filepath.Base(file)]++
				if err := validate(text); err != nil {
					t.Errorf("%s: %s\n%s", file, err, text)
				}
			}
		}
	}
	for _, file := range []string{"README.md", "configuration.md", "zuora_exporter.yml", "zuora_exporter.yaml"} {
		if found[file] == 0 {
			t.Errorf("got no configuration in %s, but in %v", file, found)
		}
	}
}

// The schema accepts and refuses what the reader does: both tests have the same
// cases.
func TestSchemaCases(t *testing.T) {
	validate := configurationSchema(t)
	content, err := os.ReadFile("../../internal/config/testdata/schema.yml")
	if err != nil {
		t.Fatal(err)
	}
	var cases struct{ Accepted, Refused map[string]any }
	if err := yaml.Unmarshal(content, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases.Accepted) == 0 || len(cases.Refused) == 0 {
		t.Fatalf("got %d accepted and %d refused cases, want some of both", len(cases.Accepted), len(cases.Refused))
	}
	check := func(name string, configuration any, accepted bool) {
		text, err := yaml.Marshal(configuration)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(text); (err == nil) != accepted {
			t.Errorf("%s: got error %v, want accepted: %t\n%s", name, err, accepted, text)
		}
	}
	for name, configuration := range cases.Accepted {
		check(name, configuration, true)
	}
	for name, configuration := range cases.Refused {
		check(name, configuration, false)
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
