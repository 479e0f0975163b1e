package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestCheckAPIReallyAsks(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	good := writeConfig(t, s, "", zuoratest.SampleJobID)
	code, output := runOnce(t, "--config.check-api", "--config.file="+good)
	if code != 0 || !regexp.MustCompile(`t +`+zuoratest.SampleJobID+` +Account +Completed +9 +1 +1 +11`).MatchString(output) {
		t.Errorf("got exit code %d, want 0 and the job:\n%s", code, output)
	}
	if n := s.Counters(); n.TokenRequests != 1 || n.JobRequests != 1 {
		t.Errorf("got %d token and %d job requests, want 1 and 1", n.TokenRequests, n.JobRequests)
	}
	code, output = runOnce(t, "--config.check-api", "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, unknownJob))
	if code != 1 || !regexp.MustCompile(unknownJob+` .*not_found: .*The job does not exist \(Zuora-Request-Id \S+\)`).MatchString(output) {
		t.Errorf("an unknown job: got exit code %d, want 1 and the reason:\n%s", code, output)
	}
	s.SetSecret("another")
	if code, output = runOnce(t, "--config.check-api", "--config.file="+writeConfig(t, s, "")); code != 1 || !strings.Contains(output, "auth: ") {
		t.Errorf("no token and no jobs: got exit code %d, want 1 and the reason:\n%s", code, output)
	}
}
