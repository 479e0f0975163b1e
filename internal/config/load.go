package config

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// readLimit is for reading the configuration file and the files of its
// tls_config together. A pipe that nobody writes has no end.
const readLimit = 10 * time.Second

// File is a configuration file. Load and Changed may be called at once.
type File struct {
	name  string
	limit time.Duration

	loaded  atomic.Value // what Load has read last, a string
	seen    string       // what Changed has read last
	looking sync.Mutex   // held while Changed reads the file
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
		data, err := readFile(f.name)
		f.loaded.Store(content(data, err))
		if err != nil {
			return nil, fmt.Errorf("reading the configuration file: %w", err)
		}
		return Parse(f.name, data)
	}, fmt.Errorf("reading the configuration file: %s, or a file of its tls_config, does not end within %v", f.name, f.limit))
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
	before := f.seen
	f.seen, _ = within(f.limit, func() (string, error) {
		defer f.looking.Unlock()
		if info, err := os.Stat(f.name); err == nil && !info.Mode().IsRegular() {
			return "", nil
		}
		return content(readFile(f.name)), nil
	}, nil)
	return f.seen != "" && f.seen == before && f.seen != f.loaded.Load()
}

// maxSize bounds the file: one without an end, such as /dev/zero, must not fill
// the memory. A job takes about 100 bytes.
const maxSize = 16 << 20

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxSize+1))
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxSize)
	}
	return data, err
}

// content differs if the data or the error does, and is never empty.
func content(data []byte, err error) string { return fmt.Sprintf("%v %x", err, sha256.Sum256(data)) }

// within returns what f returns, or the error late if f takes too long.
func within[T any](limit time.Duration, f func() (T, error), late error) (result T, err error) {
	done := make(chan func() (T, error), 1)
	go func() {
		result, err := f()
		done <- func() (T, error) { return result, err }
	}()
	select {
	case outcome := <-done:
		return outcome()
	case <-time.After(limit):
		return result, late
	}
}

// Parse checks the content of a configuration file. The name of the file is
// for errors, and relative paths start at its directory. Parse reads the files
// of tls_config, and looks at those of client secrets, which may be missing.
func Parse(file string, data []byte) (*Config, error) {
	d := &document{name: file, config: &Config{}, lines: map[string]int{}, doubted: map[string]bool{}}
	d.read(data)
	if d.err == nil {
		d.check()
	}
	if d.err != nil {
		return nil, d.err
	}
	slices.Sort(d.config.LabelNames)
	return d.config, nil
}
