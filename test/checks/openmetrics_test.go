package checks

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// buildExporter builds the exporter and returns its path.
func buildExporter(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "zuora_exporter")
	testutil.Run(t, "go", "build", "-C", "../..", "-o", binary, ".")
	return binary
}

// demo runs the demo and returns its address.
func demo(t *testing.T) string {
	t.Helper()
	exporter := exec.CommandContext(t.Context(), buildExporter(t), "--demo", "--web.listen-address=127.0.0.1:0")
	output, err := exporter.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := exporter.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exporter.Process.Kill()
		_ = exporter.Wait()
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if m := regexp.MustCompile(`msg="Listening on" address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return "http://" + m[1]
		}
	}
	t.Fatal("the demo does not listen")
	return ""
}

// Prometheus's own parser accepts the demo's page in each format, and its linter
// our metrics. (promtool check metrics asks the same linter.)
func TestPageIsParsed(t *testing.T) {
	url := demo(t)
	const plain = "text/plain;version=0.0.4"
	for _, format := range []string{"application/openmetrics-text;version=1.0.0", plain} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", format)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if format == plain {
			problems, err := promlint.New(bytes.NewReader(page)).Lint()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				if strings.HasPrefix(p.Metric, "zuora_") {
					t.Errorf("%s: %s", p.Metric, p.Text)
				}
			}
		}
		parser, err := textparse.New(page, resp.Header.Get("Content-Type"), labels.NewSymbolTable(), textparse.ParserOptions{})
		if err != nil {
			t.Fatal(err)
		}
		series := 0
		for {
			entry, err := parser.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s, after %d series: %v", format, series, err)
			}
			if entry == textparse.EntrySeries {
				series++
			}
		}
		if series < 80 {
			t.Errorf("%s: got %d series, want all of the demo's", format, series)
		}
	}
}
