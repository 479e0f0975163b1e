package validate

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// configurationSchema returns a function that gives a configuration to the
// schema for editors.
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

// Every configuration that the documents and the examples show.
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
			t.Errorf("no configuration in %s, but in %v", file, found)
		}
	}
}

// What the parser accepts and refuses, by the cases that its own test reads.
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
		t.Fatalf("%+v", cases)
	}
	check := func(name string, configuration any, accepted bool) {
		text, err := yaml.Marshal(configuration)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(text); (err == nil) != accepted {
			t.Errorf("%s: accepted should be %v, but the error is %v\n%s", name, accepted, err, text)
		}
	}
	for name, configuration := range cases.Accepted {
		check(name, configuration, true)
	}
	for name, configuration := range cases.Refused {
		check(name, configuration, false)
	}
}
