package config

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
)

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
