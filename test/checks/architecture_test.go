package checks

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

const module = "github.com/zuora-exporter/zuora_exporter"

// The picture in docs/architecture.md has each import of one of the exporter's
// packages by another, and no more.
func TestArchitecture(t *testing.T) {
	drawn, imported := map[string]bool{}, map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^ +(\w+ --> \w+)$`).FindAllStringSubmatch(testutil.Read(t, "docs", "architecture.md"), -1) {
		drawn[arrow[1]] = true
	}
	imports := testutil.Run(t, "go", "list", "-C", "../..", "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}`, "./...")
	for line := range strings.Lines(imports) {
		by, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if by == module {
			by = "main"
		}
		if strings.HasPrefix(name, module+"/") {
			imported[path.Base(by)+" --> "+path.Base(name)] = true
		} else if by == module+"/zuora" && strings.Contains(name, ".") && !strings.HasPrefix(name, "golang.org/x/") {
			t.Errorf("zuora imports %s, want only libraries of the Go project", name)
		}
	}
	sorted := func(m map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(m)), "\n") }
	if diff := cmp.Diff(sorted(drawn), sorted(imported)); diff != "" {
		t.Errorf("(-picture +code)\n%s", diff)
	}
}
