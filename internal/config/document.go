package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// document is the file while it is read.
type document struct {
	name     string
	file     file
	nodes    nodes
	lines    map[string]int // by path, such as tenants[0].jobs[1].id
	err      error          // the first one
	warnings []string
	labels   map[string]bool // names of the labels so far
}

func (d *document) dir() string { return filepath.Dir(d.name) }

// nodes is the file's YAML: the decoder's own nodes, not a copy.
type nodes struct{ root *yaml.Node }

// UnmarshalYAML takes the nodes.
func (n *nodes) UnmarshalYAML(root *yaml.Node) error {
	n.root = root
	return nil
}

// UnmarshalYAML tidies the nodes, and then reads them into the file.
func (d *document) UnmarshalYAML(unmarshal func(any) error) error {
	if err := unmarshal(&d.nodes); err != nil {
		return err
	}
	d.tidy("", d.nodes.root.Line, d.nodes.root)
	return unmarshal(&d.file)
}

// read decodes the only document of data.
func (d *document) read(data []byte) {
	defer func() {
		if recover() != nil { // yaml.v3 may panic on its own faults
			d.fail(1, "", "not valid YAML")
		}
	}()
	var second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	first := decoder.Decode(d)
	switch {
	case first != nil && d.nodes.root != nil:
		d.explain(first)
	case first != nil && !errors.Is(first, io.EOF):
		d.explainSyntax(data)
	case d.nodes.root == nil:
		d.fail(1, "", "the file is empty: it needs at least one tenant")
	default:
		if err := decoder.Decode(&second); err == nil {
			d.fail(second.Line, "", "a second YAML document begins here: there must be only one")
		} else if !errors.Is(err, io.EOF) {
			d.explainSyntax(data)
		}
	}
}

// tidy takes a file as it is meant: white space and byte order marks around a
// value are dropped, and a key without a value is as if it were not there. It
// notes the line of each path.
func (d *document) tidy(path string, line int, n *yaml.Node) {
	d.lines[path] = line
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value = strings.TrimFunc(n.Value, isBlank); n.Value == "" {
			n.Tag, n.Style = "!!null", 0
		}
	case yaml.SequenceNode:
		n.Content = slices.DeleteFunc(n.Content, isNull)
		for i, element := range n.Content {
			d.tidy(fmt.Sprintf("%s[%d]", path, i), element.Line, element)
		}
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			if isNull(key) { // yaml.v3 would ignore it
				key.Tag = "!!str"
			}
			d.tidy(join(path, key.Value), key.Line, value)
		}
	}
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' }

func isNull(n *yaml.Node) bool {
	n = target(n)
	return n.ShortTag() == "!!null" || n.Kind == yaml.ScalarNode && strings.TrimFunc(n.Value, isBlank) == ""
}

// target returns the node that an alias stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// join adds a key to a path.
func join(path, key string) string {
	if !plainKey.MatchString(key) {
		key = fmt.Sprintf("%.64q", key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// line returns the line of a path. If the file has no such key, it is the line
// of the mapping or list that should have it.
func (d *document) line(path string) int {
	for {
		if line, ok := d.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// rule is a sentence about the value at a path, for when it is broken.
type rule struct {
	broken         bool
	path, sentence string
}

// refuse notes the first broken rule as the error, unless there is one already.
func (d *document) refuse(rules ...rule) {
	for _, r := range rules {
		if r.broken {
			d.fail(d.line(r.path), r.path, r.sentence)
		}
	}
}

func (d *document) fail(line int, path, sentence string) {
	if d.err == nil {
		d.err = d.errorAt(line, path, sentence)
	}
}

// doubt warns of the first broken rule: what is valid, but probably a mistake.
func (d *document) doubt(rules ...rule) {
	if i := slices.IndexFunc(rules, func(r rule) bool { return r.broken }); i >= 0 {
		r := rules[i]
		d.warnings = append(d.warnings, d.errorAt(d.line(r.path), r.path, r.sentence).Error())
	}
}

func (d *document) errorAt(line int, path, sentence string) error {
	if path != "" {
		sentence = path + ": " + sentence
	}
	return fmt.Errorf("%s:%d: %s", d.name, line, sentence)
}
