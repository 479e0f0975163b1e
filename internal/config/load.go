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

	looking chan struct{} // holds a value while Changed reads the file

	mu     sync.Mutex
	loaded string // fingerprint of what Load has read
}

// NewFile returns the file of that name, which need not exist.
func NewFile(name string) *File {
	return &File{name: name, limit: readLimit, looking: make(chan struct{}, 1)}
}

// Load reads and checks the file. Its error is one sentence that names the file
// and, unless the file cannot be read, the line. Load returns after 10 s at
// most.
func (f *File) Load() (*Config, error) {
	begun := time.Now()
	data, err := within(f.limit, f.read, f.late())
	f.mu.Lock()
	f.loaded = fingerprint(data, err)
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return within(f.limit-time.Since(begun), func() (*Config, error) { return Parse(f.name, data) }, f.late())
}

func (f *File) read() ([]byte, error) {
	data, err := os.ReadFile(f.name)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration file: %w", err)
	}
	return data, nil
}

// late is the error if reading takes too long.
func (f *File) late() error {
	return fmt.Errorf("reading the configuration file: no end of %s, or of a file of its tls_config, within %v", f.name, f.limit)
}

// Changed tells whether the file's content, or the error of reading it, is
// another than that of the newest Load. A pipe never changes: to read it would
// take its content from Load. Nor does a file whose reading has hung in Changed
// before: each time would cost a thread.
func (f *File) Changed() bool {
	select {
	case f.looking <- struct{}{}:
	default:
		return false
	}
	data, err := within(f.limit, func() ([]byte, error) {
		defer func() { <-f.looking }()
		if info, err := os.Stat(f.name); err == nil && !info.Mode().IsRegular() {
			return nil, errPipe
		}
		return f.read()
	}, f.late())
	f.mu.Lock()
	defer f.mu.Unlock()
	return !errors.Is(err, errPipe) && fingerprint(data, err) != f.loaded
}

var errPipe = errors.New("a pipe")

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
