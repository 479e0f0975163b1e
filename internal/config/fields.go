package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// mapping hands the value of each key to the function that fields has for it,
// in the order of the file. Keys that fields does not have are refused, so are
// those for which it has nil, though these are safe to be named, and so is a
// mapping without the required ones.
func (v value) mapping(fields map[string]func(value) error, required ...string) error {
	v.named = fields
	entries, err := v.entries()
	if err != nil {
		return err
	}
	given := map[string]bool{}
	for _, e := range entries {
		read, named := fields[e.name]
		if !named {
			return e.key.errorf("unknown key")
		}
		e.key.path = v.under(e.name).path
		e.value.path = e.key.path
		if read == nil {
			return e.key.errorf("is not supported here")
		}
		if err := read(e.value); err != nil {
			return err
		}
		given[e.name] = true
	}
	for _, name := range required {
		if !given[name] {
			return v.under(name).errorf("is missing")
		}
	}
	return nil
}

// into returns a function for mapping that stores in target what read makes
// of the value.
func into[T any](target *T, read func(value) (T, error)) func(value) error {
	return func(v value) (err error) {
		*target, err = read(v)
		return err
	}
}

// list returns what read makes of each element.
func list[T any](v value, read func(value) (T, error)) ([]T, error) {
	if err := v.expect(yaml.SequenceNode); err != nil {
		return nil, err
	}
	elements := make([]T, 0, len(v.node.Content))
	for i, node := range v.node.Content {
		at := v.at(node)
		at.path += "[" + strconv.Itoa(i) + "]"
		if err := at.spend(); err != nil {
			return nil, err
		}
		element, err := read(at)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, nil
}

// text returns a single value as it is written, whatever type YAML would give
// it: 341.0 and 2025-08-12 are text as well.
func (v value) text() (string, error) {
	return v.node.Value, v.expect(yaml.ScalarNode)
}

func (v value) nonEmpty() (string, error) {
	text, err := v.text()
	if err == nil && text == "" {
		err = v.errorf("must not be empty")
	}
	return text, err
}

// filePath returns a path; a relative one starts at the file's directory.
func (v value) filePath() (string, error) {
	path, err := v.nonEmpty()
	return promconfig.JoinDir(v.doc.dir, path), err
}

func (v value) boolean() (bool, error) {
	text, err := v.text()
	if err == nil && v.node.ShortTag() != "!!bool" {
		err = v.errorf("must be true or false")
	}
	return strings.EqualFold(text, "true"), err
}

func (v value) duration() (time.Duration, error) {
	text, err := v.text()
	if err != nil {
		return 0, err
	}
	d, err := model.ParseDuration(text)
	if err != nil {
		return 0, v.errorf("must be a duration such as 30s or 1m30s")
	}
	return time.Duration(d), nil
}

// readURL reads an http or https URL in which there can be no password.
func readURL(v value) (*url.URL, error) {
	u, err := anyURL(v, "http", "https")
	if err != nil {
		return nil, err
	}
	// An @ in what seems to be the path follows a password with a slash.
	beforeQuery, _, _ := strings.Cut(v.node.Value, "?")
	switch {
	case strings.Contains(beforeQuery, "@"):
		return nil, v.errorf("must not hold a user name or password")
	case strings.Contains(v.node.Value, "#"):
		return nil, v.errorf("must not have a fragment")
	}
	return u, nil
}

// anyURL reads a URL that has a host and one of the schemes.
func anyURL(v value, schemes ...string) (*url.URL, error) {
	text, err := v.text()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !slices.Contains(schemes, u.Scheme) {
		return nil, v.errorf("must be a URL with a host and one of the schemes %s", strings.Join(schemes, ", "))
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, v.errorf("has a port above 65535")
		}
	}
	return u, nil
}
