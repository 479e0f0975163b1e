package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// readLimit is for reading the configuration file and the files of its
// tls_config together. A pipe that nobody writes has no end.
const readLimit = 10 * time.Second

// Load reads and checks the configuration file. Its error is one sentence that
// names the file and, unless the file cannot be read, the line. Load returns
// after 10 s at most.
func Load(file string) (*Config, error) {
	return load(file, readLimit)
}

func load(file string, limit time.Duration) (*Config, error) {
	return within(limit, func() (*Config, error) {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration file: %w", err)
		}
		return Parse(file, data)
	}, fmt.Errorf("reading the configuration file: no end of %s, or of a file of its tls_config, within %v", file, limit))
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

// Fingerprint differs if the content of the file differs, or the error of
// reading it. It reads no pipe, because that would take the content from Load.
func Fingerprint(file string) string {
	data, err := within(readLimit, func() ([]byte, error) {
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			return nil, err
		}
		return os.ReadFile(file)
	}, os.ErrDeadlineExceeded)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
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
