package checks

import (
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
	var drawn, imported []string
	for _, arrow := range regexp.MustCompile(`(?m)^ +(\w+ --> \w+)$`).FindAllStringSubmatch(testutil.Read(t, "docs", "architecture.md"), -1) {
		drawn = append(drawn, arrow[1])
	}
	imports := testutil.Run(t, "go", "list", "-C", "../..", "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}`, "./...")
	for line := range strings.Lines(imports) {
		by, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if by == module {
			by = "main"
		}
		if strings.HasPrefix(name, module+"/") {
			imported = append(imported, path.Base(by)+" --> "+path.Base(name))
		} else if by == module+"/zuora" && strings.Contains(name, ".") && !strings.HasPrefix(name, "golang.org/x/") {
			t.Errorf("zuora imports %s, want only libraries of the Go project", name)
		}
	}
	slices.Sort(drawn)
	slices.Sort(imported)
	if diff := cmp.Diff(drawn, imported); diff != "" {
		t.Errorf("(-picture +code)\n%s", diff)
	}
}
