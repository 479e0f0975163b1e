package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The samples of a tenant, of a job that was read, and of one that was not.
const (
	isUp   = "\nzuora_up{tenant=\"t\"} 1\n"
	isDown = "\nzuora_up{tenant=\"t\"} 0\n"
)

func jobRead(id string) string {
	return fmt.Sprintf("\nzuora_data_labeling_job_scrape_success{job_id=%q,tenant=\"t\"} 1\n", id)
}

func jobError(id, reason string) string {
	return fmt.Sprintf("\nzuora_data_labeling_job_scrape_error{job_id=%q,reason=%q,tenant=\"t\"} 1\n", id, reason)
}

// newStandIn starts a stand-in for Zuora that has the documented sample job.
func newStandIn(t *testing.T) *zuoratest.Server {
	s := zuoratest.NewServer()
	t.Cleanup(s.Close)
	s.SetSampleJob()
	return s
}

const (
	runningJob = "00000000000000000000000000000001"
	waitingJob = "00000000000000000000000000000002"
	unknownJob = "00000000000000000000000000000003"
	oddJob     = "00000000000000000000000000000004"
	brokenJob  = "00000000000000000000000000000005"
)

// scriptedStandIn has a job of each kind, none of which moves.
func scriptedStandIn(t *testing.T) *zuoratest.Server {
	s := newStandIn(t)
	at := func(r zuoratest.Ramp, elapsed time.Duration) zuoratest.Script {
		return zuoratest.Constant(r.At(elapsed))
	}
	s.SetJob(zuoratest.Job{ID: runningJob, ObjectType: "Product", Script: at(zuoratest.Ramp{Rate: 10, Total: 500, FailedShare: .1}, 20*time.Second)})
	s.SetJob(zuoratest.Job{ID: waitingJob, ObjectType: "User", Script: at(zuoratest.Ramp{Accepted: time.Hour}, 0)})
	s.SetJob(zuoratest.Job{ID: oddJob, Script: zuoratest.Constant(zuoratest.Answer{Status: "On \"hold\"\n<script>"})})
	s.SetFault(brokenJob, zuoratest.Respond(200, "text/html", "<html>"))
	return s
}

// manyJobs are running jobs of which each answer takes the latency.
func manyJobs(t *testing.T, n int, latency time.Duration) (s *zuoratest.Server, jobs []string) {
	s = newStandIn(t)
	s.SetLatency(latency)
	for i := range n {
		jobs = append(jobs, fmt.Sprintf("%032x", i+1))
		s.SetJob(zuoratest.Job{ID: jobs[i], ObjectType: "Account", Script: zuoratest.Constant(zuoratest.Ramp{Rate: 100, Total: 50_000}.At(time.Minute))})
	}
	return s, jobs
}

// config is a configuration of one tenant, t, with one more line for the tenant
// and these jobs.
func config(s *zuoratest.Server, more string, jobs ...string) string {
	return "tenants:\n" + tenant("t", s, more, jobs...)
}

func tenant(name string, s *zuoratest.Server, more string, jobs ...string) string {
	text := fmt.Sprintf("- name: %q\n  base_url: %s\n  oauth2: {client_id: %s, client_secret: %q}\n  %s\n  jobs:\n",
		name, s.URL, zuoratest.ClientID, zuoratest.ClientSecret, more)
	for _, id := range jobs {
		text += "  - id: " + id + "\n"
	}
	return text
}

// writeConfig writes a config into a directory of its own.
func writeConfig(t *testing.T, s *zuoratest.Server, more string, jobs ...string) string {
	t.Helper()
	return testutil.Write(t, t.TempDir(), "zuora_exporter.yml", config(s, more, jobs...))
}

// serve starts an exporter with a config.
func serve(t *testing.T, s *zuoratest.Server, more string, jobs ...string) *exporter {
	t.Helper()
	file := writeConfig(t, s, more, jobs...)
	e := start(t, "--config.file="+file)
	e.file = file
	return e
}

// configure writes a config over the exporter's.
func (e *exporter) configure(t *testing.T, s *zuoratest.Server, more string, jobs ...string) {
	t.Helper()
	testutil.Write(t, filepath.Dir(e.file), filepath.Base(e.file), config(s, more, jobs...))
}
