package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// VERSION, --version, zuora_exporter_build_info and the changelog agree.
func TestVersion(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(repository(), "VERSION"))
	if err != nil {
		t.Fatal(err)
	}
	version := strings.TrimSpace(string(content))
	out, err := exec.Command(binary(), "--version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "zuora_exporter, version "+version+" (") {
		t.Errorf("%v %s", err, out)
	}
	page := start(t, "--demo").scrape(t, "10")
	if !regexp.MustCompile(`(?m)^zuora_exporter_build_info\{.*version="` + regexp.QuoteMeta(version) + `"\} 1$`).MatchString(page) {
		t.Errorf("zuora_exporter_build_info does not say %s", version)
	}
	changes, err := os.ReadFile(filepath.Join(repository(), "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^## \[?` + regexp.QuoteMeta(version) + `\b`).Match(changes) {
		t.Errorf("CHANGELOG.md says nothing of %s", version)
	}
}
