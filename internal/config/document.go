package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the file while it is read.
type document struct {
	name     string
	file     file
	lines    map[string]int // by path, such as tenants[0].jobs[1].id
	err      error          // the first one
	warnings []string
	labels   map[string]bool // names of the labels so far
}

func (d *document) dir() string { return filepath.Dir(d.name) }

// read decodes the only document of data. The errors of decoding quote values
// and have no path: walk finds them before, but for those of aliases.
func (d *document) read(data []byte) {
	rest := bytes.NewReader(data)
	decoder := yaml.NewDecoder(byteReader{rest})
	var root, second yaml.Node
	err := decoder.Decode(&root)
	if errors.Is(err, io.EOF) || err == nil && isEmpty(root.Content[0]) {
		d.fail(1, "", "the file is empty: it needs at least one tenant")
		return
	}
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err == nil:
		d.fail(second.Line, "", "a second YAML document begins here: there must be only one")
		return
	case !errors.Is(err, io.EOF):
		d.explainSyntax(err, data, len(data)-rest.Len())
		return
	}
	d.walk("", root.Line, root.Content[0], reflect.TypeFor[file]())
	if d.err == nil && root.Decode(&d.file) != nil {
		d.fail(1, "", "an alias (*) or a merge (<<) cannot be followed: write its values out")
	}
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
		sentence = secretMap.ReplaceAllString(path, "$1") + ": " + sentence
	}
	return fmt.Errorf("%s:%d: %s", d.name, line, sentence)
}
