package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A section is a mapping of the file, and T is what it is read into.
type section[T any] struct {
	name  string // in the page's markers and in the schema
	keys  []key[T]
	rules object // what the JSON schema says about several keys together
	// check runs after all keys have been read; nil if nothing is left to do.
	check func(value, *T) error
}

// key is one key of a section.
type key[T any] struct {
	keyDoc
	read func(value, *T) error
}

// keyDoc is what users see of a key.
type keyDoc struct {
	name, kind string
	schema     object
	// def is required, the default, an implied one, or nil if there is none.
	def any
	// secret means that the value, or keys in it, may be secrets.
	secret bool
	text   string
}

// implied is the description of a default that depends on something else.
type implied string

// required stands for the default of a key that must be given.
const required = implied("required")

// object is a part of the JSON schema.
type object = map[string]any

// field is a key whose value is stored where target points.
func field[T, V any](name string, k kind[V], def any, target func(*T) *V, text string) key[T] {
	return key[T]{
		keyDoc{name: name, kind: k.name, schema: k.schema, def: def, text: text},
		func(v value, t *T) (err error) {
			*target(t), err = k.read(v)
			return err
		},
	}
}

// subsection is a key whose value is a section that is read into the same T.
func subsection[T any](s *section[T], def any, text string) key[T] {
	return key[T]{keyDoc{name: s.name, kind: "[mapping](#" + s.name + ")", schema: ref(s.name), def: def, text: text}, s.read}
}

// secret marks a key whose value, or keys in it, may be secrets.
func secret[T any](k key[T]) key[T] {
	read := k.read
	k.secret = true
	k.read = func(v value, t *T) error {
		v.hidden = true
		return read(v, t)
	}
	return k
}

// read sets the defaults in t, and then what the mapping gives.
func (s *section[T]) read(v value, t *T) error {
	var names, missing []string
	for _, k := range s.keys {
		names = append(names, k.name)
		if k.def == required {
			missing = append(missing, k.name)
		}
		if _, none := k.def.(implied); k.def != nil && !none {
			v := value{doc: v.doc, node: &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(k.def)}}
			if err := k.read(v, t); err != nil {
				return err
			}
		}
	}
	entries, err := v.entries(names)
	if err != nil {
		return err
	}
	for _, e := range entries {
		i := slices.Index(names, e.name)
		if i < 0 {
			return e.key.errorf("unknown key; the keys here are %s", strings.Join(names, ", "))
		}
		if err := s.keys[i].read(e.value, t); err != nil {
			return err
		}
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == e.name })
	}
	if len(missing) > 0 {
		return v.under(missing[0]).errorf("is missing")
	}
	if s.check == nil {
		return nil
	}
	return s.check(v, t)
}
