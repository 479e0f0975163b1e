package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseYAML returns the only document of data.
func parseYAML(file string, data []byte) (*yaml.Node, error) {
	root, problem, read := decode(data)
	if problem == "" {
		return root, nil
	}
	line := lastLine(data[:read], problem)
	problem = decoderPlace.ReplaceAllString(problem, "not valid YAML: ")
	// The decoder quotes the name, or says that it is none.
	if strings.Contains(problem, "unknown anchor") || strings.Contains(problem, "expected alphabetic or numeric character") {
		problem = noAliases
	}
	if text := bytes.Split(data, []byte("\n"))[line-1]; bytes.HasPrefix(bytes.TrimLeft(text, " "), []byte("\t")) {
		problem = "indented with a tab; YAML takes spaces only"
	}
	return nil, fmt.Errorf("%s:%d: %s", file, line, problem)
}

var decoderPlace = regexp.MustCompile(`^yaml: (line \d+: )?`)

// lastLine returns the number of lines in the shortest beginning of data that
// has the problem: the problem is on the last of them. The decoder itself often
// names the line at which a block begins, or none.
func lastLine(data []byte, problem string) int {
	lines := bytes.SplitAfter(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	has := func(n int) bool {
		_, p, _ := decode(bytes.Join(lines[:n], nil))
		return p == problem
	}
	// It is most often on the last line that the decoder has read, and each try
	// costs time, so the steps back are short at first.
	last, step := len(lines), 1
	for last > step && has(last-step) {
		last -= step
		step *= 2
	}
	first := max(last-step, 0) + 1
	return first + sort.Search(last-first, func(i int) bool { return has(first + i) })
}

// decode returns the only document of data, or what is wrong with data and how
// much of it has been read. Of all messages of the decoder, only the one about
// an unknown anchor quotes the file.
func decode(data []byte) (root *yaml.Node, problem string, read int) {
	lines := &lineReader{rest: data}
	defer func() {
		if recover() != nil { // The decoder panics on its own faults.
			problem = "not valid YAML"
		}
		read = len(data) - len(lines.rest)
	}()
	decoder := yaml.NewDecoder(lines)
	var first, second yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return nil, "the file is empty: it needs at least one tenant", 0
	} else if err != nil {
		return nil, err.Error(), 0
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, "a second YAML document begins here: there must be only one", 0
	} else if !errors.Is(err, io.EOF) {
		return nil, err.Error(), 0
	}
	return first.Content[0], "", 0
}

// lineReader returns at most one line at a time.
type lineReader struct{ rest []byte }

func (r *lineReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	end := bytes.IndexByte(r.rest, '\n') + 1
	if end == 0 {
		end = len(r.rest)
	}
	n := copy(p, r.rest[:end])
	r.rest = r.rest[n:]
	return n, nil
}
