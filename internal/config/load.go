package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// readLimit is for reading the configuration file and the files of its
// tls_config together. A pipe that nobody writes has no end.
const readLimit = 10 * time.Second

// File is a configuration file. It is safe for concurrent use.
type File struct {
	name  string
	limit time.Duration

	looking sync.Mutex // held while Changed reads the file

	mu           sync.Mutex
	loaded, seen string // fingerprints of what Load and Changed have read last
}

// NewFile returns the file of that name, which need not exist.
func NewFile(name string) *File {
	return &File{name: name, limit: readLimit}
}

// Load reads and checks the file. Its error is one sentence that names the file
// and, unless the file cannot be read, the line. Load returns after 10 s at
// most.
func (f *File) Load() (*Config, error) {
	return within(f.limit, func() (*Config, error) {
		data, err := f.read()
		f.mu.Lock()
		f.loaded = fingerprint(data, err)
		f.mu.Unlock()
		if err != nil {
			return nil, err
		}
		return Parse(f.name, data)
	}, fmt.Errorf("reading the configuration file: %s, or a file of its tls_config, does not end within %v", f.name, f.limit))
}

func (f *File) read() ([]byte, error) {
	data, err := os.ReadFile(f.name)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration file: %w", err)
	}
	return data, nil
}

// Changed tells whether the file's content, or the error of reading it, is
// another than that of the newest Load, and the same as when Changed was called
// before: a file may be written slowly. A pipe never changes: to read it would
// take its content from Load. Nor does a file whose reading has hung in Changed
// before: each time would cost a thread.
func (f *File) Changed() bool {
	if !f.looking.TryLock() {
		return false
	}
	seen, _ := within(f.limit, func() (string, error) {
		defer f.looking.Unlock()
		if info, err := os.Stat(f.name); err == nil && !info.Mode().IsRegular() {
			return "", nil
		}
		return fingerprint(f.read()), nil
	}, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.seen
	f.seen = seen
	return seen != "" && seen == before && seen != f.loaded
}

// fingerprint differs if the content or the error does.
func fingerprint(data []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// within returns what f returns, or the error late if f takes too long.
func within[T any](limit time.Duration, f func() (T, error), late error) (result T, err error) {
	type outcome struct {
		T   T
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		result, err := f()
		done <- outcome{result, err}
	}()
	select {
	case o := <-done:
		return o.T, o.err
	case <-time.After(limit):
		return result, late
	}
}

// Parse checks the content of a configuration file. The name of the file is
// for errors, and relative paths start at its directory. Parse reads the files
// of tls_config, and looks at those of client secrets, which may be missing.
func Parse(file string, data []byte) (*Config, error) {
	d := &document{name: file, lines: map[string]int{}, labels: map[string]bool{}}
	d.read(data)
	if d.err == nil {
		d.check()
	}
	if d.err != nil {
		return nil, d.err
	}
	c := &Config{LabelNames: slices.Sorted(maps.Keys(d.labels)), Warnings: d.warnings}
	for i, t := range d.file.Tenants {
		key, _ := t.OAuth2.source()
		line := d.line(fmt.Sprintf("tenants[%d].oauth2.%s", i, key))
		c.Tenants = append(c.Tenants, newTenant(t, key, fmt.Sprintf("%s:%d", file, line)))
	}
	return c, nil
}
