package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// sections are the headings of docs/configuration.md, the definitions of the
// JSON schema, and the structs with the same keys.
var sections = []struct {
	heading, definition string
	value               any // with its defaults
}{
	{"## The file", "", file{}},
	{"## A tenant", "tenant", defaults},
	{"## oauth2", "oauth2", oauth2{}},
	{"## tls_config", "tls_config", tlsConfig{}},
	{"## A job", "job", Job{}},
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
	for _, s := range sections {
		_, section, _ := strings.Cut(page, s.heading+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		def := schema.Definitions[s.definition]
		if s.definition == "" {
			def = schema.definition
		}
		keys, _ := keysOf(reflect.TypeOf(s.value))
		var inTable, required []string
		for _, cells := range row.FindAllStringSubmatch(section, -1) {
			key, inPage, text := cells[1], cells[2], cells[3]
			inTable = append(inTable, key)
			if inPage == "required" {
				required = append(required, key)
			}
			p := def.Properties[key]
			want := defaultOf(reflect.ValueOf(s.value), key)
			if inSchema := fmt.Sprint(p.Default); want != "" && (inPage != "`"+want+"`" || inSchema != want) {
				t.Errorf("%s: default of %s: got %s on the page and %s in the schema, want %s", s.heading, key, inPage, inSchema, want)
			}
			if want := strings.ReplaceAll(text, "`", ""); p.Description != want { // editors show no Markdown
				t.Errorf("%s: %s: got the description %q in the schema, want the page's, %q", s.heading, key, p.Description, want)
			}
		}
		slices.Sort(keys)
		slices.Sort(inTable)
		if !slices.Equal(inTable, keys) {
			t.Errorf("%s: got the keys %q on the page, want %q", s.heading, inTable, keys)
		}
		if got := slices.Sorted(maps.Keys(def.Properties)); !slices.Equal(got, keys) {
			t.Errorf("%s: got the keys %q in the schema, want %q", s.heading, got, keys)
		}
		if !slices.Equal(def.Required, required) {
			t.Errorf("%s: got the required keys %q in the schema, and %q on the page", s.heading, def.Required, required)
		}
	}
}

// defaultOf returns the default of a key, or "" if it has none.
func defaultOf(v reflect.Value, key string) string {
	for i := range v.NumField() {
		switch name, options, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ","); {
		case options == "inline":
			if def := defaultOf(v.Field(i), key); def != "" {
				return def
			}
		case name == key:
			switch v := v.Field(i).Interface().(type) {
			case model.Duration, bool, float64, string:
				return fmt.Sprint(v)
			}
		}
	}
	return ""
}

// Every example of the page is valid, and every key is in one of them.
func TestReferenceExamples(t *testing.T) {
	dir, c := t.TempDir(), testutil.NewCertificate(t)
	testutil.Write(t, dir, "ca.pem", c.CertPEM)
	testutil.Write(t, dir, "client.pem", c.CertPEM)
	testutil.Write(t, dir, "client.key", c.KeyPEM)
	body := func(pem string) string { // in one line
		lines := strings.Split(strings.TrimSpace(pem), "\n")
		return strings.Join(lines[1:len(lines)-1], "")
	}
	inline := strings.NewReplacer("MIIB...", body(c.CertPEM), "MIGH...", body(c.KeyPEM))
	page := testutil.Read(t, "docs", "configuration.md")
	var all strings.Builder
	for _, example := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		if _, err := Parse(filepath.Join(dir, "zuora_exporter.yml"), []byte(inline.Replace(example[1]))); err != nil {
			t.Errorf("got %v, want the example to be valid:\n%s", err, example[1])
		}
		all.WriteString(example[1])
	}
	for _, s := range sections {
		keys, _ := keysOf(reflect.TypeOf(s.value))
		for _, key := range keys {
			if !regexp.MustCompile(`(?m)(^[ -]*|[{,] *)` + key + `:`).MatchString(all.String()) {
				t.Errorf("got no example with %s of %s, want one", key, s.heading)
			}
		}
	}
}

// The reader accepts and refuses what the schema does: test/checks has the
// same cases.
func TestSchemaCases(t *testing.T) {
	var cases map[string]map[string]any
	if err := yaml.Unmarshal([]byte(testutil.Read(t, "internal/config/testdata/schema.yml")), &cases); err != nil {
		t.Fatal(err)
	}
	for _, verdict := range []string{"accepted", "refused"} {
		if len(cases[verdict]) == 0 {
			t.Errorf("got no case that is %s", verdict)
		}
		for name, tenants := range cases[verdict] {
			content, err := yaml.Marshal(tenants)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse("test.yml", content); (err == nil) != (verdict == "accepted") {
				t.Errorf("%s: got error %v, want it %s\n%s", name, err, verdict, content)
			}
		}
	}
}
