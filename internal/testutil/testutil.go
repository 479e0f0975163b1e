// Package testutil is what the tests of several packages share.
package testutil

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// required is true in CI and for `make e2e`: there no test is skipped. It is no
// variable because go test's cache sees only what is read while a test runs.
func required() bool { return os.Getenv("ZUORA_E2E") == "required" }

// Path is the path of a file in the repository.
func Path(elem ...string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(append([]string{filepath.Dir(file), "..", ".."}, elem...)...)
}

// Read returns what a file of the repository holds.
func Read(t testing.TB, elem ...string) string {
	t.Helper()
	content, err := os.ReadFile(Path(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// Write writes a file into dir and returns its path.
func Write(t testing.TB, dir, name, content string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Tool returns the path of a program. Without it the test is skipped, but fails
// if ZUORA_E2E=required.
func Tool(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && required() {
		t.Fatal(err)
	} else if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// Run runs a tool to its end and returns what it printed.
func Run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), Tool(t, program), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %s\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Slow skips a test that takes too long for every `go test ./...`, unless
// ZUORA_E2E=required.
func Slow(t testing.TB) {
	t.Helper()
	if !required() {
		t.Skip("slow: run it with make e2e")
	}
}

// Update is true if the tests are to write files instead of comparing them.
var Update = flag.Bool("update", false, "write the files that tests compare anew")

// Generated compares a file of the repository with the content that it should
// have, or writes it if Update is true.
func Generated(t testing.TB, want string, elem ...string) {
	t.Helper()
	file := Path(elem...)
	if *Update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, Read(t, elem...)); diff != "" {
		t.Errorf("%s is stale: run its test with -update and look at git diff (-want +got):\n%s", file, diff)
	}
}
