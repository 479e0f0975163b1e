package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-kit/log"
	"golang.org/x/sync/errgroup"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// dailyLimits are Zuora's limits on a tenant's requests in a day, shared by
// all that use its API.
//
// Source: "Rate limits" in Zuora's API reference.
var dailyLimits = []struct {
	tenant string
	limit  float64
}{
	{"Production or Central Sandbox", 27_000_000},
	{"Developer Sandbox", 50_000},
	{"API Sandbox", 10_000},
}

// Check prints what a valid configuration would read, and what that costs.
func Check(w io.Writer, cfg *config.Config) {
	for _, t := range cfg.Tenants {
		fmt.Fprintf(w, "tenant %s: %s from %s\n", t.Name, plural(len(t.Jobs), "job"), t.Zuora.BaseURL.Host)
		if _, err := t.Zuora.ClientSecret(); err != nil {
			fmt.Fprintf(w, "  warning: cannot get a token: %s\n", err)
		}
		for _, j := range t.Jobs {
			fmt.Fprintf(w, "  job %s", j.ID)
			for _, name := range cfg.LabelNames {
				if value, ok := j.Labels[name]; ok {
					fmt.Fprintf(w, " %s=%q", name, value)
				}
			}
			fmt.Fprintln(w)
		}
		printCost(w, t)
	}
	for _, warning := range cfg.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	fmt.Fprintln(w, "The configuration is valid.")
	if os.Geteuid() == 0 {
		fmt.Fprintln(w, "Checked as user root: the user of the service may not be able to read the same files.")
	}
}

// plural is n and a noun that takes an s.
func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// printCost prints how many requests a day one Prometheus server causes, set
// against what Zuora allows the tenant for all its traffic.
func printCost(w io.Writer, t *config.Tenant) {
	if len(t.Jobs) == 0 {
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "  scraped every\tjob requests a day")
	for _, l := range dailyLimits {
		fmt.Fprintf(table, "\t%s", l.tenant)
	}
	fmt.Fprintln(table)
	var exhausting []string
	for _, interval := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute} {
		requests := requestsADay(t, interval)
		fmt.Fprintf(table, "  %s\t%.0f", interval, requests)
		for _, l := range dailyLimits {
			fmt.Fprintf(table, "\t%.3g %% of %.0f", requests/l.limit*100, l.limit)
			if l.tenant == "API Sandbox" && requests > l.limit {
				exhausting = append(exhausting, interval.String())
			}
		}
		fmt.Fprintln(table)
	}
	table.Flush()
	if t.CompletedRefreshInterval > t.RefreshInterval {
		fmt.Fprintf(w, "  Completed jobs cost less: they are asked for every %s at most.\n", t.CompletedRefreshInterval)
	}
	// Zuora's own hosts say in their name if they are sandboxes.
	host := t.Zuora.BaseURL.Hostname()
	if len(exhausting) > 0 && (strings.Contains(host, "sandbox") || !strings.HasSuffix(host, ".zuora.com")) {
		fmt.Fprintf(w, "  warning: scraped every %s, an API Sandbox runs out of requests each day; set refresh_interval\n", strings.Join(exhausting, ", "))
	}
}

// requestsADay is how many requests the jobs cost, none of them completed.
func requestsADay(t *config.Tenant, interval time.Duration) float64 {
	return float64(len(t.Jobs)) * float64(24*time.Hour) / float64(collector.ReadEvery(interval, t.RefreshInterval))
}

// errCheckFailed says that the table tells what failed.
var errCheckFailed = errors.New("a token or a job could not be read: see the table")

// CheckAPI asks for a token for each tenant and for each job once, and prints
// a table of what came back.
func CheckAPI(ctx context.Context, w io.Writer, cfg *config.Config) error {
	all, err := newRunning(cfg, nil, zuora.NewTokenBudget(), log.NewNopLogger())
	if err != nil {
		return err
	}
	defer all.closeUnless(nil)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TENANT\tJOB\tOBJECT TYPE\tSTATUS\tLABELED\tFAILED\tTIMED OUT\tTOTAL\tERROR")
	failed := false
	for i, t := range all.tenants {
		name := cfg.Tenants[i].Name
		if err := t.client.CheckToken(ctx); err != nil {
			failed = true
			fmt.Fprintf(table, "%s\t(token)\t\t\t\t\t\t\t%s\n", name, describe(err))
			continue
		}
		fmt.Fprintf(table, "%s\t(token)\t\tgood\t\t\t\t\t\n", name)
		jobs := cfg.Tenants[i].Jobs
		answers, errs := make([]*zuora.DataLabelingJob, len(jobs)), make([]error, len(jobs))
		var group errgroup.Group
		group.SetLimit(cfg.Tenants[i].MaxConcurrentRequests)
		for n, j := range jobs {
			group.Go(func() error {
				answers[n], errs[n] = t.client.DataLabelingJob(ctx, j.ID)
				return nil
			})
		}
		_ = group.Wait()
		for n, j := range jobs {
			if errs[n] != nil {
				failed = true
				fmt.Fprintf(table, "%s\t%s\t\t\t\t\t\t\t%s\n", name, j.ID, describe(errs[n]))
				continue
			}
			a := answers[n]
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", name, j.ID, a.ObjectType, a.Status,
				count(a.Labeled), count(a.Failed), count(a.Timeout), count(a.Total))
		}
	}
	table.Flush()
	if failed {
		return errCheckFailed
	}
	return nil
}

// describe is an error with all that Zuora's support asks for.
func describe(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*zuora.Error](err); ok {
		text = string(e.Reason) + ": " + text
		if e.RequestID != "" {
			text += " (Zuora-Request-Id " + e.RequestID + ")"
		}
	}
	return text
}

func count(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
