package checks

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
	anchorID  = regexp.MustCompile(`<a id="(\w+)"></a>`)
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// GitHub leaves these out of a heading's anchor.
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// Every link from a document to a file or a heading of this repository is right.
func TestLinks(t *testing.T) {
	pages := map[string]string{} // without code blocks, in which # is a comment
	anchors := map[string]bool{}
	for _, path := range markdown(t) {
		pages[path] = codeBlock.ReplaceAllString(read(t, path), "")
		for _, h := range heading.FindAllStringSubmatch(pages[path], -1) {
			anchor := strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")
			anchors[path+"#"+anchor] = true
		}
	}
	for path, page := range pages {
		for _, id := range anchorID.FindAllStringSubmatch(page, -1) {
			anchors[path+"#"+id[1]] = true
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
				t.Errorf("%s: got a link to %s, which does not exist", path, l[1])
			}
		}
	}
}
