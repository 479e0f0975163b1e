package server

import (
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// The bar shows, and names, nothing that Zuora did not send.
func TestProgress(t *testing.T) {
	n := func(i int64) *int64 { return &i }
	for name, tc := range map[string]struct {
		job  zuora.DataLabelingJob
		want string // "" for no bar
	}{
		"all counts":       {zuora.DataLabelingJob{Labeled: n(5), Failed: n(2), Timeout: n(1), Total: n(10)}, "5 labeled, 2 failed, 1 timed out, 2 remaining"},
		"more than all":    {zuora.DataLabelingJob{Labeled: n(50), Failed: n(0), Timeout: n(0), Total: n(10)}, "50 labeled, 0 failed, 0 timed out, 0 remaining"},
		"one count":        {zuora.DataLabelingJob{Failed: n(3), Total: n(10)}, "3 failed"},
		"no count":         {zuora.DataLabelingJob{Total: n(10)}, ""},
		"no total":         {zuora.DataLabelingJob{Labeled: n(5)}, ""},
		"nothing to label": {zuora.DataLabelingJob{Labeled: n(0), Total: n(0)}, ""},
	} {
		got := ""
		if b := progress(&tc.job); b != nil {
			got = b.Text
			if b.Labeled+b.Failed+b.Timeout > 100 {
				t.Errorf("%s: %+v", name, b)
			}
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for want, o := range map[string]Options{
		"must begin with /": {TelemetryPath: "metrics"},
		"hold no space":     {TelemetryPath: "/a?b"},
		"is taken":          {TelemetryPath: "/probe"},
		"is below 0":        {TelemetryPath: "/metrics", TimeoutOffset: -1},
	} {
		if _, err := New(o, &collector.Collector{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
