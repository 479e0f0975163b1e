package e2e

import (
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestLandingPageAsksZuoraNothingAndEscapesWhatItSaid(t *testing.T) {
	t.Parallel()
	s := scriptedStandIn(t)
	s.SetJob(zuoratest.Job{ID: oddJob, ObjectType: `<img src=x onerror="a()">`, Script: zuoratest.Constant(zuoratest.Answer{Status: "<script>a()</script>", Total: new(int64(4)), Labeled: new(int64(9))})})
	s.SetFault(brokenJob, zuoratest.RefuseWith(400, `"50000020"`, `</td><script>b()</script>`))
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, oddJob, brokenJob, unknownJob))
	_, before := e.get(t, "/")
	if strings.Count(before, "never read") != 4 || s.Counters().JobRequests != 0 {
		t.Errorf("before any scrape: got %d requests, want none and four jobs never read:\n%s", s.Counters().JobRequests, before)
	}
	e.scrape(t, "10")
	n := s.Counters().JobRequests
	_, page := e.get(t, "/")
	if got := s.Counters().JobRequests; got != n {
		t.Errorf("got %d requests after the page, want %d as before", got, n)
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") {
		t.Errorf("got Zuora's text unescaped:\n%s", page)
	}
	for _, want := range []string{"9 labeled, 1 failed, 1 timed out, 0 remaining", "The job does not exist", "not_found", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("got\n%s\nwant %q", page, want)
		}
	}
	if strings.Contains(page, "debug/pprof") {
		t.Error("got links to profiles, want none without --web.enable-pprof")
	}
	if status, _ := e.get(t, "/debug/pprof/"); status != 404 {
		t.Errorf("/debug/pprof/: got %d, want 404", status)
	}
}

func TestPprof(t *testing.T) {
	t.Parallel()
	e := start(t, "--demo", "--web.enable-pprof")
	if status, _ := e.get(t, "/debug/pprof/heap"); status != 200 {
		t.Errorf("/debug/pprof/heap: got %d, want 200", status)
	}
	if _, page := e.get(t, "/"); !strings.Contains(page, "debug/pprof/heap") {
		t.Error("got no links to the profiles")
	}
}
