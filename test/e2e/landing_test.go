package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// required returns the path of a program that a test needs. Where it is
// missing the test is left out, but for CI, where it fails.
func required(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("ZUORA_E2E") == "required" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed", program)
	}
	return path
}

func TestLandingPageAsksZuoraNothingAndEscapesWhatItSaid(t *testing.T) {
	s := scriptedStandIn(t)
	s.SetJob(zuoratest.Job{ID: oddJob, ObjectType: `<img src=x onerror="a()">`, Script: zuoratest.Constant(zuoratest.Answer{Status: "<script>a()</script>", Total: new(int64(4)), Labeled: new(int64(9))})})
	s.SetFault(brokenJob, zuoratest.RefuseWith(400, `"50000020"`, `</td><script>b()</script>`))
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, oddJob, brokenJob, unknownJob))
	_, before := e.get(t, "/")
	if strings.Count(before, "never read") != 4 || s.Counters().JobRequests != 0 {
		t.Errorf("before any scrape: %d requests and\n%s", s.Counters().JobRequests, before)
	}
	e.scrape(t, "10")
	n := s.Counters().JobRequests
	_, page := e.get(t, "/")
	if s.Counters().JobRequests != n {
		t.Error("looking at the page asked Zuora")
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "<img") {
		t.Errorf("what Zuora said is not escaped:\n%s", page)
	}
	for _, want := range []string{"9 labeled, 1 failed, 1 timed out, 0 remaining", "The job does not exist", "not_found", "&lt;script&gt;"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on\n%s", want, page)
		}
	}
	if strings.Contains(page, "debug/pprof") {
		t.Error("links to profiles that are not there")
	}
	if status, _ := e.get(t, "/debug/pprof/"); status != 404 {
		t.Errorf("/debug/pprof/: %d", status)
	}
}

func TestPprof(t *testing.T) {
	e := start(t, "--demo", "--web.enable-pprof")
	if status, _ := e.get(t, "/debug/pprof/heap"); status != 200 {
		t.Errorf("%d", status)
	}
	if _, page := e.get(t, "/"); !strings.Contains(page, "debug/pprof/heap") {
		t.Error("no links to the profiles")
	}
}

// The page in a real browser, wide and as narrow as a phone. With -update the
// picture for the README is taken.
func TestLandingPageInABrowser(t *testing.T) {
	browser := required(t, "chromium")
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
			t.Errorf("%s: %d pixels wider than the window", name, n)
		}
		if n := evaluate(jobs); n != 8 {
			t.Errorf("%s: %d jobs", name, n)
		}
		if n := evaluate(bars); n < 4 {
			t.Errorf("%s: %d progress bars", name, n)
		}
		if n := evaluate(foreign); n != 0 {
			t.Errorf("%s: %d scripts or things from elsewhere", name, n)
		}
		if n := evaluate(headings); n != 11 {
			t.Errorf("%s: %d headings of columns", name, n)
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			dir := filepath.Join(repository(), "docs")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "landing-page-"+name+".png"), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestPasswordGuardsWhatShowsData(t *testing.T) {
	dir := t.TempDir()
	web := filepath.Join(dir, "web-config.yml")
	// The password is "right".
	if err := os.WriteFile(web, []byte("basic_auth_users:\n  prometheus: "+rightHash+"\ntls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := writeCertificate(t, dir)
	e := start(t, "--demo", "--web.config.file="+web)
	ask := func(path, password string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(e.URL, "http://", "https://", 1)+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("prometheus", password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, path := range []string{"/", "/metrics", "/probe?target=ff80808186b966950186b97922e20001", "/-/reload", "/debug/pprof/"} {
		for _, password := range []string{"", "wrong"} {
			if status := ask(path, password); status != 401 {
				t.Errorf("%s with the password %q: %d", path, password, status)
			}
		}
	}
	for _, path := range []string{"/", "/metrics", "/probe?target=ff80808186b966950186b97922e20001"} {
		if status := ask(path, "right"); status != 200 {
			t.Errorf("%s with the right password: %d", path, status)
		}
	}
}
