package exporter

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/migration"
)

// dailyLimits are Zuora's limits on a tenant's requests in a day, shared by
// all that use its API.
//
// Source: "Rate limits" in Zuora's API reference.
var dailyLimits = []struct {
	tenant string
	limit  float64
	mayBe  func(host string) bool // Zuora's own hosts say what they are
}{
	{"Production or Central Sandbox", 27_000_000, func(host string) bool { return !strings.Contains(host, "sandbox") }},
	{"Developer Sandbox", 50_000, func(host string) bool { return strings.Contains(host, "rest.test") || isForeign(host) }},
	{"API Sandbox", 10_000, func(host string) bool { return strings.Contains(host, "sandbox") || isForeign(host) }},
}

// isForeign tells whether a host is not Zuora's own: a gateway's says nothing.
func isForeign(host string) bool { return !strings.HasSuffix(host, ".zuora.com") }

// Check prints what a valid configuration would read, what that costs, and what
// is probably a mistake.
func Check(w io.Writer, cfg *config.Config) {
	warnings := cfg.Warnings
	for _, t := range cfg.Tenants {
		fmt.Fprintf(w, "tenant %s: %s from %s\n", t.Name, plural(len(t.Jobs), "job"), t.BaseURL.Host)
		for _, j := range t.Jobs {
			fmt.Fprintf(w, "  job %s", j.ID)
			for _, name := range cfg.LabelNames {
				if value, ok := j.Labels[name]; ok {
					fmt.Fprintf(w, " %s=%q", name, value)
				}
			}
			fmt.Fprintln(w)
		}
		tooMuch := printCost(w, t)
		if _, err := t.OAuth2.Secret(); err != nil {
			warnings = append(warnings, fmt.Sprintf("tenant %s: cannot get a token: %s", t.Name, err))
		}
		warnings = append(warnings, tooMuch...)
	}
	for _, warning := range warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	with := ""
	if len(warnings) > 0 {
		with = ", with " + plural(len(warnings), "warning")
	}
	fmt.Fprintf(w, "The configuration is valid%s.\n", with)
	if os.Geteuid() == 0 {
		fmt.Fprintln(w, "Checked as user root: the user of the service may not be able to read the same files.")
	}
}

// plural is n and a noun that takes an s.
func plural[N int | int64](n N, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return migration.Grouped(int64(n)) + " " + noun
}

// printCost prints how many requests a day one Prometheus server causes, set
// against what Zuora allows the tenant for all its traffic. It returns a warning
// for each quota that they exceed, and one if a round over the jobs takes too
// long.
func printCost(w io.Writer, t *config.Tenant) (warnings []string) {
	if len(t.Jobs) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  scraped every\tjob requests a day")
	for _, l := range dailyLimits {
		fmt.Fprintf(table, "\t%s", l.tenant)
	}
	fmt.Fprintln(table)
	exceeding := make([][]string, len(dailyLimits)) // intervals
	for _, interval := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute} {
		requests := requestsADay(t, interval)
		fmt.Fprintf(table, "  %s\t%s", model.Duration(interval), migration.Grouped(int64(requests)))
		for i, l := range dailyLimits {
			fmt.Fprintf(table, "\t%s of %s", percent(requests/l.limit), migration.Grouped(int64(l.limit)))
			if requests > l.limit && l.mayBe(t.BaseURL.Hostname()) {
				exceeding[i] = append(exceeding[i], model.Duration(interval).String())
			}
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	if t.CompletedRefreshInterval > t.RefreshInterval {
		fmt.Fprintf(w, "  Completed jobs cost less: they are asked for every %s at most.\n", t.CompletedRefreshInterval)
	}
	for i, intervals := range exceeding {
		if len(intervals) > 0 {
			warnings = append(warnings, fmt.Sprintf("tenant %s: if it is a tenant of the kind %s, scrapes every %s take more requests a day than it has; set refresh_interval",
				t.Name, dailyLimits[i].tenant, strings.Join(intervals, ", ")))
		}
	}
	if round := time.Duration(len(t.Jobs)/int(t.MaxConcurrentRequests)) * time.Second; round > 5*time.Minute {
		warnings = append(warnings, fmt.Sprintf("tenant %s: if Zuora takes a second for an answer, one round over all jobs takes %s. Jobs that were not read for 5m are missing from a page; raise max_concurrent_requests",
			t.Name, model.Duration(round)))
	}
	return warnings
}

// percent writes a share as people do: 3,530 % or 0.02 %.
func percent(share float64) string {
	if share >= .1 {
		return migration.Grouped(int64(math.Round(share*100))) + " %"
	}
	return fmt.Sprintf("%.2g %%", share*100)
}

// requestsADay is how many requests the jobs cost, none of them completed.
func requestsADay(t *config.Tenant, interval time.Duration) float64 {
	return float64(len(t.Jobs)) * float64(24*time.Hour) / float64(collector.ReadEvery(interval, time.Duration(t.RefreshInterval)))
}
