package checks

import (
	"errors"
	"go/build"
	"maps"
	"path"
	"path/filepath"
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
	page := testutil.Read(t, "docs", "architecture.md")
	drawn := map[string]bool{}
	for _, arrow := range regexp.MustCompile(`(?m)^ +(\w+) --> (\w+)$`).FindAllStringSubmatch(page, -1) {
		drawn[arrow[1]+" --> "+arrow[2]] = true
	}

	imported := map[string]bool{}
	for _, dir := range []string{".", "*", "*/*"} {
		dirs, err := filepath.Glob(testutil.Path(dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range dirs {
			p, err := build.ImportDir(dir, 0)
			if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) || err != nil && p.Name == "" {
				continue
			} else if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(dir)
			switch {
			case dir == testutil.Path():
				name = "main"
			case p.Name == "main":
				continue // a tool, no part of the exporter
			}
			for _, i := range p.Imports {
				if strings.HasPrefix(i, module+"/") {
					imported[name+" --> "+path.Base(i)] = true
				} else if strings.HasPrefix(name, "zuora") && strings.Contains(i, ".") && !strings.HasPrefix(i, "golang.org/x/") {
					t.Errorf("%s imports %s, want only libraries of the Go project", name, i)
				}
			}
		}
	}
	sorted := func(m map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(m)), "\n") }
	if diff := cmp.Diff(sorted(drawn), sorted(imported)); diff != "" {
		t.Errorf("(-picture +code)\n%s", diff)
	}
}
