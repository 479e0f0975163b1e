// Package alerts has nothing but tests, of the rules beside it.
package alerts

import (
	"os"
	"os/exec"
	"testing"
)

func TestRules(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("ZUORA_E2E") == "required" {
			t.Fatal(err)
		}
		t.Skip("promtool is not installed")
	}
	for _, args := range [][]string{
		{"check", "rules", "--lint=all", "--lint-fatal", "zuora.rules.yml"},
		{"test", "rules", "zuora.rules_test.yml"},
	} {
		if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %s\n%s", args, err, out)
		}
	}
}
