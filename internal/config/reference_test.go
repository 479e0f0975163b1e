package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const pageFile = "docs/configuration.md"

// docSection is what users see of a section.
type docSection struct {
	name  string
	keys  []keyDoc
	rules object
}

func docOf[T any](s *section[T]) docSection {
	d := docSection{name: s.name, rules: s.rules}
	for _, k := range s.keys {
		d.keys = append(d.keys, k.keyDoc)
	}
	return d
}

func reference() []docSection {
	return []docSection{docOf(&fileKeys), docOf(&tenantKeys), docOf(&oauth2Keys), docOf(&tlsKeys), docOf(&jobKeys)}
}

// The page and the schema are what the table makes of them.
func TestReference(t *testing.T) {
	sections := reference()
	page := testutil.Read(t, pageFile)
	for _, s := range sections {
		tables := regexp.MustCompile(`(?s)(<!-- keys: ` + s.name + ` -->\n).*?(<!-- end -->)`)
		if n := len(tables.FindAllString(page, -1)); n != 1 {
			t.Errorf("got %d tables of %s, want 1", n, s.name)
		}
		page = tables.ReplaceAllString(page, "${1}"+strings.ReplaceAll(s.table(), "$", "$$")+"$2")
	}
	testutil.Generated(t, page, pageFile)
	testutil.Generated(t, schema(t, sections), "docs", "zuora_exporter.schema.json")
}

func (s docSection) table() string {
	b := "\n| key | type | default | |\n|---|---|---|---|\n"
	for _, k := range s.keys {
		def := ""
		switch {
		case k.def == required:
			def = "required"
		case k.def != nil:
			def = fmt.Sprint(k.def)
			if !strings.Contains(def, " ") { // otherwise it is no value, but words about it
				def = "`" + def + "`"
			}
		}
		text := k.text
		if k.secret {
			text += " Never shown in errors."
		}
		b += fmt.Sprintf("| `%s` | %s | %s | %s |\n", k.name, k.kind, def, text)
	}
	return b + "\n"
}

func schema(t *testing.T, sections []docSection) string {
	definitions := object{}
	for _, s := range sections {
		properties, needed := object{}, []string{}
		for _, k := range s.keys {
			// Editors show no Markdown.
			o := object{"description": strings.ReplaceAll(k.text, "`", "")}
			if k.def == required {
				needed = append(needed, k.name)
			}
			if _, none := k.def.(implied); k.def != nil && !none {
				o["default"] = k.def
			}
			if _, is := k.schema["$ref"]; is { // Draft 7 ignores what is beside a $ref.
				o["allOf"] = []object{k.schema}
			} else {
				maps.Copy(o, k.schema)
			}
			properties[k.name] = o
		}
		o := object{"type": "object", "additionalProperties": false, "properties": properties, "required": needed}
		maps.Copy(o, s.rules)
		definitions[s.name] = o
	}
	whole := object{
		"$schema": "http://json-schema.org/draft-07/schema#",
		"$id":     "https://raw.githubusercontent.com/zuora-exporter/zuora_exporter/main/docs/zuora_exporter.schema.json",
		"title":   "Configuration of zuora_exporter",
	}
	maps.Copy(whole, definitions["file"].(object))
	delete(definitions, "file")
	whole["definitions"] = definitions

	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(whole); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every example of the page is valid, and every key is in one of them.
func TestReferenceExamples(t *testing.T) {
	dir := t.TempDir()
	c := testutil.NewCertificate(t)
	for name, content := range map[string]string{"ca.pem": c.CertPEM, "client.pem": c.CertPEM, "client.key": c.KeyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	body := func(pem string) string { // in one line
		lines := strings.Split(strings.TrimSpace(pem), "\n")
		return strings.Join(lines[1:len(lines)-1], "")
	}
	inline := strings.NewReplacer("MIIB...", body(c.CertPEM), "MIGH...", body(c.KeyPEM))

	used := map[string]bool{}
	var note func(place string, node *yaml.Node)
	note = func(place string, node *yaml.Node) {
		for i, child := range node.Content {
			switch node.Kind {
			case yaml.MappingNode:
				if i%2 == 1 {
					name := node.Content[i-1].Value
					used[place+"."+name] = true
					note(name, child)
				}
			default:
				note(place, child)
			}
		}
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(testutil.Read(t, pageFile), -1)
	for _, example := range examples {
		if _, err := Parse(filepath.Join(dir, "zuora_exporter.yml"), []byte(inline.Replace(example[1]))); err != nil {
			t.Errorf("got %v, want the example to be valid:\n%s", err, example[1])
		}
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(example[1]), &node); err != nil {
			t.Fatal(err)
		}
		note("", &node)
	}
	places := map[string]string{"file": "", "tenant": "tenants", "job": "jobs"}
	for _, s := range reference() {
		place, ok := places[s.name]
		if !ok {
			place = s.name
		}
		for _, k := range s.keys {
			if !used[place+"."+k.name] {
				t.Errorf("got no example with %s of %s, want one", k.name, s.name)
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
			file, err := yaml.Marshal(tenants)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse("test.yml", file); (err == nil) != (verdict == "accepted") {
				t.Errorf("%s: got error %v, want it %s\n%s", name, err, verdict, file)
			}
		}
	}
}
