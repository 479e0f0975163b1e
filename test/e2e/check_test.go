package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestCheckTellsTheCost(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	for name, tc := range map[string]struct {
		more string
		want []string // patterns
		warn bool
	}{
		"two jobs overrun an API Sandbox": {"", []string{`15s +11520 +0\.0427 % of 27000000 +23 % of 50000 +115 % of 10000`, `30s +5760 `, `1m0s +2880 `}, true},
		"a refresh interval spares it":    {"refresh_interval: 50s", []string{`15s +2880 `, `30s +2880 `, `1m0s +2880 `}, false},
	} {
		t.Run(name, func(t *testing.T) {
			code, output := runOnce(t, "--config.check", "--config.file="+writeConfig(t, s, tc.more, zuoratest.SampleJobID, runningJob))
			if code != 0 {
				t.Errorf("got exit code %d, want 0", code)
			}
			for _, pattern := range append(tc.want, "tenant t: 2 jobs from 127.0.0.1", "job "+runningJob) {
				if !regexp.MustCompile(pattern).MatchString(output) {
					t.Errorf("got\n%s\nwant %s", output, pattern)
				}
			}
			if strings.Contains(output, "warning") != tc.warn {
				t.Errorf("got\n%s\nwant a warning: %t", output, tc.warn)
			}
		})
	}
	if n := s.Counters(); n.TokenRequests+n.JobRequests != 0 {
		t.Errorf("got %d token and %d job requests, want none", n.TokenRequests, n.JobRequests)
	}
}

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
