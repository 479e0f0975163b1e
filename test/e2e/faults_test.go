package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// All faults at once, each with a job of its own: each has its reason, and the
// good jobs beside them are not affected.
func TestFaultsBesideGoodJobs(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	want := map[string]string{} // reasons by job
	jobs := []string{zuoratest.SampleJobID}
	for i, fault := range zuoratest.Faults() {
		if fault.Reason == "rate_limited" || fault.Name == "category_11_authentication" {
			continue // TestFaultsOfTheTenant has what pauses the others or drops their token
		}
		bad, good := fmt.Sprintf("%032x", 2*i+1), fmt.Sprintf("%032x", 2*i+2)
		for _, id := range []string{bad, good} {
			s.SetJob(zuoratest.Job{ID: id, ObjectType: "User", Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
		}
		s.SetFault(bad, fault.Fault)
		want[bad], want[good] = fault.Reason, ""
		jobs = append(jobs, bad, good)
	}
	e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 1s\nmax_concurrent_requests: 20", jobs...))
	begun := time.Now()
	page := e.scrape(t, "10")
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("got an answer after %s, want it within 10s", took)
	}
	contains(t, page, `zuora_up{tenant="t"} 1`)
	for id, reason := range want {
		line := `zuora_data_labeling_job_scrape_success{job_id="` + id + `",tenant="t"} 1`
		if reason != "" {
			line = `zuora_data_labeling_job_scrape_error{job_id="` + id + `",reason="` + reason + `",tenant="t"} 1`
			if strings.Contains(page, `_objects{job_id="`+id) {
				t.Errorf("got counts of the failed job %s, want none", id)
			}
		}
		contains(t, page, line)
	}
	if n := s.Counters(); n.Leaks > 0 {
		t.Errorf("got %d redirects followed, want none", n.Leaks)
	}
}

// Each fault that concerns the whole tenant.
func TestFaultsOfTheTenant(t *testing.T) {
	t.Parallel()
	for _, fault := range append(zuoratest.Faults(), zuoratest.TokenFaults()...) {
		ofToken := strings.HasPrefix(fault.Name, "token_")
		if !ofToken && fault.Reason != "rate_limited" && fault.Name != "category_11_authentication" {
			continue
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			if ofToken {
				s.SetTokenFault(fault.Fault)
			} else {
				s.SetFault(zuoratest.AnyJob, fault.Fault)
			}
			e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 1s", zuoratest.SampleJobID, runningJob))
			page := e.scrape(t, "5")
			if fault.Reason == "" {
				contains(t, page, `zuora_up{tenant="t"} 1`)
				return
			}
			contains(t, page, `zuora_up{tenant="t"} 0`,
				`zuora_data_labeling_job_scrape_error{job_id="`+zuoratest.SampleJobID+`",reason="`+fault.Reason+`",tenant="t"} 1`,
				`zuora_data_labeling_job_scrape_error{job_id="`+runningJob+`",reason="`+fault.Reason+`",tenant="t"} 1`)
		})
	}
}
