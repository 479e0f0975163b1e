package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestProbe(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
	for id, up := range map[string]int{zuoratest.SampleJobID: 1, runningJob: 1, unknownJob: 1, brokenJob: 0} {
		status, page := e.get(t, "/probe?target="+id)
		if status != 200 {
			t.Fatalf("got %d, want 200\n%s", status, page)
		}
		contains(t, page, fmt.Sprintf(`zuora_up{tenant="t"} %d`, up))
		for line := range strings.Lines(page) {
			if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "zuora_up{") && !regexp.MustCompile(`^zuora_data_labeling_job_.*job_id="`+id+`"`).MatchString(line) {
				t.Errorf("got %q, want only zuora_up and the job's metrics", line)
			}
		}
	}
	_, page := e.get(t, "/probe?tenant=t&target="+runningJob)
	contains(t, page, `zuora_data_labeling_job_total_objects{job_id="`+runningJob+`",object_type="Product",tenant="t"} 500`)
	if strings.Contains(e.output.String(), unknownJob) {
		t.Error("got a log line about a job that is not configured, want it at debug only")
	}
	if page := e.scrape(t, "10"); strings.Contains(page, runningJob) {
		t.Error("got a probed job on /metrics, want configured jobs only")
	}
}

func TestProbeOfATenantThatCannotBeHad(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	s.SetSecret("another")
	e := start(t, "--config.file="+writeConfig(t, s, ""))
	_, page := e.get(t, "/probe?target="+zuoratest.SampleJobID)
	contains(t, page, `zuora_up{tenant="t"} 0`, `zuora_data_labeling_job_scrape_error{job_id="`+zuoratest.SampleJobID+`",reason="auth",tenant="t"} 1`)
}

func TestBadProbes(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	one := start(t, "--config.file="+writeConfig(t, s, ""))
	for _, query := range []string{
		"", "?", "?target=", "?target=short", "?target=" + zuoratest.SampleJobID + "0", "?target=../../../../../../../../etc/passw",
		"?target=" + zuoratest.SampleJobID + "&tenant=other", "?tenant=t", "?target=%zz",
		"?target=" + zuoratest.SampleJobID + "&target=" + runningJob,
	} {
		if status, body := one.get(t, "/probe"+query); status != 400 || strings.Count(strings.TrimSpace(body), "\n") != 0 || body == "" {
			t.Errorf("/probe%s: got %d %q, want 400 and a sentence", query, status, body)
		}
	}
	if n := s.Counters(); n.TokenRequests+n.JobRequests != 0 {
		t.Errorf("got %d token and %d job requests, want none", n.TokenRequests, n.JobRequests)
	}
}
