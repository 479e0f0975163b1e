package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	pipe := func(name string) string {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	regular, written, silent, ca := filepath.Join(dir, "regular.yml"), pipe("written.yml"), pipe("silent.yml"), pipe("ca.pem")
	_, err := NewFile(regular).Load()
	if want := "reading the configuration file: open " + regular + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("no file: got %v, want %s", err, want)
	}

	testutil.Write(t, dir, "regular.yml", strings.ReplaceAll(minimal, "client_secret:", "client_secret_file:"))
	c, err := NewFile(regular).Load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Tenants[0].OAuth2.ClientSecretFile, filepath.Join(dir, "a-secret-of-prod"); got != want {
		t.Errorf("secret file: got %s, want %s", got, want)
	}

	// As from bash's <(envsubst <file).
	go os.WriteFile(written, []byte(minimal), 0o600)
	if c, err := NewFile(written).Load(); err != nil || len(c.Tenants) != 1 {
		t.Errorf("a pipe that is written: got %v, %v, want one tenant", c, err)
	}

	testutil.Write(t, dir, "regular.yml", minimal+"    tls_config: {ca_file: ca.pem}\n")
	for name, pipe := range map[string]string{silent: silent, regular: ca} {
		f := NewFile(name)
		f.limit = 20 * time.Millisecond
		_, err := f.Load()
		want := "reading the configuration file: " + name + ", or a file of its tls_config, does not end within 20ms"
		if err == nil || err.Error() != want {
			t.Errorf("a pipe that nobody writes: got %v, want %s", err, want)
		}
		os.WriteFile(pipe, nil, 0o600) // This ends the read.
	}
}

// A changed file counts as changed when it has been the same twice: it may be
// written slowly. One that was refused is no news.
func TestChanged(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	f := NewFile(name)
	for i, step := range []struct {
		content       string // "-": no file
		load, changed bool   // Load is called before Changed
	}{
		{content: "-", load: true}, // missing from the beginning
		{content: "tenants: []"},
		{content: minimal},
		{content: minimal, changed: true}, // new
		{content: minimal, load: true},    // loaded
		{content: "tenants:"},             // written slowly
		{content: "tenants: ["},
		{content: "tenants: []"},
		{content: "tenants: []", changed: true},
		{content: "tenants: []", load: true}, // refused
		{content: "tenants: []"},
		{content: minimal}, // repaired
		{content: minimal, changed: true},
		{content: minimal, changed: true}, // not loaded yet
		{content: "-"},                    // removed
		{content: "-", changed: true},
		{content: "-", load: true},
		{content: minimal}, // and there again
		{content: minimal, changed: true},
	} {
		if step.content == "-" {
			os.Remove(name)
		} else {
			testutil.Write(t, dir, "file", step.content)
		}
		if step.load {
			f.Load()
		}
		if got := f.Changed(); got != step.changed {
			t.Errorf("step %d, %.12q: got %t, want %t", i, step.content, got, step.changed)
		}
	}
}

// A file that hangs is not read again and again: each time would cost a thread.
func TestChangedWhileTheFileHangs(t *testing.T) {
	f := NewFile(testutil.Write(t, t.TempDir(), "file", "a"))
	f.looking.Lock()
	if f.Changed() {
		t.Error("got a change while the file hangs, want none")
	}
	f.looking.Unlock()
	if f.Changed(); !f.Changed() {
		t.Error("got no change afterwards, want one")
	}
}

// To read a pipe would take its content from Load.
func TestPipeNeverChanges(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	f := NewFile(pipe)
	f.limit = time.Hour
	go os.WriteFile(pipe, []byte(minimal), 0o600)
	if _, err := f.Load(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if f.Changed() {
			t.Error("got a change of a pipe, want none")
		}
	}
}
