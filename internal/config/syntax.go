package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML returns the only document of data. What yaml itself says of a
// broken file is told only where it is known to quote nothing of it.
func parseYAML(file string, data []byte) (*yaml.Node, error) {
	if at, what := badText(data); what != "" {
		return nil, fmt.Errorf("%s:%d: %s", file, lineOf(data, at), what)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	first, err := nextDocument(decoder)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: the file is empty: it needs at least one tenant", file)
	}
	var second *yaml.Node
	if err == nil {
		second, err = nextDocument(decoder)
	}
	switch {
	case err == nil:
		return nil, fmt.Errorf("%s:%d: a second YAML document begins here: there must be only one", file, second.Line)
	case !errors.Is(err, io.EOF):
		line, problem := syntaxError(data, err)
		return nil, fmt.Errorf("%s:%d: %s", file, line, problem)
	}
	return first.Content[0], nil
}

// nextDocument returns io.EOF after the last one. Yaml panics where it finds
// itself at fault; whatever in the file brought that about, it is no
// configuration.
func nextDocument(decoder *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("yaml panicked")
		}
	}()
	doc = new(yaml.Node)
	return doc, decoder.Decode(doc)
}

// badText finds the first byte that YAML does not allow anywhere: yaml itself
// would tell it without its line.
func badText(data []byte) (at int, what string) {
	for i, r := range string(data) {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRune(data[i:]); size == 1 {
				return i, "the file is not UTF-8 text"
			}
		}
		switch {
		case r == '\t', r == '\n', r == '\r', r == 0x85:
		case r < 0x20, 0x7F <= r && r < 0xA0, r == 0xFFFE, r == 0xFFFF:
			return i, "the file has a control character"
		}
	}
	return 0, ""
}

func lineOf(data []byte, at int) int {
	return 1 + bytes.Count(data[:at], []byte("\n"))
}

// syntaxError turns yaml's error into a line and a sentence that quotes
// nothing.
func syntaxError(data []byte, err error) (line int, problem string) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if anchor, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		anchor = strings.TrimSuffix(anchor, "' referenced")
		return lineOfAlias(data, anchor), "not valid YAML: no & gives the name that stands here after a *; " +
			"a value that begins with * must be quoted"
	}
	// Yaml leaves out the line where it is the first.
	line = 1
	if rest, ok := strings.CutPrefix(message, "line "); ok {
		number, problem, _ := strings.Cut(rest, ": ")
		message = problem
		line, _ = strconv.Atoi(number)
		if parserProblems[message] {
			line++ // Its parser, unlike its scanner, counts lines from 0.
		}
	}
	if parserProblems[message] {
		// The line is where the block begins in which the problem lies.
		return line, "not valid YAML from here on: " + message
	}
	if scannerProblems[message] {
		return line, "not valid YAML: " + message
	}
	return line, "not valid YAML"
}

// lineOfAlias returns the first line that refers to the anchor, as yaml does
// not tell where it met an unknown one.
func lineOfAlias(data []byte, anchor string) int {
	alias := regexp.MustCompile(`(?:^|[\s,\[{])(\*` + regexp.QuoteMeta(anchor) + `)(?:[^\w-]|$)`)
	if found := alias.FindSubmatchIndex(data); found != nil {
		return lineOf(data, found[2])
	}
	return 1
}

// All that yaml's parser and scanner are known to say. An unknown message is
// not passed on, as it may quote the file.
var (
	parserProblems = set(
		"did not find expected <document start>",
		"did not find expected node content",
		"did not find expected '-' indicator",
		"did not find expected key",
		"did not find expected ',' or ']'",
		"did not find expected ',' or '}'",
		"found undefined tag handle",
		"found duplicate %YAML directive",
		"found incompatible YAML document",
		"found duplicate %TAG directive",
	)
	scannerProblems = set(
		"found character that cannot start any token",
		"could not find expected ':'",
		"exceeded max depth of 10000",
		"block sequence entries are not allowed in this context",
		"mapping keys are not allowed in this context",
		"mapping values are not allowed in this context",
		"found unknown directive name",
		"did not find expected comment or line break",
		"could not find expected directive name",
		"found unexpected non-alphabetical character",
		"did not find expected digit or '.' character",
		"found extremely long version number",
		"did not find expected version number",
		"did not find expected whitespace",
		"did not find expected whitespace or line break",
		"did not find expected alphabetic or numeric character",
		"did not find the expected '>'",
		"did not find expected '!'",
		"did not find expected tag URI",
		"did not find URI escaped octet",
		"found an incorrect leading UTF-8 octet",
		"found an incorrect trailing UTF-8 octet",
		"found an indentation indicator equal to 0",
		"found a tab character where an indentation space is expected",
		"found unexpected document indicator",
		"found unexpected end of stream",
		"found unknown escape character",
		"did not find expected hexdecimal number",
		"found invalid Unicode character escape code",
		"found a tab character that violates indentation",
	)
)

func set(members ...string) map[string]bool {
	s := make(map[string]bool, len(members))
	for _, member := range members {
		s[member] = true
	}
	return s
}
