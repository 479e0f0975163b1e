package checks

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-kit/log"

	"github.com/zuora-exporter/zuora_exporter/internal/exporter"
	"github.com/zuora-exporter/zuora_exporter/internal/server"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The page in a real browser, wide and on a phone. With -update it takes the
// picture in docs/.
func TestLandingPageInABrowser(t *testing.T) {
	browser := testutil.Tool(t, "chromium")
	load, stop := exporter.StartDemo()
	t.Cleanup(stop)
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	e, err := exporter.New(t.Context(), cfg, load, server.Options{TelemetryPath: "/metrics", Logger: log.NewNopLogger()})
	if err != nil {
		t.Fatal(err)
	}
	demo := httptest.NewServer(e)
	t.Cleanup(demo.Close)
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", nil)) // the page shows what was read

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true)))
	defer cancel()
	for name, size := range map[string]struct{ width, height int64 }{"wide": {1280, 800}, "phone": {390, 800}} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate(demo.URL)); err != nil {
			t.Fatal(err)
		}
		for what, tc := range map[string]struct {
			expression string
			want       int
		}{
			"pixels wider than the window":            {`document.documentElement.scrollWidth - document.documentElement.clientWidth`, 0},
			"jobs":                                    {`document.querySelectorAll("table tbody tr").length`, 10},
			"headings of columns":                     {`document.querySelectorAll("th[scope=col]").length`, 11},
			"progress bars, if there are 4 or more":   {`Math.min(4, [...document.querySelectorAll(".bar[role=img][aria-label]")].filter(b => b.clientWidth > 40 && b.clientHeight > 5).length)`, 4},
			"scripts, and resources from other hosts": {`performance.getEntriesByType("resource").filter(r => !r.name.startsWith(location.origin)).length + document.scripts.length`, 0},
		} {
			if got, err := chromedp.Run(ctx, chromedp.Evaluate[int](tc.expression)); err != nil || got != tc.want {
				t.Errorf("%s, %s: got %d (error %v), want %d", name, what, got, err, tc.want)
			}
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
