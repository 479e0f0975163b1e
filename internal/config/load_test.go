package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The file may be a pipe, as from bash's <(envsubst <file). One that nobody
// writes has no end.
func TestLoad(t *testing.T) {
	dir := t.TempDir()
	pipe := func(name string) string {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	missing, written, silent, ca := filepath.Join(dir, "missing"), pipe("written"), pipe("silent"), pipe("ca.pem")
	regular := testutil.Write(t, dir, "regular", minimal+"    tls_config: {ca_file: ca.pem}\n")
	go os.WriteFile(written, []byte(minimal), 0o600)
	const hangs = "reading the configuration file: %s, or a file of its tls_config, does not end within 1s"
	for name, want := range map[string]string{
		missing:     "reading the configuration file: open " + missing + ": no such file or directory",
		written:     "<nil>",
		silent:      fmt.Sprintf(hangs, silent),
		regular:     fmt.Sprintf(hangs, regular),
		"/dev/zero": "reading the configuration file: /dev/zero is larger than 16777216 bytes",
	} {
		f := NewFile(name)
		if strings.Contains(want, "within 1s") {
			f.limit = time.Second
		}
		if _, err := f.Load(); fmt.Sprint(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
		// To read a pipe would take its content from Load.
		if f.Changed(); f.Changed() {
			t.Errorf("%s: got a change, want none", name)
		}
	}
	for _, pipe := range []string{silent, ca} {
		f, err := os.OpenFile(pipe, os.O_RDWR, 0) // This ends the read.
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
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
		{content: minimal},                // repaired
		{content: minimal, changed: true}, // not loaded yet
		{content: "-"},                    // removed
		{content: "-", changed: true},
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
