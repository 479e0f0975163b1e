package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// sections are the headings of docs/configuration.md, and the structs with the
// same keys and with their defaults. The last word of a heading is what the JSON
// schema calls them.
var sections = map[string]any{
	"The file": Config{}, "A tenant": defaults, "oauth2": OAuth2{}, "tls_config": tlsConfig{}, "A job": Job{},
}

// The page and the schema have the keys of the structs, with their defaults,
// and require the same of them. Both say the same about each.
func TestReference(t *testing.T) {
	type property struct {
		Description string
		Default     any
	}
	type definition struct {
		Properties map[string]property
		Required   []string
	}
	var schema struct {
		definition
		Definitions map[string]definition
	}
	if err := json.Unmarshal([]byte(testutil.Read(t, "docs", "zuora_exporter.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	page := testutil.Read(t, "docs", "configuration.md")
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .* \\| (.*) \\| (.*) \\|$")
	schema.Definitions["file"] = schema.definition
	for heading, value := range sections {
		_, section, _ := strings.Cut(page, "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		def := schema.Definitions[heading[strings.LastIndex(heading, " ")+1:]]
		keys, _ := keysOf(reflect.TypeOf(value))
		var inTable, required []string
		for _, cells := range row.FindAllStringSubmatch(section, -1) {
			key, inPage, text := cells[1], cells[2], cells[3]
			inTable = append(inTable, key)
			if inPage == "required" {
				required = append(required, key)
			}
			p := def.Properties[key]
			want := defaultOf(reflect.ValueOf(value), key)
			if inSchema := fmt.Sprint(p.Default); want != "" && (inPage != "`"+want+"`" || inSchema != want) {
				t.Errorf("%s: default of %s: got %s on the page and %s in the schema, want %s", heading, key, inPage, inSchema, want)
			}
			if want := strings.ReplaceAll(text, "`", ""); p.Description != want { // editors show no Markdown
				t.Errorf("%s: %s: got the description %q in the schema, want the page's, %q", heading, key, p.Description, want)
			}
		}
		slices.Sort(keys)
		slices.Sort(inTable)
		if !slices.Equal(inTable, keys) {
			t.Errorf("%s: got the keys %q on the page, want %q", heading, inTable, keys)
		}
		if got := slices.Sorted(maps.Keys(def.Properties)); !slices.Equal(got, keys) {
			t.Errorf("%s: got the keys %q in the schema, want %q", heading, got, keys)
		}
		if !slices.Equal(def.Required, required) {
			t.Errorf("%s: got the required keys %q in the schema, and %q on the page", heading, def.Required, required)
		}
	}
}

// defaultOf returns the default of a key, or "" if it has none.
func defaultOf(v reflect.Value, key string) string {
	for _, field := range reflect.VisibleFields(v.Type()) {
		if name, _, _ := strings.Cut(field.Tag.Get("yaml"), ","); name == key {
			switch v := v.FieldByIndex(field.Index).Interface().(type) {
			case model.Duration, bool, float64, string:
				return fmt.Sprint(v)
			}
		}
	}
	return ""
}
