package config

import (
	"fmt"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// The file is read by hand from yaml's nodes: yaml's own decoding quotes
// values in its errors, names Go types in them and loses the lines. Here no
// error quotes a value, whatever it is, and none a key where keys may be
// secrets.

// maxUnfolded is how many values aliases may add to those that are written in
// the file: enough for 100,000 jobs that share their labels, and a bound to
// files that multiply themselves.
const maxUnfolded = 1_000_000

// maxMergeDepth is how deep << may lead from one mapping to the next; a
// mapping that merges itself gets there at once.
const maxMergeDepth = 100

// document is what all values of a file have in common.
type document struct {
	file string
	// dir is where relative paths start.
	dir string
	// left is how many more values may be read.
	left int
}

// value is one value of the file and the place where it stands.
type value struct {
	doc *document
	// node is never an alias, but what the alias refers to.
	node *yaml.Node
	line int
	// path leads to the value, as in tenants[0].jobs[1].id; it is empty at
	// the top.
	path string
	// hidden is set where a key may be a secret. It holds for all below, too.
	hidden bool
	// named are the keys that may be named even there.
	named map[string]func(value) error
}

// entry is a key of a mapping and its value.
type entry struct {
	name       string
	key, value value
}

// errorf returns an error that begins with the file, the line and the path.
func (v value) errorf(format string, args ...any) error {
	place := fmt.Sprintf("%s:%d: ", v.doc.file, v.line)
	if v.path != "" {
		place += v.path + ": "
	}
	return fmt.Errorf("%s"+format, append([]any{place}, args...)...)
}

// at returns the value that the node is or refers to.
func (v value) at(node *yaml.Node) value {
	v.node, v.line = node, node.Line
	if node.Kind == yaml.AliasNode {
		// Anything in the file may be named by an alias, a secret too.
		v.node, v.hidden = node.Alias, true
	}
	return v
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// under returns v with the path of the key in it.
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

// expect returns an error unless the value is of the kind.
func (v value) expect(kind yaml.Kind) error {
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

// spend counts a value.
func (v value) spend() error {
	if v.doc.left--; v.doc.left < 0 {
		return v.errorf("the file becomes too large through its aliases")
	}
	return nil
}

// entries returns what the mapping v holds, in the order of the file, and
// after that what its << keys add.
func (v value) entries() ([]entry, error) {
	return v.unfold(map[string]bool{}, 0)
}

// unfold is entries without those that are in seen, to which it adds its own.
func (v value) unfold(seen map[string]bool, depth int) ([]entry, error) {
	if err := v.expect(yaml.MappingNode); err != nil {
		return nil, err
	}
	if depth > maxMergeDepth {
		return nil, v.errorf("<< merges a mapping into itself or too deep")
	}
	var entries []entry
	var merged []value
	lines := map[string]int{}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key, child := v.at(v.node.Content[i]), v.at(v.node.Content[i+1])
		child.named = nil
		if err := key.spend(); err != nil {
			return nil, err
		}
		if key.node.Kind != yaml.ScalarNode || key.expect(yaml.ScalarNode) != nil {
			return nil, key.errorf("has a key that is not a plain name")
		}
		name := key.node.Value
		isMerge := key.node.ShortTag() == "!!merge"
		if _, safe := v.named[name]; (!key.hidden || safe) && !isMerge {
			key, child = key.under(name), child.under(name)
		}
		if first, twice := lines[name]; twice {
			return nil, key.errorf("duplicate key, first on line %d", first)
		}
		lines[name] = key.line
		if isMerge {
			merged = append(merged, child)
		} else if !seen[name] {
			entries = append(entries, entry{name, key, child})
		}
	}
	for name := range lines {
		seen[name] = true
	}
	for _, m := range merged {
		added, err := m.merge(seen, depth)
		if err != nil {
			return nil, err
		}
		entries = append(entries, added...)
	}
	return entries, nil
}

// merge returns the entries of the mapping, or of the mappings in the list,
// that stands after a << key.
func (v value) merge(seen map[string]bool, depth int) ([]entry, error) {
	sources := []value{v}
	if v.node.Kind == yaml.SequenceNode {
		sources = nil
		for _, node := range v.node.Content {
			sources = append(sources, v.at(node))
		}
	}
	var entries []entry
	for _, source := range sources {
		if err := source.spend(); err != nil {
			return nil, err
		}
		if source.node.Kind != yaml.MappingNode {
			return nil, source.errorf("<< must name a mapping or a list of mappings")
		}
		added, err := source.unfold(seen, depth+1)
		if err != nil {
			return nil, err
		}
		entries = append(entries, added...)
	}
	return entries, nil
}
