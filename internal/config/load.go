package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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

	mu     sync.Mutex
	loaded string // fingerprint of what Load has read
}

// NewFile returns the file of that name, which need not exist.
func NewFile(name string) *File { return &File{name: name, limit: readLimit} }

// Load reads and checks the file. Its error is one sentence that names the file
// and, unless the file cannot be read, the line. Load returns after 10 s at
// most.
func (f *File) Load() (*Config, error) {
	f.remember(nil, errLate) // until the file has been read
	return within(f.limit, func() (*Config, error) {
		data, err := os.ReadFile(f.name)
		f.remember(data, err)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration file: %w", err)
		}
		return Parse(f.name, data)
	}, fmt.Errorf("reading the configuration file: no end of %s, or of a file of its tls_config, within %v", f.name, f.limit))
}

// Changed tells whether the file's content, or the error of reading it, is
// another than that of the newest Load. A pipe never changes: to read it would
// take its content from Load.
func (f *File) Changed() bool {
	data, err := within(f.limit, func() ([]byte, error) {
		if info, err := os.Stat(f.name); err == nil && !info.Mode().IsRegular() {
			return nil, errPipe
		}
		return os.ReadFile(f.name)
	}, errLate)
	f.mu.Lock()
	defer f.mu.Unlock()
	return !errors.Is(err, errPipe) && fingerprint(data, err) != f.loaded
}

func (f *File) remember(data []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loaded = fingerprint(data, err)
}

func fingerprint(data []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

var (
	errLate = errors.New("no end of the file")
	errPipe = errors.New("a pipe")
)

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
// of tls_config, but not those of client secrets.
func Parse(file string, data []byte) (*Config, error) {
	root, err := parseYAML(file, data)
	if err != nil {
		return nil, err
	}
	var c Config
	doc := &document{file: file, dir: filepath.Dir(file), lines: map[string]int{}}
	if err := fileKeys.read(value{doc: doc, node: root}, &c); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, tenant := range c.Tenants {
		for _, job := range tenant.Jobs {
			for name := range job.Labels {
				names[name] = true
			}
		}
	}
	c.LabelNames = slices.Sorted(maps.Keys(names))
	c.Warnings = doc.warnings
	return &c, nil
}
