// Package packaging has nothing but tests of the packages' configuration.
// .ci/artifacts and .ci/deb test the packages.
package packaging

import (
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The configuration of a new installation is valid and has no jobs.
func TestDefaultConfiguration(t *testing.T) {
	cfg, err := config.NewFile("zuora_exporter.yml").Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range cfg.Tenants {
		if len(tenant.Jobs) != 0 {
			t.Errorf("tenant %s: got %d jobs, want none", tenant.Name, len(tenant.Jobs))
		}
	}
}

// It stays valid if the optional keys are uncommented.
func TestDefaultConfigurationUncommented(t *testing.T) {
	uncommented := strings.Replace(testutil.Read(t, "packaging", "zuora_exporter.yml"), "jobs: []", "jobs:", 1)
	uncommented = regexp.MustCompile(`(?m)^    # ?((entity_id|api_version|request|max|refresh|completed|rate| - id|   labels).*)`).ReplaceAllString(uncommented, "    $1")
	uncommented = strings.Replace(uncommented, "entity_id:  ", "entity_id: 11e643f4-a3ee-8bad-b061-0025904c756d", 1)
	cfg, err := config.Parse("zuora_exporter.yml", []byte(uncommented))
	if err != nil {
		t.Fatalf("%s\n%s", err, uncommented)
	}
	if len(cfg.Tenants[0].Jobs) != 1 {
		t.Errorf("got %d jobs, want 1:\n%s", len(cfg.Tenants[0].Jobs), uncommented)
	}
}
