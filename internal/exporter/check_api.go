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
func CheckAPI(w io.Writer, cfg *config.Config) (err error) {
	ctx := context.Background() // half a report would be no evidence
	r := newRunning(cfg, &running{}, zuora.NewTokenBudget(), log.NewNopLogger())
	fmt.Fprintf(w, "\nRead at %s by zuora_exporter %s.\n\n", time.Now().UTC().Format(time.RFC3339), version.Version)

	tokens := make([]*zuora.Error, len(r.tenants)) // why one could not be had
	for i, t := range r.tenants {
		errors.As(t.client.CheckToken(ctx), &tokens[i])
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(r.collector.Scrape(ctx))
	_, _ = registry.Gather() // the collector keeps what it has read
	jobs := map[string][]migration.Job{}
	for _, j := range migration.Jobs(r.collector.LastReads()) {
		jobs[j.Tenant] = append(jobs[j.Tenant], j)
	}

	printJobs(w, cfg, tokens, jobs)
	printSums(w, cfg, jobs)
	for i, t := range cfg.Tenants {
		s := migration.Summarize(jobs[t.Name])
		fmt.Fprintln(w, verdict(t.Name, s))
		if tokens[i] != nil || s.Unread > 0 {
			err = errCheckFailed
		}
	}
	return err
}

// printJobs prints a line for each token and job.
func printJobs(w io.Writer, cfg *config.Config, tokens []*zuora.Error, jobs map[string][]migration.Job) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(tenant, job string, labels map[string]string, rest string, values ...any) {
		fmt.Fprintf(table, "%s\t%s\t", tenant, job)
		for _, name := range cfg.LabelNames {
			fmt.Fprintf(table, "%s\t", labels[name])
		}
		fmt.Fprintf(table, rest+"\n", values...)
	}
	heads := map[string]string{}
	for _, name := range cfg.LabelNames {
		heads[name] = strings.ToUpper(name)
	}
	row("TENANT", "JOB", heads, "OBJECT TYPE\tSTATUS\tLABELED\tFAILED\tTIMED OUT\tTOTAL\tFINISHED\tERROR")
	for i, t := range cfg.Tenants {
		if tokens[i] != nil {
			row(t.Name, "(token)", nil, "\t\t\t\t\t\t\t%s", describe(tokens[i]))
		} else {
			row(t.Name, "(token)", nil, "\tgood\t\t\t\t\t\t")
		}
		for _, j := range jobs[t.Name] {
			if j.Failure != nil {
				row(t.Name, j.Job.ID, j.Job.Labels, "\t\t\t\t\t\t%s\t%s", finished(j), describe(j.Failure))
				continue
			}
			a := j.Answer
			row(t.Name, j.Job.ID, j.Job.Labels, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t", a.ObjectType, a.Status,
				count(a.Labeled), count(a.Failed), count(a.Timeout), count(a.Total), finished(j))
		}
	}
	table.Flush()
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

// printSums prints the sums of each tenant by object type.
func printSums(w io.Writer, cfg *config.Config, jobs map[string][]migration.Job) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\nTENANT\tOBJECT TYPE\tJOBS\tFINISHED\tLOST\tNOT LABELED YET")
	for _, t := range cfg.Tenants {
		byType := map[string][]migration.Job{}
		for _, j := range jobs[t.Name] {
			objectType := "(not read)"
			if j.Answer != nil {
				objectType = j.Answer.ObjectType
			}
			byType[objectType] = append(byType[objectType], j)
		}
		for _, objectType := range slices.Sorted(maps.Keys(byType)) {
			s := migration.Summarize(byType[objectType])
			lost, notLabeled := migration.Grouped(s.Lost), migration.Grouped(s.NotLabeled)
			switch {
			case s.Unread > 0:
				lost, notLabeled = "unknown", "unknown"
			case s.Unknown > 0:
				lost = "at least " + lost
			}
			if s.NoTotal > 0 {
				notLabeled += ", without " + plural(s.NoTotal, "job") + " that has no total"
			}
			fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", t.Name, objectType, s.Jobs, s.Finished, lost, notLabeled)
		}
	}
	table.Flush()
	fmt.Fprintln(w)
}

// verdict is what is to be said of a tenant in one sentence.
func verdict(tenant string, s migration.Summary) string {
	atLeast := ""
	if s.Unread+s.Unknown > 0 {
		atLeast = "at least "
	}
	text := fmt.Sprintf("Tenant %s: %d of %s finished, %s%s lost, %s%s not labeled yet",
		tenant, s.Finished, plural(s.Jobs, "job"), atLeast, plural(s.Lost, "object"), atLeast, plural(s.NotLabeled, "object"))
	if s.NoTotal > 0 {
		text += "; " + plural(s.NoTotal, "running job") + " without a total, not counted"
	}
	if s.Unknown > 0 {
		text += "; " + plural(s.Unknown, "job") + " ended without a total or in an undocumented state, not counted"
	}
	if s.Unread > 0 {
		text += "; " + plural(s.Unread, "job") + " not read, so nobody knows what is lost or not labeled there"
	}
	return text + "."
}

// describe is an error with all that Zuora's support asks for.
func describe(e *zuora.Error) string {
	var ids []string
	if e.RequestID != "" {
		ids = append(ids, "Zuora-Request-Id "+e.RequestID)
	}
	if e.ProcessID != "" {
		ids = append(ids, "processId "+e.ProcessID)
	}
	text := fmt.Sprintf("%s: %s", e.Reason, e)
	if len(ids) > 0 {
		text += " (" + strings.Join(ids, ", ") + ")"
	}
	return text
}

func count(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
