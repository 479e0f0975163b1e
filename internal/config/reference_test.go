package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	type definition struct {
		Properties map[string]struct {
			Description string
			Default     json.RawMessage
		}
		Required []string
	}
	var schema struct {
		definition
		Definitions map[string]definition
	}
	if err := json.Unmarshal([]byte(testutil.Read(t, "docs", "zuora_exporter.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	schema.Definitions["file"] = schema.definition
	page := testutil.Read(t, "docs", "configuration.md")
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\| .* \\| (.*) \\| (.*) \\|$")
	type key struct {
		Required      bool
		Default, Text string
	}
	for heading, value := range sections {
		_, section, _ := strings.Cut(page, "\n## "+heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		def := schema.Definitions[heading[strings.LastIndex(heading, " ")+1:]]
		onPage, inSchema, want := map[string]key{}, map[string]key{}, map[string]key{}
		for _, cells := range row.FindAllStringSubmatch(section, -1) {
			name, told := cells[1], ""
			if defaultOf(value, name) != "" { // otherwise it is said in words
				told = strings.Trim(cells[2], "`")
			}
			onPage[name] = key{cells[2] == "required", told, strings.ReplaceAll(cells[3], "`", "")} // editors show no Markdown
		}
		for name, p := range def.Properties {
			inSchema[name] = key{slices.Contains(def.Required, name), strings.Trim(string(p.Default), `"`), p.Description}
		}
		names, _ := keysOf(reflect.TypeOf(value))
		for _, name := range names {
			want[name] = key{onPage[name].Required, defaultOf(value, name), onPage[name].Text}
		}
		if diff := cmp.Diff(want, onPage); diff != "" {
			t.Errorf("%s: the page differs from the structs (-want +got):\n%s", heading, diff)
		}
		if diff := cmp.Diff(want, inSchema); diff != "" {
			t.Errorf("%s: the schema differs from the page and the structs (-want +got):\n%s", heading, diff)
		}
	}
}

// defaultOf returns the default of a key, or "" if it has none.
func defaultOf(section any, key string) string {
	v := reflect.ValueOf(section)
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
