package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// --version and zuora_exporter_build_info say what VERSION does.
func TestVersion(t *testing.T) {
	t.Parallel()
	version := strings.TrimSpace(testutil.Read(t, "VERSION"))
	if code, output := runOnce(t, "--version"); code != 0 || !strings.HasPrefix(output, "zuora_exporter, version "+version+" (") {
		t.Errorf("--version: got exit code %d, want 0 and the version %s:\n%s", code, version, output)
	}
	page := start(t, "--demo").scrape(t, "10")
	if !regexp.MustCompile(`(?m)^zuora_exporter_build_info\{.*version="` + regexp.QuoteMeta(version) + `"\} 1$`).MatchString(page) {
		t.Errorf("got %s, want the version %s", samples(page, "zuora_exporter_build_info"), version)
	}
}
