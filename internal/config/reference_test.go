package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

//go:generate go test -run ^TestReference$ -update

var update = flag.Bool("update", false, "write docs/configuration.md and the JSON schema anew")

const (
	pageFile   = "../../docs/configuration.md"
	schemaFile = "../../docs/zuora_exporter.schema.json"
)

type object = map[string]any

// section is a mapping of the configuration file.
type section struct {
	name   string // in the page's markers and in the schema
	reader string // the function that reads it
	keys   []key
	rules  object // what holds for several keys, as JSON schema says it
}

type key struct {
	name, kind string
	required   bool
	def        any // nil where there is none; "<...>" where it is made of other keys
	text       string
	schema     object
}

// What may stand for a string: 341.0 is text as well.
func text(pattern string) object {
	o := object{"type": []string{"string", "number", "boolean"}}
	if pattern != "" {
		o["pattern"] = pattern
	}
	return o
}

func listOf(o object) object { return object{"type": "array", "items": o} }
func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

// duration is model.ParseDuration's, with a number other than 0 where more is wanted.
func duration(positive bool) object {
	const pattern = "^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"
	if positive {
		return object{"type": "string", "pattern": pattern, "not": object{"pattern": "^[^1-9]*$"}}
	}
	// 0 needs no unit.
	return object{"type": []string{"string", "integer"}, "pattern": pattern + "|^0$", "minLength": 1, "minimum": 0, "maximum": 0}
}

func notBoth(a, b string) object { return object{"not": object{"required": []string{a, b}}} }

func either(a, b string) object {
	return object{"anyOf": []object{{"required": []string{a}}, {"required": []string{b}}}}
}

