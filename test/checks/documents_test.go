package checks

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

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

// Prometheus accepts each of its configurations in the documents.
func TestPrometheusConfigurations(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n((?:global|scrape_configs):\n.*?)```")
	checked := 0
	for _, page := range markdown(t) {
		for _, block := range blocks.FindAllStringSubmatch(read(t, page), -1) {
			file := testutil.Write(t, t.TempDir(), "prometheus.yml", block[1])
			t.Log(page)
			testutil.Run(t, "promtool", "check", "config", file)
			checked++
		}
	}
	if checked < 2 {
		t.Errorf("got %d configurations, want at least 2", checked)
	}
}

// VERSION is the one place of the version. What cannot read it says the same.
func TestVersion(t *testing.T) {
	version := strings.TrimSpace(testutil.Read(t, "VERSION"))
	for file, line := range map[string]string{
		"../../CHANGELOG.md":  `\n## \[?` + regexp.QuoteMeta(version) + `\]? / `,
		chart + "/Chart.yaml": `\nversion: ` + regexp.QuoteMeta(version) + `\nappVersion: ` + regexp.QuoteMeta(version) + `\n`,
	} {
		if !regexp.MustCompile(line).MatchString(read(t, file)) {
			t.Errorf("%s: got no line %q", file, line)
		}
	}
	named := regexp.MustCompile(`zuora[_-]exporter[:_-]([0-9]+\.[0-9.]*[0-9])`)
	found := 0
	for _, file := range append(markdown(t), "../../examples/kubernetes/zuora_exporter.yaml") {
		for _, m := range named.FindAllStringSubmatch(read(t, file), -1) {
			found++
			if m[1] != version {
				t.Errorf("%s: got %s, want the version %s", file, m[0], version)
			}
		}
	}
	if found < 2 {
		t.Errorf("got the version %d times, want it at least in the README and the manifest", found)
	}
}

// An action's tag can be moved to other code; a commit cannot.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^uses: [\w./-]+@[0-9a-f]{40} # v[0-9.]+$`)
	files, uses := 0, 0
	err := filepath.WalkDir(testutil.Path(".github"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yml" {
			return err
		}
		files++
		name, err := filepath.Rel(testutil.Path(), path)
		if err != nil {
			return err
		}
		content := testutil.Read(t, name)
		if err := yaml.Unmarshal([]byte(content), new(map[string]any)); err != nil {
			t.Errorf("%s: %s", name, err)
		}
		for line := range strings.Lines(content) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
			if !strings.HasPrefix(line, "uses:") {
				continue
			}
			uses++
			if !pinned.MatchString(line) {
				t.Errorf("%s: got %q, want a commit and its version", name, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 5 || uses < 10 {
		t.Errorf("got %d files with %d actions, want at least 5 with 10", files, uses)
	}
}
