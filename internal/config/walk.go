package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

var (
	plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	// A secret is easily pasted as a key of these, which no error quotes then.
	secretStruct = regexp.MustCompile(`\b(oauth2|tls_config)(\.<<)*$`)
	secretMap    = regexp.MustCompile(`\b(endpoint_params|proxy_connect_header)\b.*`)
)

const (
	notText    = "must be a single value; if it begins with { or [, put it in quotes"
	notURL     = "must be a URL with a scheme and a host, such as https://example.com:8443"
	inPassword = "; in a password, write / ? # as %2F %3F %23"
)

// expected says what a single value must be.
var expected = map[reflect.Type]string{
	reflect.TypeFor[string]():                notText,
	reflect.TypeFor[promconfig.Secret]():     notText,
	reflect.TypeFor[promconfig.URL]():        notURL,
	reflect.TypeFor[promconfig.TLSVersion](): "must be one of TLS10, TLS11, TLS12, TLS13",
	reflect.TypeFor[model.Duration]():        "must be a duration with its unit, such as 30s or 1m30s",
	reflect.TypeFor[bool]():                  "must be true or false",
	reflect.TypeFor[float64]():               "must be a number, without a unit",
}

// walk notes the line of each path, takes the values as they are meant, and
// fails if one is not of its type. White space and byte order marks around a
// value are dropped, and a key without a value is as if it were not there. The
// list or mapping that an alias stands for was walked at its own place.
func (d *document) walk(path string, line int, n *yaml.Node, t reflect.Type) {
	d.lines[path] = line
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	sentence, isSingle := expected[t]
	isList := t.Kind() == reflect.Slice
	switch {
	case isEmpty(n):
		n.Value, n.Tag, n.Style = "", "!!null", 0
	case isSingle:
		n.Value = strings.TrimFunc(n.Value, isBlank)
		if strings.HasSuffix(path, "proxy_url") {
			sentence += inPassword
		}
		if n.Decode(reflect.New(t).Interface()) != nil {
			d.fail(line, path, sentence)
		}
	case n.Kind == yaml.AliasNode:
	case isList && n.Kind == yaml.SequenceNode:
		n.Content = slices.DeleteFunc(n.Content, func(element *yaml.Node) bool {
			d.doubt(isEmpty(element), path, "has an empty entry (a hyphen with nothing after it), which is ignored")
			return isEmpty(element)
		})
		for i, element := range n.Content {
			d.walk(fmt.Sprintf("%s[%d]", path, i), element.Line, element, t.Elem())
		}
	case isList:
		d.fail(line, path, "must be a list: each element on its own line, after a hyphen")
	case n.Kind == yaml.MappingNode:
		d.walkMapping(path, n, t)
	case path == "":
		d.fail(line, path, "the file must begin with the key tenants:")
	default:
		d.fail(line, path, "must be a mapping: keys with a colon, each on its own line")
	}
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

func isEmpty(n *yaml.Node) bool {
	return n.ShortTag() == "!!null" || n.Kind == yaml.ScalarNode && strings.TrimFunc(n.Value, isBlank) == ""
}

func (d *document) walkMapping(path string, n *yaml.Node, t reflect.Type) {
	names, types := keysOf(t)
	for i := 0; i < len(n.Content); i += 2 {
		key, value, line := n.Content[i], n.Content[i+1], n.Content[i].Line
		inside, want := join(path, key.Value), types[key.Value]
		if t.Kind() == reflect.Map {
			want = t.Elem()
		}
		switch first := d.lines[inside]; {
		case key.ShortTag() == "!!merge":
			// What is merged is checked for its new place: there yaml.v3 would
			// ignore unknown keys. A merge inside a merge might have no end.
			if value.Kind == yaml.AliasNode {
				value = value.Alias
			}
			if value.Kind == yaml.MappingNode && !strings.HasSuffix(path, ".<<") {
				d.walkMapping(path+".<<", value, t)
			}
		case key.Kind != yaml.ScalarNode || isEmpty(key): // yaml.v3 ignores an empty one
			d.fail(line, path, "has a key that is not a plain name")
		case first > 0:
			d.fail(line, inside, fmt.Sprintf("duplicate key, first on line %d", first))
		case want == nil && secretStruct.MatchString(path):
			d.fail(line, path, "unknown key; "+meant(key.Value, names))
		case want == nil:
			d.fail(line, inside, "unknown key; "+meant(key.Value, names))
		default:
			d.walk(inside, line, value, want)
		}
	}
}

// keysOf returns the keys of a struct, in its order, and their types.
func keysOf(t reflect.Type) (names []string, types map[string]reflect.Type) {
	types = map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return nil, types
	}
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name != "" && name != "-" && !strings.HasSuffix(name, "_ref") { // Prometheus's secret managers
			names, types[name] = append(names, name), field.Type
		}
	}
	return names, types
}

// meant names the key that was likely meant: it begins with the same letter, is
// about as long, and has all other letters but one. Else it lists all keys.
func meant(unknown string, keys []string) string {
	for _, key := range keys {
		missing := strings.Map(func(r rune) rune {
			if !unicode.IsLetter(r) || strings.ContainsRune(key, unicode.ToLower(r)) {
				return -1
			}
			return r
		}, unknown)
		longer := len(unknown) - len(key)
		if strings.EqualFold(key[:1], unknown[:1]) && -2 <= longer && longer <= 2 && len(missing) <= 1 {
			return "did you mean " + key + "?"
		}
	}
	return "the keys here are " + strings.Join(keys, ", ")
}

// join adds a key to a path.
func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = strconv.Quote(key)
	}
	return strings.TrimPrefix(path+"."+key, ".")
}