// reference is all that the configuration file may hold: what the page's tables
// and the schema are made of. The defaults are the parser's.
func reference(t *testing.T) []section {
	d := parse(t, minimal).Tenants[0]
	tlsVersion := object{"enum": slices.Sorted(maps.Keys(promconfig.TLSVersions))}
	filled := object{"type": text("")["type"], "minLength": 1}
	return []section{
		{name: "file", reader: "Parse", keys: []key{
			{name: "tenants", kind: "list of [tenants](#a-tenant)", required: true, text: "At least one.", schema: object{"type": "array", "items": ref("tenant"), "minItems": 1}},
		}},
		{
			name: "tenant", reader: "readTenant",
			rules: object{
				"dependencies": object{"no_proxy": []string{"proxy_url"}, "proxy_connect_header": either("proxy_url", "proxy_from_environment")},
				"not":          object{"required": []string{"proxy_url", "proxy_from_environment"}, "properties": object{"proxy_from_environment": object{"const": true}}},
			},
			keys: []key{
				{name: "name", kind: "string", required: true, text: "The `tenant` label of its metrics. Unique.", schema: filled},
				{name: "base_url", kind: "URL", required: true, text: "Of Zuora's API in the tenant's data centre and environment. Without user, password, query or fragment.", schema: object{"type": "string", "pattern": "^https?://[^@?#]+$"}},
				{name: "oauth2", kind: "[mapping](#oauth2)", required: true, text: "How access tokens are obtained.", schema: ref("oauth2")},
				{name: "entity_id", kind: "string", text: "Sent as `Zuora-Entity-Ids`, with the request for a token too. Only for a user of several entities.", schema: text(visibleASCII.String())},
				{name: "api_version", kind: "string: a date, or an older number", def: d.APIVersion, text: "Sent as `Zuora-Version`.", schema: text("^[0-9]{4}-[0-9]{2}-[0-9]{2}$|" + numericVersion.String())},
				{name: "request_timeout", kind: "duration above `0s`", def: model.Duration(d.RequestTimeout), text: "From sending one request to the end of its answer, for each try.", schema: duration(true)},
				{name: "max_concurrent_requests", kind: "integer from 1 up: requests", def: d.MaxConcurrentRequests, text: "Job requests at once, over all scrapes. Zuora allows 40 for the whole tenant, all its users together.", schema: object{"type": "integer", "minimum": 1}},
				{name: "refresh_interval", kind: "duration", def: model.Duration(d.RefreshInterval), text: "An answer younger than this is served again instead of being asked for. `0s` asks at every scrape.", schema: duration(false)},
				{name: "completed_refresh_interval", kind: "duration", def: model.Duration(d.CompletedRefreshInterval), text: "The same for jobs that Zuora calls Completed.", schema: duration(false)},
				{name: "rate_limit_reserve", kind: "number from 0 to below 1: share of the quota", def: d.RateLimitReserve, text: "What is left to others of Zuora's quota. Below it, nothing is asked until Zuora's reset.", schema: object{"type": "number", "minimum": 0, "exclusiveMaximum": 1}},
				{name: "proxy_url", kind: "URL: `http`, `https`, `socks5` or `socks5h`", text: "Proxy for all requests of the tenant. A password in it is never shown; write its `/`, `?` and `#` as `%2F`, `%3F` and `%23`.", schema: object{"type": "string", "pattern": "^((https?|socks5h?)://[^/?#]+/*)?$"}},
				{name: "no_proxy", kind: "string", text: "Hosts, domains, addresses and CIDR ranges, separated by commas, that are reached without `proxy_url`.", schema: text("")},
				{name: "proxy_from_environment", kind: "boolean", def: false, text: "Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are heeded. Not together with `proxy_url`.", schema: object{"type": "boolean"}},
				{name: "proxy_connect_header", kind: "mapping of lists of strings", text: "Headers for the proxy's CONNECT request. Never shown.", schema: object{"type": "object", "propertyNames": object{"pattern": headerName.String()}, "additionalProperties": listOf(text(`^[^\r\n]*$`))}},
				{name: "tls_config", kind: "[mapping](#tls_config)", text: "For connections to Zuora.", schema: ref("tls_config")},
				{name: "jobs", kind: "list of [jobs](#a-job)", text: "Read at each scrape of `/metrics`. None is needed where jobs come by `/probe`.", schema: listOf(ref("job"))},
			},
		},
		{
			name: "oauth2", reader: "readOAuth2",
			rules: object{"oneOf": []object{{"required": []string{"client_secret"}}, {"required": []string{"client_secret_file"}}}},
			keys: []key{
				{name: "client_id", kind: "string", required: true, text: "Of the OAuth client of a Zuora user.", schema: filled},
				{name: "client_secret", kind: "string", text: "Either this or `client_secret_file`.", schema: filled},
				{name: "client_secret_file", kind: "path", text: "File that holds the secret, and white space around it at most. Read for every token: a rotated secret needs neither restart nor reload.", schema: filled},
				{name: "token_url", kind: "URL", def: "<base_url>/oauth/token", text: "Where tokens are obtained.", schema: object{"type": "string", "pattern": `^https?://[^@?#]+(\?[^#]*)?$`}},
				{name: "scopes", kind: "list of strings", text: "Scopes of the token.", schema: listOf(filled)},
				{name: "endpoint_params", kind: "mapping of strings", text: "Further parameters of the request for a token; not `grant_type`, `client_id` or `client_secret`.", schema: object{"type": "object", "propertyNames": object{"not": object{"enum": []string{"grant_type", "client_id", "client_secret"}}}, "additionalProperties": text("")}},
			},
		},
		{
			name: "tls_config", reader: "readTLSConfig",
			rules: object{
				"allOf": []object{notBoth("ca", "ca_file"), notBoth("cert", "cert_file"), notBoth("key", "key_file")},
				"dependencies": object{
					"cert": either("key", "key_file"), "cert_file": either("key", "key_file"),
					"key": either("cert", "cert_file"), "key_file": either("cert", "cert_file"),
				},
			},
			keys: []key{
				{name: "ca", kind: "string: PEM", text: "Certificates of the authorities that are trusted, in place of the system's.", schema: text("")},
				{name: "ca_file", kind: "path", text: "The same in a file.", schema: filled},
				{name: "cert", kind: "string: PEM", text: "Client certificate; it needs `key` or `key_file`.", schema: text("")},
				{name: "cert_file", kind: "path", text: "The same in a file.", schema: filled},
				{name: "key", kind: "string: PEM", text: "Key of the client certificate. Never shown.", schema: text("")},
				{name: "key_file", kind: "path", text: "The same in a file.", schema: filled},
				{name: "server_name", kind: "string", def: "<the host of the URL>", text: "Name that the server's certificate must have.", schema: text("")},
				{name: "insecure_skip_verify", kind: "boolean", def: false, text: "Whether any certificate is trusted. Whoever is in between then gets the secret.", schema: object{"type": "boolean"}},
				{name: "min_version", kind: "`TLS10`, `TLS11`, `TLS12` or `TLS13`", def: "<Go's: TLS12>", text: "Lowest version of TLS.", schema: tlsVersion},
				{name: "max_version", kind: "`TLS10`, `TLS11`, `TLS12` or `TLS13`", def: "<Go's: TLS13>", text: "Highest version of TLS.", schema: tlsVersion},
			},
		},
		{name: "job", reader: "readJob", keys: []key{
			{name: "id", kind: "string of 32 characters", required: true, text: "What Zuora answered when the job was submitted: letters, digits and `-._~`. Once in a tenant, with or without hyphens.", schema: object{"type": []string{"string", "number"}, "pattern": "^[0-9A-Za-z._~-]{32}$"}},
			{name: "labels", kind: "mapping of strings", text: "Labels for every series of the job. Names are letters, digits and underscores, begin with no digit, and are not those that the exporter or Prometheus sets.", schema: object{
				"type":                 "object",
				"propertyNames":        object{"pattern": labelName.String(), "not": object{"anyOf": []object{{"pattern": "^__"}, {"enum": slices.Sorted(maps.Keys(reservedLabels))}}}},
				"additionalProperties": text(""),
			}},
		}},
	}
}

