package config

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// The errors of yaml.v3 and of Prometheus's types quote values and the names of
// Go's types, and have no path. They are replaced here.

const (
	notURL     = "must be a URL with a scheme and a host, such as https://example.com:8443"
	inPassword = "; in a password, write / ? # as %2F %3F %23"
)

// expected says what a single value must be.
var expected = map[reflect.Type]string{
	reflect.TypeFor[string]():                "must be a single value; if it begins with { or [, put it in quotes",
	reflect.TypeFor[promconfig.Secret]():     "must be a single value; if it begins with { or [, put it in quotes",
	reflect.TypeFor[promconfig.URL]():        notURL,
	reflect.TypeFor[promconfig.TLSVersion](): "must be one of TLS10, TLS11, TLS12, TLS13",
	reflect.TypeFor[model.Duration]():        "must be a duration with its unit, such as 30s or 1m30s",
	reflect.TypeFor[bool]():                  "must be true or false",
	reflect.TypeFor[float64]():               "must be a number, without a unit",
}

// explain finds the first value that could not be decoded.
func (d *document) explain(decoding error) {
	if strings.Contains(decoding.Error(), "excessive aliasing") {
		d.fail(1, "", "there are too many aliases (*)")
		return
	}
	d.find("", d.nodes.root.Line, d.nodes.root, reflect.TypeFor[file]())
	d.fail(1, "", "an alias (*) or a merge (<<) cannot be followed")
}

// find fails if a value in n is not of the type.
func (d *document) find(path string, line int, n *yaml.Node, t reflect.Type) {
	n = target(n)
	sentence, isSingle := expected[t]
	switch isList := t.Kind() == reflect.Slice; {
	case d.err != nil || isNull(n):
	case isSingle:
		if strings.HasSuffix(path, "proxy_url") {
			sentence += inPassword
		}
		if n.Kind != yaml.ScalarNode || n.Decode(reflect.New(t).Interface()) != nil {
			d.fail(line, path, sentence)
		}
	case isList && n.Kind == yaml.SequenceNode:
		for i, element := range n.Content {
			d.find(fmt.Sprintf("%s[%d]", path, i), element.Line, element, t.Elem())
		}
	case isList:
		d.fail(line, path, "must be a list: each element on its own line, after a hyphen")
	case n.Kind == yaml.MappingNode:
		d.findInMapping(path, n, t)
	case path == "":
		d.fail(line, path, "the file must begin with the key tenants:")
	default:
		d.fail(line, path, "must be a mapping: keys with a colon, each on its own line")
	}
}

// secretPlace is where a secret is easily pasted as a key, which no error may
// quote then.
var secretPlace = regexp.MustCompile(`\b(oauth2|tls_config|proxy_connect_header)\b`)

func (d *document) findInMapping(path string, n *yaml.Node, t reflect.Type) {
	names, types := keysOf(t)
	first := map[string]int{} // lines
	for i := 0; i < len(n.Content); i += 2 {
		key, value, line := target(n.Content[i]), n.Content[i+1], n.Content[i].Line
		want, inside := types[key.Value], path
		if want != nil || !secretPlace.MatchString(path) {
			inside = join(path, key.Value)
		}
		if t.Kind() == reflect.Map {
			want = t.Elem()
		}
		switch {
		case key.ShortTag() == "!!merge": // what is merged has its own place
			continue
		case key.Kind != yaml.ScalarNode:
			d.fail(line, path, "has a key that is not a plain name")
		case first[key.Value] > 0:
			d.fail(line, inside, fmt.Sprintf("duplicate key, first on line %d", first[key.Value]))
		case want == nil:
			d.fail(line, inside, "unknown key; "+meant(key.Value, names))
		default:
			d.find(inside, line, value, want)
		}
		first[key.Value] = line
	}
}

