package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

const openMetrics = "application/openmetrics-text;version=1.0.0"

// A strict parser, Python's client's, accepts both pages.
func TestStrictParserAcceptsThePages(t *testing.T) {
	t.Parallel()
	const python = "/usr/bin/python3" // Debian's, which has Debian's packages
	if exec.Command(python, "-c", "import prometheus_client").Run() != nil {
		testutil.Tool(t, "python3-prometheus-client")
	}
	s := scriptedStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, runningJob, waitingJob, unknownJob, oddJob, brokenJob))
	e.scrape(t, "10") // the next page has the API's metrics
	for _, path := range []string{"/metrics", "/probe?target=" + runningJob} {
		_, page := e.get(t, path, "Accept", openMetrics)
		if !strings.HasSuffix(page, "\n# EOF\n") || !strings.Contains(page, "zuora_up{") {
			t.Errorf("%s is no OpenMetrics page:\n%s", path, page)
		}
		file := filepath.Join(t.TempDir(), "page")
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), python, "-c", `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
names = [f.name for f in text_string_to_metric_families(open(sys.argv[1]).read())]
assert "zuora_up" in names, names`, file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", path, err, out)
		}
	}
}
