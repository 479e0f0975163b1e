package exporter

import (
	"strings"
	"testing"
	"time"
)

// The demo is what the dashboards are shown with: each kind of job that they
// tell apart is among its jobs.
func TestDemoJobs(t *testing.T) {
	load, stop := StartDemo()
	defer stop()
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(cfg.Tenants[0].Jobs), len(demoJobs()); got != want {
		t.Errorf("got %d configured jobs, want %d", got, want)
	}
	kinds := map[string]int{}
	for _, j := range demoJobs() {
		if strings.Contains(j.labels, "repairs: ") {
			kinds["repairs another"]++
		}
		if j.script == nil {
			kinds["unknown"]++
			continue
		}
		var moves, failed, timedOut int64
		// Dashboards take rates over 15 minutes.
		begin, end := j.script(15*time.Minute), j.script(30*time.Minute)
		if begin.Labeled != nil && end.Labeled != nil {
			moves, failed, timedOut = *end.Labeled-*begin.Labeled, *end.Failed, *end.Timeout
		}
		switch {
		case end.Status == "Dispatched" && moves > 0:
			kinds["moves"]++
		case end.Status == "Dispatched" && failed > 0:
			kinds["stuck, with failures"]++
		case end.Status == "Dispatched":
			kinds["stuck, without failures"]++
		case end.Status == "Completed" && failed > 0 && timedOut > 0:
			kinds["completed with losses"]++
		default:
			kinds[end.Status]++
		}
	}
	for _, kind := range []string{"moves", "stuck, with failures", "stuck, without failures", "completed with losses", "Completed", "Accepted", "Suspended", "unknown", "repairs another"} {
		if kinds[kind] == 0 {
			t.Errorf("got no job of the kind %q, want one; the demo has %v", kind, kinds)
		}
	}
}
