package packaging

//go:generate go test . -run TestChart -update

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

var update = flag.Bool("update", false, "write the chart's README.md anew")

// The chart's README has a row for each of its values. test/checks renders the
// chart.
func TestChartReadme(t *testing.T) {
	const file = "helm/zuora-exporter/README.md"
	var values yaml.Node
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "packaging", "helm", "zuora-exporter", "values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	table := "| value | default | |\n|---|---|---|\n" + strings.Join(valueRows(t, "", values.Content[0]), "")
	got := testutil.Read(t, "packaging", file)
	want := regexp.MustCompile(`(?s)(<!-- values -->\n).*(<!-- end -->\n)`).
		ReplaceAllStringFunc(got, func(string) string { return "<!-- values -->\n" + table + "<!-- end -->\n" })
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if diff := cmp.Diff(got, want); diff != "" || !strings.Contains(got, table) {
		t.Errorf("run go generate ./packaging: %s (-got +want):\n%s", file, diff)
	}
}

// valueRows returns the rows of a mapping: one for each key that has a comment,
// and those inside the others.
func valueRows(t *testing.T, prefix string, mapping *yaml.Node) (rows []string) {
	t.Helper()
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := prefix + key.Value
		if key.HeadComment == "" {
			if value.Kind != yaml.MappingNode {
				t.Errorf("%s: got no comment in values.yaml, want one", name)
			}
			rows = append(rows, valueRows(t, name+".", value)...)
			continue
		}
		value.Style = yaml.FlowStyle
		if value.Kind == yaml.ScalarNode {
			value.Style = 0
		}
		text, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		comment := strings.TrimPrefix(strings.ReplaceAll(key.HeadComment, "\n#", ""), "# ")
		rows = append(rows, "| `"+name+"` | `"+strings.Join(strings.Fields(string(text)), " ")+"` | "+comment+" |\n")
	}
	return rows
}

// The chart's schema has each of its values, so that Helm finds misspelled ones.
func TestChartSchema(t *testing.T) {
	var values yaml.Node
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "packaging", "helm", "zuora-exporter", "values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	schema := valueSchema(values.Content[0])
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["properties"].(map[string]any)["global"] = map[string]any{"type": "object"} // Helm's own
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "helm/zuora-exporter/values.schema.json"
	if *update {
		if err := os.WriteFile(file, append(want, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(testutil.Read(t, "packaging", file), string(want)+"\n"); diff != "" {
		t.Errorf("run go generate ./packaging: %s (-got +want):\n%s", file, diff)
	}
}

// valueSchema is of a mapping. What is inside a value that has a comment is the
// user's.
func valueSchema(mapping *yaml.Node) map[string]any {
	types := map[string]any{"!!str": "string", "!!int": "integer", "!!bool": "boolean", "!!seq": "array", "!!map": []string{"object", "null"}}
	properties := map[string]any{}
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if key.HeadComment == "" {
			properties[key.Value] = valueSchema(value)
		} else {
			properties[key.Value] = map[string]any{"type": types[value.Tag]}
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}
