package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// The bar shows, and names, nothing that Zuora did not send.
func TestProgress(t *testing.T) {
	n := func(i int64) *int64 { return &i }
	for name, tc := range map[string]struct {
		job  zuora.DataLabelingJob
		want string // "" for no bar
	}{
		"all counts":           {zuora.DataLabelingJob{Labeled: n(5), Failed: n(2), Timeout: n(1), Total: n(10)}, "5 labeled, 2 failed, 1 timed out, 2 remaining"},
		"many":                 {zuora.DataLabelingJob{Labeled: n(1234567), Failed: n(1000), Timeout: n(999), Total: n(2000000)}, "1,234,567 labeled, 1,000 failed, 999 timed out, 763,434 remaining"},
		"more than all":        {zuora.DataLabelingJob{Labeled: n(50), Failed: n(0), Timeout: n(0), Total: n(10)}, "50 labeled, 0 failed, 0 timed out, 0 remaining"},
		"one count":            {zuora.DataLabelingJob{Failed: n(3), Total: n(10)}, "3 failed"},
		"counts that overflow": {zuora.DataLabelingJob{Labeled: n(1 << 62), Failed: n(1 << 62), Timeout: n(1 << 62), Total: n(3)}, "4,611,686,018,427,387,904 labeled, 4,611,686,018,427,387,904 failed, 4,611,686,018,427,387,904 timed out, 0 remaining"},
		"no count":             {zuora.DataLabelingJob{Total: n(10)}, ""},
		"no total":             {zuora.DataLabelingJob{Labeled: n(5)}, ""},
		"nothing to label":     {zuora.DataLabelingJob{Labeled: n(0), Total: n(0)}, ""},
	} {
		got := ""
		if b := progress(&tc.job); b != nil {
			got = b.Text
			if b.Labeled+b.Failed+b.Timeout > 100 {
				t.Errorf("%s: got a bar of %+v, want at most 100 %%", name, b)
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		o    Options
		want string // a part of the error; "" if there is none
	}{
		"root":                  {Options{TelemetryPath: "/"}, ""},
		"two levels":            {Options{TelemetryPath: "/zuora/metrics"}, ""},
		"profiles that are off": {Options{TelemetryPath: "/debug/pprof/heap"}, ""},
		"no path":               {Options{}, "clean path"},
		"no slash":              {Options{TelemetryPath: "metrics"}, "clean path"},
		"a slash at the end":    {Options{TelemetryPath: "/metrics/"}, "clean path"},
		"two slashes":           {Options{TelemetryPath: "//metrics"}, "clean path"},
		"dots":                  {Options{TelemetryPath: "/a/../b"}, "clean path"},
		"a dot":                 {Options{TelemetryPath: "/./m"}, "clean path"},
		"a dot at the end":      {Options{TelemetryPath: "/metrics/."}, "clean path"},
		"an escape":             {Options{TelemetryPath: "/prob%65"}, "clean path"},
		"a query":               {Options{TelemetryPath: "/a?b"}, "clean path"},
		"a pattern":             {Options{TelemetryPath: "/{a}"}, "clean path"},
		"the end of a pattern":  {Options{TelemetryPath: "/{$}"}, "clean path"},
		"a space":               {Options{TelemetryPath: "/a b"}, "clean path"},
		"taken":                 {Options{TelemetryPath: "/probe"}, "is taken"},
		"taken for POST":        {Options{TelemetryPath: "/-/reload"}, "is taken"},
		"taken by profiles":     {Options{TelemetryPath: "/debug/pprof/heap", EnablePprof: true}, "is taken"},
		"an offset below 0":     {Options{TelemetryPath: "/metrics", TimeoutOffset: -1}, "is below 0"},
	} {
		_, err := New(tc.o)
		if got := fmt.Sprint(err); tc.want == "" && err != nil || !strings.Contains(got, tc.want) {
			t.Errorf("%s: got the error %v, want %q", name, err, tc.want)
		}
	}
}
