package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
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

// The page in a real browser, wide and on a phone. With -update it takes the
// picture in docs/.
func TestLandingPageInABrowser(t *testing.T) {
	t.Parallel()
	testutil.Slow(t)
	browser := testutil.Tool(t, "chromium")
	e := start(t, "--demo")
	e.scrape(t, "10")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true)))
	defer cancel()

	const (
		overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`
		jobs     = `document.querySelectorAll("table tbody tr").length`
		bars     = `[...document.querySelectorAll(".bar[role=img][aria-label]")].filter(b => b.clientWidth > 40 && b.clientHeight > 5).length`
		foreign  = `performance.getEntriesByType("resource").filter(r => !r.name.startsWith(location.origin)).length + document.scripts.length`
		headings = `document.querySelectorAll("th[scope=col]").length`
	)
	for name, size := range map[string]struct{ width, height int64 }{"wide": {1280, 800}, "phone": {390, 800}} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(e.URL+"/")); err != nil {
			t.Fatal(err)
		}
		evaluate := func(expression string) int {
			n, err := chromedp.Run(ctx, chromedp.Evaluate[int](expression))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := evaluate(overflow); n > 0 {
			t.Errorf("%s: got a page %d pixels wider than the window, want none", name, n)
		}
		if n := evaluate(jobs); n != 9 {
			t.Errorf("%s: got %d jobs, want 9", name, n)
		}
		if n := evaluate(bars); n < 4 {
			t.Errorf("%s: got %d progress bars, want at least 4", name, n)
		}
		if n := evaluate(foreign); n != 0 {
			t.Errorf("%s: got %d scripts and resources of other hosts, want none", name, n)
		}
		if n := evaluate(headings); n != 11 {
			t.Errorf("%s: got %d headings of columns, want 11", name, n)
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if *testutil.Update && name == "wide" {
			if err := os.WriteFile(testutil.Path("docs", "landing-page-wide.png"), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
