package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is the file while it is read.
type document struct {
	name    string
	config  *Config         // it outlives the document
	lines   map[string]int  // by path, such as tenants[0].jobs[1].id
	doubted map[string]bool // by path
	err     error           // the first one
}

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
	case !errors.Is(err, io.EOF):
		d.explainSyntax(err, data, len(data)-rest.Len())
	default:
		d.walk("", root.Line, root.Content[0], reflect.TypeFor[Config]())
		if d.err == nil && root.Decode(d.config) != nil {
			d.fail(1, "", "an alias (*) or a merge (<<) cannot be followed: write its values out")
		}
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

// refuse notes a broken rule about the value at a path as the error, unless
// there is one already.
func (d *document) refuse(broken bool, path, sentence string) {
	if broken {
		d.fail(d.line(path), path, sentence)
	}
}

func (d *document) fail(line int, path, sentence string) {
	if d.err == nil {
		d.err = d.errorAt(line, path, sentence)
	}
}

// doubt warns of what is valid, but probably a mistake; once at each path.
func (d *document) doubt(broken bool, path, sentence string) {
	if broken && !d.doubted[path] {
		d.doubted[path] = true
		d.config.Warnings = append(d.config.Warnings, d.errorAt(d.line(path), path, sentence).Error())
	}
}

func (d *document) errorAt(line int, path, sentence string) error {
	if path != "" {
		sentence = secretMap.ReplaceAllString(path, "$1") + ": " + sentence
	}
	return fmt.Errorf("%s:%d: %s", d.name, line, sentence)
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

// explainSyntax fails because of a syntax error, after so much of data was read.
func (d *document) explainSyntax(err error, data []byte, read int) {
	message, place := yamlPlace.ReplaceAllString(err.Error(), ""), ""
	line, _ := strconv.Atoi(yamlPlace.FindStringSubmatch(err.Error())[1])
	if line == 0 || atBlock.MatchString(message) {
		line, place = 1+bytes.Count(data[:max(0, read-1)], []byte("\n")), " here or just above"
	}
	for _, e := range syntaxErrors {
		if strings.Contains(message, e.message) {
			message = e.sentence
			break
		}
	}
	lines := bytes.Split(data, []byte("\n"))
	line = min(line, len(lines)) // yaml.v3 counts other line breaks, too
	if bytes.HasPrefix(bytes.TrimLeft(lines[line-1], " "), []byte("\t")) {
		message = "YAML is indented with spaces only, not with tabs"
	}
	d.fail(line, "", "not valid YAML"+place+": "+message)
}

// byteReader returns one byte at a time: the file tells how far it was read.
type byteReader struct{ file io.Reader }

func (r byteReader) Read(p []byte) (int, error) { return r.file.Read(p[:1]) }
