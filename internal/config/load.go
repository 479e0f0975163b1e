package config

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Load reads and checks the configuration file. What it returns is valid as a
// whole; its error is one sentence that names the file and, but for a file
// that cannot be read, the line, and the key if the fault is with one.
func Load(file string) (*Config, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration file: %w", err)
	}
	return Parse(file, data)
}

// Fingerprint differs if the content of the file differs, or the error of
// reading it.
func Fingerprint(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// Parse is Load for a file that has been read already. The name is used in
// errors, and relative paths in data start from its directory. The files that
// a tls_config names are read, those with client secrets are not.
func Parse(file string, data []byte) (*Config, error) {
	root, err := parseYAML(file, data)
	if err != nil {
		return nil, err
	}
	doc := &document{file: file, dir: filepath.Dir(file), left: len(data) + maxUnfolded}
	top := value{doc: doc}.at(root)
	var c Config
	if err := top.mapping(map[string]func(value) error{
		"tenants": into(&c.Tenants, readTenants),
	}, "tenants"); err != nil {
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
	return &c, nil
}
