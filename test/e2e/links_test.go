package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	heading   = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// What GitHub leaves out of a heading's anchor.
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Every link from a document to a file or a heading of this repository leads
// somewhere.
func TestLinks(t *testing.T) {
	pages := map[string]string{} // without code blocks, in which # is a comment
	err := filepath.WalkDir(repository(), func(path string, d os.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != repository() && (strings.HasPrefix(name, ".") && name != ".github" || name == "node_modules"):
			return filepath.SkipDir
		case filepath.Ext(name) == ".md":
			content, err := os.ReadFile(path)
			pages[path] = codeBlock.ReplaceAllString(string(content), "")
			return err
		}
		return nil
	})
	if err != nil || len(pages) < 20 {
		t.Fatalf("%v, %d pages", err, len(pages))
	}

	anchors := map[string]bool{}
	for path, page := range pages {
		for _, h := range heading.FindAllStringSubmatch(page, -1) {
			anchor := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")
			anchors[path+"#"+anchor] = true
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
			if _, err := os.Stat(target); err != nil || hasAnchor && !anchors[target+"#"+anchor] {
				name, _ := filepath.Rel(repository(), path)
				t.Errorf("%s: nothing is at %s", name, l[1])
			}
		}
	}
}
