package checks

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The page in a real browser, wide and on a phone. With -update it takes the
// picture in docs/.
func TestLandingPageInABrowser(t *testing.T) {
	browser := testutil.Tool(t, "chromium")
	url := demo(t)
	resp, err := http.Get(url + "/metrics")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %v (error %v), want the metrics", resp, err)
	}
	resp.Body.Close()

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
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(url+"/")); err != nil {
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
		if n := evaluate(jobs); n != 10 {
			t.Errorf("%s: got %d jobs, want 10", name, n)
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
