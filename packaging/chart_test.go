package packaging

//go:generate go test . -run TestChart -update

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// chart is the chart's folder.
const chart = "packaging/helm/zuora-exporter"

// chartValues returns values.yaml with its comments.
func chartValues(t *testing.T) *yaml.Node {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(testutil.Read(t, chart, "values.yaml")), &document); err != nil {
		t.Fatal(err)
	}
	return document.Content[0]
}

// The chart's README has a row for each of its values. test/checks renders the
// chart.
func TestChartReadme(t *testing.T) {
	table := "| value | default | |\n|---|---|---|\n" + strings.Join(valueRows(t, "", chartValues(t)), "")
	page := testutil.Read(t, chart, "README.md")
	place := regexp.MustCompile(`(?s)(<!-- values -->\n).*(<!-- end -->\n)`)
	if n := len(place.FindAllString(page, -1)); n != 1 {
		t.Errorf("got %d tables of values in the chart's README, want 1", n)
	}
	page = place.ReplaceAllStringFunc(page, func(string) string { return "<!-- values -->\n" + table + "<!-- end -->\n" })
	testutil.Generated(t, page, chart, "README.md")
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

// The chart's schema names every value, because Helm then refuses misspelled ones.
func TestChartSchema(t *testing.T) {
	schema := valueSchema(chartValues(t))
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["properties"].(map[string]any)["global"] = map[string]any{"type": "object"} // Helm's own
	want, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	testutil.Generated(t, string(want)+"\n", chart, "values.schema.json")
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
