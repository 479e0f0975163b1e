package checks

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// markdown returns the paths of all documents in the repository.
func markdown(t *testing.T) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(testutil.Path()), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 15 {
		t.Fatalf("got %d documents (error %v), want at least 15", len(files), err)
	}
	return files
}

// blocks returns the YAML in all documents, by file and number.
func blocks(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range markdown(t) {
		for i, block := range testutil.Fenced(t, "yaml", file) {
			all[fmt.Sprintf("%s, block %d", file, i)] = block
		}
	}
	if len(all) < 16 {
		t.Errorf("got %d blocks, want at least 16", len(all))
	}
	return all
}

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	heading   = regexp.MustCompile(`(?m)^#+ +(.*)$|<a id="(\w+)"></a>`)
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// GitHub leaves these out of a heading's anchor.
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Every link from a document to a file, a heading or an anchor of this repository
// is right.
func TestLinks(t *testing.T) {
	pages := map[string]string{} // without code blocks, in which # is a comment
	anchors := map[string]bool{}
	for _, path := range markdown(t) {
		pages[path] = codeBlock.ReplaceAllString(testutil.Read(t, path), "")
		for _, h := range heading.FindAllStringSubmatch(pages[path], -1) {
			anchor := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")
			anchors[path+"#"+anchor+h[2]] = true
		}
	}
	for path, page := range pages {
		for _, l := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(page, ""), -1) {
			if strings.Contains(l[1], "://") {
				continue
			}
			file, anchor, hasAnchor := strings.Cut(l[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), file)
			}
			if _, err := os.Stat(testutil.Path(target)); err != nil || hasAnchor && !anchors[target+"#"+anchor] {
				t.Errorf("%s: got a link to %s, which does not exist", path, l[1])
			}
		}
	}
}

// What tells the reasons apart has each of them once.
func TestEachReasonIsExplained(t *testing.T) {
	for file, format := range map[string]string{
		"docs/runbooks/README.md":        "\n| `%s` | ",
		"dashboards/zuora-exporter.json": `"%s": {`,
	} {
		text := testutil.Read(t, file)
		for _, reason := range zuora.Reasons {
			if n := strings.Count(text, fmt.Sprintf(format, reason)); n != 1 {
				t.Errorf("%s, %s: got it %d times, want once", file, reason, n)
			}
		}
	}
}

// VERSION is the one place of the version. What cannot read it says the same.
func TestVersion(t *testing.T) {
	version := strings.TrimSpace(testutil.Read(t, "VERSION"))
	const name = `zuora[_-]exporter[:_-]([0-9]+\.[0-9.]*[0-9])`
	for file, pattern := range map[string]string{
		"CHANGELOG.md": `(?s)^.*?\n## \[?([0-9.]+)\]? / `, // the newest
		"README.md":    name,
		"examples/kubernetes/zuora_exporter.yaml":  name,
		"packaging/helm/zuora-exporter/Chart.yaml": `\n(?:appV|v)ersion: (.*)`,
	} {
		named := regexp.MustCompile(pattern).FindAllStringSubmatch(testutil.Read(t, file), -1)
		if len(named) == 0 {
			t.Errorf("%s: got no version", file)
		}
		for _, m := range named {
			if m[1] != version {
				t.Errorf("%s: got %q, want the version %s", file, m[0], version)
			}
		}
	}
}

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
