package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zuora_exporter.yml")
	_, err := NewFile(file).Load()
	if want := "reading the configuration file: open " + file + ": no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(minimal, "client_secret:", "client_secret_file:")), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := NewFile(file).Load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Tenants[0].settings().OAuth2.ClientSecretFile, filepath.Join(filepath.Dir(file), "a-secret-of-prod"); got != want {
		t.Errorf("secret file: got %s, want %s", got, want)
	}
}

// A pipe that is written works, as from bash's <(envsubst <file), and one that
// nobody writes is given up.
func TestLoadPipe(t *testing.T) {
	dir := t.TempDir()
	pipe := func(name string) string {
		path := filepath.Join(dir, name)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write := func(path, content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Error(err)
		}
	}

	written := pipe("written.yml")
	go write(written, minimal)
	if c, err := NewFile(written).Load(); err != nil || len(c.Tenants) != 1 {
		t.Errorf("a pipe that is written: got %v, %v, want one tenant", c, err)
	}

	silent, ca := pipe("silent.yml"), pipe("ca.pem")
	regular := filepath.Join(dir, "regular.yml")
	write(regular, minimal+"    tls_config: {ca_file: ca.pem}\n")
	for name, tt := range map[string]struct{ file, pipe string }{
		"configuration file": {silent, silent},
		"ca_file":            {regular, ca},
	} {
		t.Run(name, func(t *testing.T) {
			f := NewFile(tt.file)
			f.limit = 20 * time.Millisecond
			_, err := f.Load()
			want := "reading the configuration file: " + tt.file + ", or a file of its tls_config, does not end within 20ms"
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
			write(tt.pipe, "") // This ends the read.
		})
	}
}

// A changed file counts as changed when it has been the same twice: it may be
// written slowly. One that was refused is no news.
func TestChanged(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
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
			writeFile(t, name, step.content)
		}
		if step.load {
			f.Load()
		}
		if got := f.Changed(); got != step.changed {
			t.Errorf("step %d, %.12q: got %t, want %t", i, step.content, got, step.changed)
		}
	}
}

// A file system that hangs is not asked again and again: each time would cost a
// thread.
func TestChangedWhileTheFileHangs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	f := NewFile(file)
	writeFile(t, file, "a")
	f.looking <- struct{}{}
	if f.Changed() {
		t.Error("got a change while the file hangs, want none")
	}
	<-f.looking
	if f.Changed(); !f.Changed() {
		t.Error("got no change afterwards, want one")
	}
}

func TestPipeNeverChanges(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if NewFile(pipe).Changed() {
		t.Error("got a change of a pipe, want none")
	}
	// To read the pipe would take 10 s.
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("a pipe took %v, want no wait", took)
	}
}
