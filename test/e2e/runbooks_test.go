package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// Who pastes the recipe gets the job, whatever line break the secret's file ends
// in, or is told that there is no token.
func TestAskZuoraByHand(t *testing.T) {
	t.Parallel()
	testutil.Tool(t, "curl")
	recipe := regexp.MustCompile("(?s)```bash\n(.*?)```").FindStringSubmatch(testutil.Read(t, "docs", "runbooks", "README.md"))
	if recipe == nil {
		t.Fatal("got no recipe in the runbooks")
	}
	s := newStandIn(t)
	for name, tc := range map[string]struct{ secret, want string }{
		"no line break":    {zuoratest.ClientSecret, `"jobStatus":"Completed"`},
		"a line break":     {zuoratest.ClientSecret + "\n", `"jobStatus":"Completed"`},
		"CR and LF":        {zuoratest.ClientSecret + "\r\n", `"jobStatus":"Completed"`},
		"the wrong secret": {"wrong\n", "no token: {"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(testutil.Tool(t, "bash"), "-c", strings.ReplaceAll(recipe[1], "https://rest.na.zuora.com", s.URL))
			cmd.Dir = t.TempDir()
			testutil.Write(t, cmd.Dir, "prod-us.secret", tc.secret)
			output, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(output), tc.want) {
				t.Errorf("got (error %v):\n%s\nwant %s", err, output, tc.want)
			}
		})
	}
}
