package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The file is read from the nodes of the YAML package, because its own decoding
// quotes values in errors and loses the lines. Here no error quotes a value,
// and none quotes a key where keys may be secrets.

// document is what all values of a file share.
type document struct {
	file     string
	dir      string // Relative paths start here.
	warnings []string
	lines    map[string]int // Where the values of once are.
}

// value is one value of the file.
type value struct {
	doc  *document
	node *yaml.Node
	// path leads to the value, such as tenants[0].jobs[1].id; it is empty at
	// the top.
	path string
	// hidden means that keys in the value may be secrets.
	hidden bool
}

// entry is a key of a mapping and its value.
type entry struct {
	name       string
	key, value value
}

// place returns the file and the line.
func (v value) place() string {
	return fmt.Sprintf("%s:%d", v.doc.file, v.node.Line)
}

// errorf returns an error that begins with the file, the line and the path.
func (v value) errorf(format string, args ...any) error {
	place := v.place() + ": "
	if v.path != "" {
		place += v.path + ": "
	}
	return fmt.Errorf("%s"+format, append([]any{place}, args...)...)
}

// warn adds a warning that begins as an error does.
func (v value) warn(sentence string) {
	v.doc.warnings = append(v.doc.warnings, v.errorf("%s", sentence).Error())
}

// once returns the line of the value that already has this identity in the
// list that v is in, or 0 if there is none.
func (v value) once(identity string) (line int) {
	list := v.path[:strings.LastIndexByte(v.path, '[')]
	identity = list + " " + identity
	line = v.doc.lines[identity]
	v.doc.lines[identity] = v.node.Line
	return line
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// under returns v with the key added to its path.
func (v value) under(key string) value {
	if !plainKey.MatchString(key) {
		key = fmt.Sprintf("%.64q", key)
	}
	if v.path != "" {
		key = v.path + "." + key
	}
	v.path = key
	return v
}

var kinds = map[yaml.Kind]string{
	yaml.MappingNode:  "a mapping",
	yaml.SequenceNode: "a list",
	yaml.ScalarNode:   "a single value",
}

const noAliases = "anchors (&), aliases (*) and << are not supported; a value that begins with & or * needs quotes"

// refuseAliases returns an error if v is an alias, a << or has an anchor.
func (v value) refuseAliases() error {
	if v.node.Kind == yaml.AliasNode || v.node.Anchor != "" || v.node.ShortTag() == "!!merge" {
		return v.errorf(noAliases)
	}
	return nil
}

// expect returns an error unless the value is of the kind.
func (v value) expect(kind yaml.Kind) error {
	if err := v.refuseAliases(); err != nil {
		return err
	}
	switch tag := v.node.ShortTag(); {
	case tag == "!!null":
		return v.errorf("must be %s, but nothing is given", kinds[kind])
	case v.node.Kind != kind:
		return v.errorf("must be %s, not %s", kinds[kind], kinds[v.node.Kind])
	case v.node.Style&yaml.TaggedStyle != 0 && tag != "!!str":
		return v.errorf("must not have a YAML tag")
	}
	return nil
}

// entries returns the keys and values of a mapping. If v is hidden, errors name
// only the keys in known.
func (v value) entries(known []string) ([]entry, error) {
	if err := v.expect(yaml.MappingNode); err != nil {
		return nil, err
	}
	var entries []entry
	lines := map[string]int{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, child := v, v
		key.node, child.node = v.node.Content[i], v.node.Content[i+1]
		if err := key.refuseAliases(); err != nil {
			return nil, err
		}
		if key.expect(yaml.ScalarNode) != nil {
			return nil, key.errorf("has a key that is not a plain name")
		}
		name := key.node.Value
		if !v.hidden || slices.Contains(known, name) {
			key, child = key.under(name), child.under(name)
		}
		if first, twice := lines[name]; twice {
			return nil, key.errorf("duplicate key, first on line %d", first)
		}
		lines[name] = key.node.Line
		entries = append(entries, entry{name, key, child})
	}
	return entries, nil
}

// named returns what read makes of each value of a mapping whose keys are names
// that check accepts.
func named[T any](v value, check func(key value, name string) error, read func(value) (T, error)) (map[string]T, error) {
	entries, err := v.entries(nil)
	if err != nil {
		return nil, err
	}
	values := make(map[string]T, len(entries))
	for _, e := range entries {
		if err := check(e.key, e.name); err != nil {
			return nil, err
		}
		if values[e.name], err = read(e.value); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// list returns what read makes of each element.
func list[T any](v value, read func(value) (T, error)) ([]T, error) {
	if err := v.expect(yaml.SequenceNode); err != nil {
		return nil, err
	}
	elements := make([]T, len(v.node.Content))
	for i, node := range v.node.Content {
		at := v
		at.node = node
		at.path += "[" + strconv.Itoa(i) + "]"
		var err error
		if elements[i], err = read(at); err != nil {
			return nil, err
		}
	}
	return elements, nil
}

// text returns a single value as it is written: 341.0 and 2025-08-12 are text
// too.
func (v value) text() (string, error) {
	return v.node.Value, v.expect(yaml.ScalarNode)
}
