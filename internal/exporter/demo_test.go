package exporter

import (
	"cmp"
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
			kinds["a repair"]++
		}
		if j.script == nil {
			kinds["unknown"]++
			continue
		}
		// Dashboards take rates over 15 minutes.
		begin, end := j.script(15*time.Minute), j.script(30*time.Minute)
		none := new(int64)
		kind := end.Status
		if *cmp.Or(end.Labeled, none) > *cmp.Or(begin.Labeled, none) {
			kind += ", moves"
		}
		if *cmp.Or(end.Failed, none) > 0 {
			kind += ", failed"
		}
		if *cmp.Or(end.Timeout, none) > 0 {
			kind += ", timed out"
		}
		kinds[kind]++
	}
	for _, kind := range []string{"Dispatched, moves", "Dispatched, failed", "Dispatched", "Completed, failed, timed out", "Completed", "Accepted", "Suspended", "unknown", "a repair"} {
		if kinds[kind] == 0 {
			t.Errorf("got no job of the kind %q, want one; the demo has %v", kind, kinds)
		}
	}
}
