package exporter

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
)

// The tables of docs/scaling.md are what --config.check reckons with.
func TestScalingTables(t *testing.T) {
	doc, err := os.ReadFile("../../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	contains := func(row string) {
		if !strings.Contains(string(doc), "\n"+row+"\n") {
			t.Errorf("no row %s", row)
		}
	}

	intervals := []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute}
	for _, l := range dailyLimits {
		row := fmt.Sprintf("| %s | %s |", l.tenant, separated(l.limit))
		for _, interval := range intervals {
			// Scraped every 15 s, with the interval as refresh_interval.
			one := &config.Tenant{RefreshInterval: interval, Jobs: make([]config.Job, 1)}
			row += fmt.Sprintf(" %d |", int(l.limit/10/requestsADay(one, 15*time.Second)))
		}
		contains(row)
	}

	const offset = 500 * time.Millisecond // the default of --scrape.timeout-offset
	for _, latency := range []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second} {
		row := fmt.Sprintf("| %s |", latency)
		for _, timeout := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute} {
			for _, concurrent := range []int{config.DefaultMaxConcurrentRequests, 20} {
				row += fmt.Sprintf(" %d |", concurrent*int((timeout-offset)/latency))
			}
		}
		contains(row)
	}
}

// separated writes a number as 27,000,000.
func separated(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
