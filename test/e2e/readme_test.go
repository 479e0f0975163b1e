package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The README's configuration works, but for the host, and the page has the
// README's sample of the output.
func TestReadmeConfiguration(t *testing.T) {
	t.Parallel()
	readme := testutil.Read(t, "README.md")
	m := regexp.MustCompile("(?s)```yaml\n(# zuora_exporter.yml\n.*?)```").FindStringSubmatch(readme)
	if m == nil {
		t.Fatal("got no configuration in the README")
	}
	s := newStandIn(t)
	config := strings.NewReplacer("https://rest.na.zuora.com", s.URL).Replace(m[1])
	dir := t.TempDir()
	testutil.Write(t, dir, "prod-us.secret", zuoratest.ClientSecret+"\n")
	file := testutil.Write(t, dir, "zuora_exporter.yml", config)
	if code, output := runOnce(t, "--config.check", "--config.file="+file); code != 0 || !strings.Contains(output, zuoratest.SampleJobID) {
		t.Errorf("--config.check: got exit code %d, want 0 and the job:\n%s", code, output)
	}
	page := start(t, "--config.file="+file).scrape(t, "10")
	sample := regexp.MustCompile("(?s)```\n(zuora_.*?\n)```").FindStringSubmatch(readme)
	if sample == nil {
		t.Fatal("got no sample of the output in the README")
	}
	contains(t, page, strings.Split(strings.TrimSpace(sample[1]), "\n")...)
}
