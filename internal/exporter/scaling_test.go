package exporter

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/migration"
	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// The table of quotas in docs/scaling.md is what --config.check computes with.
func TestScalingTable(t *testing.T) {
	doc := testutil.Read(t, "docs", "scaling.md")
	for _, l := range dailyLimits {
		row := fmt.Sprintf("| %s | %s |", l.tenant, migration.Grouped(int64(l.limit)))
		for _, interval := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute} {
			// Scraped every 15 s, with the interval as refresh_interval.
			one := &config.Tenant{RefreshInterval: model.Duration(interval), Jobs: make([]config.Job, 1)}
			row += fmt.Sprintf(" %d |", int(l.limit/10/requestsADay(one, 15*time.Second)))
		}
		if !strings.Contains(doc, "\n"+row+"\n") {
			t.Errorf("got no such row in docs/scaling.md, want\n%s", row)
		}
	}
}
