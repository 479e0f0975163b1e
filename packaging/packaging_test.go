// Package packaging has nothing but tests: of what the packages bring, and of
// the repository's workflows. .ci/artifacts and .ci/deb test the packages.
package packaging

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
)

// The configuration of a fresh installation is valid, and reads nobody's jobs.
func TestDefaultConfiguration(t *testing.T) {
	cfg, err := config.Load("zuora_exporter.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range cfg.Tenants {
		if len(tenant.Jobs) != 0 {
			t.Errorf("tenant %s has jobs", tenant.Name)
		}
	}
}

// Whoever takes the comments out of the optional keys has a valid configuration.
func TestDefaultConfigurationUncommented(t *testing.T) {
	content, err := os.ReadFile("zuora_exporter.yml")
	if err != nil {
		t.Fatal(err)
	}
	uncommented := strings.Replace(string(content), "jobs: []", "jobs:", 1)
	uncommented = regexp.MustCompile(`(?m)^    # ?((entity_id|api_version|request|max|refresh|completed|rate| - id|   labels).*)`).ReplaceAllString(uncommented, "    $1")
	uncommented = strings.Replace(uncommented, "entity_id:  ", "entity_id: 11e643f4-a3ee-8bad-b061-0025904c756d", 1)
	cfg, err := config.Parse("zuora_exporter.yml", []byte(uncommented))
	if err != nil {
		t.Fatalf("%s\n%s", err, uncommented)
	}
	if len(cfg.Tenants[0].Jobs) != 1 {
		t.Errorf("no job in\n%s", uncommented)
	}
}

// What is applied to a cluster is the image of this version.
func TestKubernetesImage(t *testing.T) {
	version, err := os.ReadFile("../VERSION")
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := os.ReadFile("../examples/kubernetes/zuora_exporter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	image := "image: ghcr.io/zuora-exporter/zuora_exporter:" + strings.TrimSpace(string(version)) + "\n"
	if !strings.Contains(string(manifest), image) {
		t.Errorf("not %s", image)
	}
}

// An action's tag may be moved to other code; a commit may not.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^uses: [\w./-]+@[0-9a-f]{40} # v[0-9.]+$`)
	files, uses := 0, 0
	err := filepath.WalkDir("../.github", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yml" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		var document map[string]any
		if err := yaml.Unmarshal(content, &document); err != nil {
			t.Errorf("%s: %s", path, err)
		}
		for line := range strings.Lines(string(content)) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
			if !strings.HasPrefix(line, "uses:") {
				continue
			}
			uses++
			if !pinned.MatchString(line) {
				t.Errorf("%s: %s", path, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 8 || uses < 10 {
		t.Errorf("only %d files with %d uses", files, uses)
	}
}