// TestReference fails where the page or the schema is not what the table makes
// of them.
func TestReference(t *testing.T) {
	sections := reference(t)
	page := readFile(t, pageFile)
	for _, s := range sections {
		tables := regexp.MustCompile(`(?s)(<!-- keys: ` + s.name + ` -->\n).*?(<!-- end -->)`)
		if n := len(tables.FindAllString(page, -1)); n != 1 {
			t.Errorf("%d tables of %s", n, s.name)
		}
		page = tables.ReplaceAllString(page, "${1}"+strings.ReplaceAll(s.table(), "$", "$$")+"$2")
	}
	for file, content := range map[string]string{pageFile: page, schemaFile: schema(t, sections)} {
		if *update {
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(readFile(t, file), content); diff != "" {
			t.Errorf("%s is stale: go generate ./config (-is +should be)\n%s", file, diff)
		}
	}
}

func (s section) table() string {
	b := "\n| key | type | default | |\n|---|---|---|---|\n"
	for _, k := range s.keys {
		def := ""
		switch {
		case k.required:
			def = "required"
		case k.def != nil:
			def = fmt.Sprintf("`%v`", k.def)
		}
		b += fmt.Sprintf("| `%s` | %s | %s | %s |\n", k.name, k.kind, def, k.text)
	}
	return b + "\n"
}

func schema(t *testing.T, sections []section) string {
	definitions := object{}
	for _, s := range sections {
		properties, required := object{}, []string{}
		for _, k := range s.keys {
			// Editors show it as it is, not as Markdown.
			o := object{"description": strings.ReplaceAll(k.text, "`", "")}
			if k.required {
				required = append(required, k.name)
			}
			if k.def != nil && !strings.HasPrefix(fmt.Sprint(k.def), "<") {
				o["default"] = k.def
			}
			if _, is := k.schema["$ref"]; is { // draft 7 looks at nothing beside a $ref
				o["allOf"] = []object{k.schema}
			} else {
				maps.Copy(o, k.schema)
			}
			properties[k.name] = o
		}
		o := object{"type": "object", "additionalProperties": false, "properties": properties, "required": required}
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

// The keys that the functions of this package hand to mapping are those of the
// reference.
func TestReferenceHasEveryKey(t *testing.T) {
	want := map[string]map[string]bool{} // reader -> key -> whether it is required
	for _, s := range reference(t) {
		want[s.reader] = map[string]bool{}
		for _, k := range s.keys {
			want[s.reader][k.name] = k.required
		}
	}
	got := map[string]map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && !strings.HasSuffix(file, "_test.go") {
				if keys := mappingKeys(fn); len(keys) > 0 {
					got[fn.Name.Name] = keys
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-reference +parser)\n%s", diff)
	}
}

// mappingKeys returns the keys of the map[string]func(value) error that fn
// has, and whether fn hands their names to mapping as required.
func mappingKeys(fn *ast.FuncDecl) map[string]bool {
	keys := map[string]bool{}
	literal := func(e ast.Expr) string {
		l, ok := e.(*ast.BasicLit)
		if !ok {
			return ""
		}
		s, _ := strconv.Unquote(l.Value)
		return s
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if m, ok := n.Type.(*ast.MapType); ok {
				if _, ok := m.Value.(*ast.FuncType); ok {
					for _, e := range n.Elts {
						if name := literal(e.(*ast.KeyValueExpr).Key); !keys[name] {
							keys[name] = false // unless it was found to be required
						}
					}
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "mapping" {
				for _, arg := range n.Args[1:] {
					keys[literal(arg)] = true
				}
			}
		}
		return true
	})
	return keys
}

// Each example of the page is valid, and between them they have every key.
func TestReferenceExamples(t *testing.T) {
	dir := t.TempDir()
	c := newCertificate(t)
	for name, content := range map[string]string{"ca.pem": c.certPEM, "client.pem": c.certPEM, "client.key": c.keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	body := func(pem string) string { // in one line
		lines := strings.Split(strings.TrimSpace(pem), "\n")
		return strings.Join(lines[1:len(lines)-1], "")
	}
	inline := strings.NewReplacer("MIIB...", body(c.certPEM), "MIGH...", body(c.keyPEM))

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
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readFile(t, pageFile), -1)
	for _, example := range examples {
		if _, err := Parse(filepath.Join(dir, "zuora_exporter.yml"), []byte(inline.Replace(example[1]))); err != nil {
			t.Errorf("%s\n%s", err, example[1])
		}
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(example[1]), &node); err != nil {
			t.Fatal(err)
		}
		note("", &node)
	}
	places := map[string]string{"file": "", "tenant": "tenants", "job": "jobs"}
	for _, s := range reference(t) {
		place, ok := places[s.name]
		if !ok {
			place = s.name
		}
		for _, k := range s.keys {
			if !used[place+"."+k.name] {
				t.Errorf("no example has %s of %s", k.name, s.name)
			}
		}
	}
}

// The parser agrees with what the schema is expected to accept and to refuse;
// test/validate gives the same cases to the schema.
func TestSchemaCases(t *testing.T) {
	var cases map[string]map[string]any
	if err := yaml.Unmarshal([]byte(readFile(t, "testdata/schema.yml")), &cases); err != nil {
		t.Fatal(err)
	}
	for _, verdict := range []string{"accepted", "refused"} {
		if len(cases[verdict]) == 0 {
			t.Errorf("nothing is %s", verdict)
		}
		for name, tenants := range cases[verdict] {
			file, err := yaml.Marshal(tenants)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse("test.yml", file); (err == nil) != (verdict == "accepted") {
				t.Errorf("%s: must be %s, but the error is %v\n%s", name, verdict, err, file)
			}
		}
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
