package exporter

import (
	"runtime/debug"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
)

func TestTuneGC(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	for name, tc := range map[string]struct {
		gogc, limit string
		jobs        []int // by tenant
		want        int
	}{
		"no jobs":               {want: 400},
		"a few":                 {jobs: []int{500}, want: 400},
		"some":                  {jobs: []int{1000, 2000}, want: 216},
		"many":                  {jobs: []int{10_000}, want: 80},
		"more":                  {jobs: []int{100_000}, want: 80},
		"the user's percentage": {gogc: "100", want: 100},
		"switched off":          {gogc: "off", want: 100},
		"the user's limit":      {limit: "64MiB", want: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("GOGC", tc.gogc)
			t.Setenv("GOMEMLIMIT", tc.limit)
			debug.SetGCPercent(100)
			limit := debug.SetMemoryLimit(-1)
			cfg := &config.Config{}
			for _, n := range tc.jobs {
				cfg.Tenants = append(cfg.Tenants, &config.Tenant{Jobs: make([]config.Job, n)})
			}
			tuneGC(cfg)
			if got := debug.SetGCPercent(100); got != tc.want {
				t.Errorf("GOGC is %d, want %d", got, tc.want)
			}
			if got := debug.SetMemoryLimit(-1); got != limit {
				t.Errorf("the memory limit is %d", got)
			}
		})
	}
}
