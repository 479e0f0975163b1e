package exporter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/migration"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// errCheckFailed says that the table tells what failed.
var errCheckFailed = errors.New("a token or a job could not be read: see the table")

// CheckAPI gets a token for each tenant, reads each job once, and prints what a
// migration lead can file: when and by what it was read, each job, the sums by
// object type, and a sentence about each tenant.
func CheckAPI(ctx context.Context, w io.Writer, cfg *config.Config) error {
	r, err := newRunning(cfg, nil, zuora.NewTokenBudget(), log.NewNopLogger())
	if err != nil {
		return err
	}
	defer r.closeUnless(nil)
	fmt.Fprintf(w, "\nRead at %s by zuora_exporter %s.\n\n", time.Now().UTC().Format(time.RFC3339), version.Version)

	failures := make([]error, len(r.tenants)) // of the token
	for i, t := range r.tenants {
		failures[i] = t.client.CheckToken(ctx)
	}
	series := make(chan prometheus.Metric)
	go func() {
		defer close(series)
		r.collector.Scrape(ctx).Collect(series)
	}()
	for range series { // what was read is kept by the collector
	}
	jobs := migration.Jobs(r.collector.LastReads())

	failed := printJobs(w, cfg, failures, jobs)
	printSums(w, cfg, jobs)
	for _, t := range cfg.Tenants {
		fmt.Fprintln(w, verdict(t.Name, of(jobs, t.Name)))
	}
	if failed {
		return errCheckFailed
	}
	return nil
}

// of returns the jobs of a tenant.
func of(jobs []migration.Job, tenant string) (those []migration.Job) {
	for _, j := range jobs {
		if j.Tenant == tenant {
			those = append(those, j)
		}
	}
	return those
}

// printJobs prints a line for each token and job, and tells whether one could
// not be had.
func printJobs(w io.Writer, cfg *config.Config, tokens []error, jobs []migration.Job) (failed bool) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	labels := strings.ToUpper(strings.Join(cfg.LabelNames, "\t"))
	if labels != "" {
		labels += "\t"
	}
	fmt.Fprintln(table, "TENANT\tJOB\t"+labels+"OBJECT TYPE\tSTATUS\tLABELED\tFAILED\tTIMED OUT\tTOTAL\tFINISHED\tERROR")
	for i, t := range cfg.Tenants {
		none := strings.Repeat("\t", len(cfg.LabelNames))
		if tokens[i] != nil {
			failed = true
			fmt.Fprintf(table, "%s\t(token)\t%s\t\t\t\t\t\t\t%s\n", t.Name, none, describe(tokens[i]))
		} else {
			fmt.Fprintf(table, "%s\t(token)\t%s\tgood\t\t\t\t\t\t\n", t.Name, none)
		}
		for _, j := range of(jobs, t.Name) {
			fmt.Fprintf(table, "%s\t%s\t", t.Name, j.Job.ID)
			for _, name := range cfg.LabelNames {
				fmt.Fprintf(table, "%s\t", j.Job.Labels[name])
			}
			if j.Failure != nil {
				failed = true
				fmt.Fprintf(table, "\t\t\t\t\t\t%s\t%s\n", finished(j), describe(j.Failure))
				continue
			}
			a := j.Answer
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", a.ObjectType, a.Status,
				count(a.Labeled), count(a.Failed), count(a.Timeout), count(a.Total), finished(j))
		}
	}
	table.Flush()
	return failed
}

func finished(j migration.Job) string {
	switch {
	case j.Repaired:
		return "repaired"
	case j.Finished:
		return "yes"
	case j.Answer == nil:
		return "unknown"
	}
	return "no"
}

// notRead stands for the object type of a job that could not be read.
const notRead = "(not read)"

// printSums prints the sums of each tenant by object type.
func printSums(w io.Writer, cfg *config.Config, jobs []migration.Job) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nTENANT\tOBJECT TYPE\tJOBS\tFINISHED\tLOST\tNOT LABELED YET")
	for _, t := range cfg.Tenants {
		byType := map[string][]migration.Job{}
		for _, j := range of(jobs, t.Name) {
			objectType := notRead
			if j.Answer != nil {
				objectType = j.Answer.ObjectType
			}
			byType[objectType] = append(byType[objectType], j)
		}
		for _, objectType := range slices.Sorted(maps.Keys(byType)) {
			s := migration.Summarize(byType[objectType])
			lost, notLabeled := migration.Grouped(s.Lost), migration.Grouped(s.NotLabeled)
			if s.Unknown > 0 {
				lost = "at least " + lost
			}
			if objectType == notRead {
				lost, notLabeled = "unknown", "unknown"
			}
			if s.NoTotal > 0 {
				notLabeled += ", without " + plural(int64(s.NoTotal), "job") + " that has no total"
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", t.Name, objectType, s.Jobs, s.Finished, lost, notLabeled)
		}
	}
	table.Flush()
	fmt.Fprintln(w)
}

// verdict is what is to be said of a tenant in one sentence.
func verdict(tenant string, jobs []migration.Job) string {
	s := migration.Summarize(jobs)
	atLeast := ""
	if s.Unread+s.Unknown > 0 {
		atLeast = "at least "
	}
	text := fmt.Sprintf("Tenant %s: %d of %s finished, %s%s lost, %s%s not labeled yet",
		tenant, s.Finished, plural(int64(s.Jobs), "job"), atLeast, plural(s.Lost, "object"), atLeast, plural(s.NotLabeled, "object"))
	if s.NoTotal > 0 {
		text += fmt.Sprintf("; %s without a total, not counted", plural(int64(s.NoTotal), "running job"))
	}
	if s.Unknown > 0 {
		text += fmt.Sprintf("; %s ended without a total or in an undocumented state, not counted", plural(int64(s.Unknown), "job"))
	}
	if s.Unread > 0 {
		text += fmt.Sprintf("; %s not read, so nobody knows what is lost or not labeled there", plural(int64(s.Unread), "job"))
	}
	return text + "."
}

// describe is an error with all that Zuora's support asks for.
func describe(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*zuora.Error](err); ok {
		text = string(e.Reason) + ": " + text
		var ids []string
		if e.RequestID != "" {
			ids = append(ids, "Zuora-Request-Id "+e.RequestID)
		}
		if e.ProcessID != "" {
			ids = append(ids, "processId "+e.ProcessID)
		}
		if len(ids) > 0 {
			text += " (" + strings.Join(ids, ", ") + ")"
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
