package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
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
			continue // it pauses the others, or drops their token
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
	page := e.scrape(t, "10")
	contains(t, page, `zuora_up{tenant="t"} 1`)
	for id, reason := range want {
		if reason == "" {
			contains(t, page, jobRead(id))
			continue
		}
		contains(t, page, jobError(id, reason))
		if strings.Contains(page, `_objects{job_id="`+id) {
			t.Errorf("got counts of the failed job %s, want none", id)
		}
	}
}

// Without a token, each page says why.
func TestNoToken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault         zuoratest.Fault
		reason, words string
	}{
		"refused": {zuoratest.Respond(401, "application/json", `{"error":"invalid_client"}`), "auth", "getting a token: HTTP 401: invalid_client"},
		"hangs":   {zuoratest.Hang(), "timeout", "getting a token: no token before the deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStandIn(t)
			s.SetTokenFault(tc.fault)
			e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID))
			want := []string{`zuora_up{tenant="t"} 0`, jobError(zuoratest.SampleJobID, tc.reason)}
			contains(t, e.scrape(t, "1"), want...)
			_, page := e.get(t, "/probe?target="+zuoratest.SampleJobID, "X-Prometheus-Scrape-Timeout-Seconds", "1")
			contains(t, page, want...)
			if _, page := e.get(t, "/"); !strings.Contains(page, tc.words) {
				t.Errorf("got\n%s\nwant %q", page, tc.words)
			}
		})
	}
}

func TestScrapeIsAnsweredInTime(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	for _, id := range []string{runningJob, waitingJob, oddJob} {
		s.SetFault(id, zuoratest.Hang())
	}
	e := start(t, "--config.file="+writeConfig(t, s, "max_concurrent_requests: 2", zuoratest.SampleJobID, runningJob, waitingJob, oddJob))
	begun := time.Now()
	page := e.scrape(t, "2")
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("got an answer after %s, want it within 2s", took)
	}
	contains(t, page, `zuora_up{tenant="t"} 1`, jobRead(zuoratest.SampleJobID),
		jobError(runningJob, "timeout"), jobError(waitingJob, "timeout"), jobError(oddJob, "timeout"))
	if lines := samples(page, "zuora_data_labeling_job_scrape_duration_seconds"); len(lines) != 3 {
		t.Errorf("got %d durations, want 3: one job had no time to begin\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

// A CA file on a file system that hangs keeps no page waiting. What was read
// serves meanwhile, and a reload to a good file helps at once.
func TestCAFileThatHangs(t *testing.T) {
	t.Parallel()
	certificate := testutil.NewCertificate(t)
	s := zuoratest.NewTLSServer(certificate.Pair)
	t.Cleanup(s.Close)
	s.SetSampleJob()
	s.SetJob(zuoratest.Job{ID: waitingJob, Script: zuoratest.Constant(zuoratest.Answer{Status: "Accepted"})})
	dir := t.TempDir()
	ca := testutil.Write(t, dir, "ca.pem", certificate.CertPEM)
	testutil.Write(t, dir, "good.pem", certificate.CertPEM)
	file := testutil.Write(t, dir, "zuora_exporter.yml", config(s, "tls_config: {ca_file: ca.pem}", zuoratest.SampleJobID))
	e := start(t, "--config.file="+file)
	contains(t, e.scrape(t, "5"), `zuora_up{tenant="t"} 1`)
	fifo(t, ca)
	for range 3 {
		contains(t, e.scrape(t, "1"), jobRead(zuoratest.SampleJobID),
			`zuora_data_labeling_job_scrape_duration_seconds{job_id="`+zuoratest.SampleJobID+`",tenant="t"} 0`)
		_, page := e.get(t, "/probe?target="+waitingJob, "X-Prometheus-Scrape-Timeout-Seconds", "1")
		contains(t, page, `zuora_up{tenant="t"} 0`, jobError(waitingJob, "timeout"))
	}
	rewriteConfig(t, file, s, "tls_config: {ca_file: good.pem}", zuoratest.SampleJobID, waitingJob)
	e.reload(t)
	contains(t, e.scrape(t, "5"), `zuora_up{tenant="t"} 1`, jobRead(waitingJob))
	e.signal(t, syscall.SIGTERM)
	if code := e.exitCode(t, 5*time.Second); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}
