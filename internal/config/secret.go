package config

import (
	"fmt"
	"io"
)

const hidden = "<secret>"

// Secret is a string that shows itself to nobody but who calls Reveal. It
// holds a pointer, because fmt cannot call the methods of what lies in an
// unexported field: there it prints the address. reflect.DeepEqual compares
// the contents.
type Secret struct {
	value *string
}

// NewSecret returns a Secret that holds value.
func NewSecret(value string) Secret {
	return Secret{value: &value}
}

// Reveal returns the value itself, which is empty for the zero Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format writes "<secret>" for every verb.
func (Secret) Format(f fmt.State, _ rune) {
	io.WriteString(f, hidden)
}

// MarshalText returns "<secret>"; JSON, YAML, XML and slog use it too.
func (Secret) MarshalText() ([]byte, error) {
	return []byte(hidden), nil
}