// keysOf returns the keys of a struct, in its order, and their types.
func keysOf(t reflect.Type) (names []string, types map[string]reflect.Type) {
	types = map[string]reflect.Type{}
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		field := t.Field(i)
		switch name, options, _ := strings.Cut(field.Tag.Get("yaml"), ","); {
		case options == "inline":
			inline, inlineTypes := keysOf(field.Type)
			names = append(names, inline...)
			maps.Copy(types, inlineTypes)
		case name != "" && !strings.HasSuffix(name, "_ref"): // Prometheus's secret managers
			names, types[name] = append(names, name), field.Type
		}
	}
	return names, types
}

// structs are the mappings that a badly indented key may belong to.
var structs = map[string]reflect.Type{
	"a tenant": reflect.TypeFor[tenant](), "oauth2": reflect.TypeFor[oauth2](),
	"tls_config": reflect.TypeFor[tlsConfig](), "a job": reflect.TypeFor[Job](),
}

// meant names the place of a key that is known elsewhere, or the key that was
// likely meant: it begins with the same letter, is about as long, and has all
// other letters but one. Else it lists all keys.
func meant(unknown string, keys []string) string {
	for place, t := range structs {
		if _, types := keysOf(t); types[unknown] != nil {
			return "it is a key of " + place + ": is it indented as the others there?"
		}
	}
	for _, key := range keys {
		missing := strings.Map(func(r rune) rune {
			if !unicode.IsLetter(r) || strings.ContainsRune(key, unicode.ToLower(r)) {
				return -1
			}
			return r
		}, unknown)
		longer := len(unknown) - len(key)
		if strings.EqualFold(key[:1], unknown[:min(1, len(unknown))]) && -2 <= longer && longer <= 2 && len(missing) <= 1 {
			return "did you mean " + key + "?"
		}
	}
	return "the keys here are " + strings.Join(keys, ", ")
}

// syntaxErrors replace messages of yaml.v3 that quote the file or say too little.
var syntaxErrors = []struct{ message, sentence string }{
	{"unknown anchor", "there is an alias (*) without its anchor (&); a text that begins with * needs quotes"},
	{"alphabetic or numeric", "a text that begins with & or * needs quotes"},
	{"cannot start any token", "a text that begins with @, % or ` needs quotes"},
	{"mapping values are not allowed", "a text with a colon and a space needs quotes, and the keys of a mapping need the same indentation"},
	{"did not find expected key", "the keys of a mapping need the same indentation"},
	{"expected '-'", "the elements of a list need the same indentation"},
	{"expected ':'", "a key needs a colon and a space after it"},
	{"expected ','", "a bracket or a brace is not closed, or a comma is missing"},
	{"end of stream", "a quote is not closed"},
	{"UTF-8", "the file must be saved as UTF-8"},
}

var (
	yamlPlace = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)
	// With these messages comes the line at which the block begins.
	atBlock = regexp.MustCompile(`did not find expected (key|'|node|<)|violates indentation`)
)

// explainSyntax finds the first syntax error of data.
func (d *document) explainSyntax(data []byte) {
	rest := bytes.NewReader(data)
	decoder := yaml.NewDecoder(byteReader{rest})
	var err error
	for err == nil {
		err = decoder.Decode(new(yaml.Node))
	}
	message, place := yamlPlace.ReplaceAllString(err.Error(), ""), ""
	line, _ := strconv.Atoi(yamlPlace.FindStringSubmatch(err.Error())[1])
	if line == 0 || atBlock.MatchString(message) {
		read := data[:max(0, len(data)-rest.Len()-1)]
		line, place = 1+bytes.Count(read, []byte("\n")), " here or just above"
	}
	for _, e := range syntaxErrors {
		if strings.Contains(message, e.message) {
			message = e.sentence
			break
		}
	}
	if text := bytes.Split(data, []byte("\n"))[line-1]; bytes.HasPrefix(bytes.TrimLeft(text, " "), []byte("\t")) {
		message = "YAML is indented with spaces only, not with tabs"
	}
	d.fail(line, "", "not valid YAML"+place+": "+message)
}

// byteReader returns one byte at a time: the file tells how far it was read.
type byteReader struct{ file io.Reader }

func (r byteReader) Read(p []byte) (int, error) { return r.file.Read(p[:1]) }
