// Bench measures what reading jobs costs, side by side and against one
// stand-in for Zuora: the exporter, json_exporter, and two loops that show how
// little it could cost.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// bench is what all measurements share.
type bench struct {
	dir          string // temporary
	exporter     string // the paths of the programs
	old          string
	jsonExporter string
	subjects     []string
	workers      int
	rounds       int
	least        time.Duration
	standIn      *zuoratest.Server
}

func main() {
	run := run
	if len(os.Args) > 1 && os.Args[1] == "loop" {
		run = func() error { return loop(os.Args[2:]) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	var b bench
	sizes := flag.String("n", "10,500,10000", "Numbers of jobs.")
	latencies := flag.String("latency", "50ms", "How long the stand-in takes to answer; several are separated by commas.")
	subjects := flag.String("subjects", strings.Join([]string{floor, work, scrape, probe, jsonExporter}, ","), "What to measure.")
	flag.IntVar(&b.workers, "workers", 20, "Requests at once.")
	flag.IntVar(&b.rounds, "rounds", 3, "The least number of rounds.")
	flag.DurationVar(&b.least, "time", 15*time.Second, "The least time for the rounds with one number of jobs and one latency.")
	flag.StringVar(&b.exporter, "binary", "", "The zuora_exporter to measure. (default: built from this tree)")
	flag.StringVar(&b.old, "against", "", "Another zuora_exporter: only the two are measured, in pairs of scrapes.")
	output := flag.String("write", "", "The file for the report.")
	flag.Parse()
	ns, err := list(*sizes, strconv.Atoi)
	if err != nil {
		return err
	}
	ls, err := list(*latencies, time.ParseDuration)
	if err != nil {
		return err
	}
	b.subjects = strings.Split(*subjects, ",")
	if b.old != "" {
		b.subjects = []string{old, scrape}
	}

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := b.build(ctx); err != nil {
		return err
	}
	b.standIn = zuoratest.NewServer(zuoratest.WithRateLimits(), zuoratest.WithConcurrencyLimit(0))
	defer b.standIn.Close()
	answer := zuoratest.Ramp{Rate: 100, Total: 50_000}.At(time.Minute)
	for i := range slices.Max(ns) {
		b.standIn.SetJob(zuoratest.Job{ID: jobID(i), ObjectType: "Account", Script: zuoratest.Constant(answer)})
	}

	var all []scenario
	for _, latency := range ls {
		for _, n := range ns {
			s, err := b.measure(ctx, n, latency)
			if err != nil {
				return err
			}
			s.print(os.Stdout)
			all = append(all, s)
		}
	}
	if *output == "" {
		return nil
	}
	return b.report(ctx, *output, all)
}

func jobID(i int) string { return fmt.Sprintf("%032x", i+1) }

func list[T any](text string, parse func(string) (T, error)) (all []T, err error) {
	for item := range strings.SplitSeq(text, ",") {
		value, err := parse(item)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, nil
}

// build builds the programs that no flag names.
func (b *bench) build(ctx context.Context) error {
	if b.exporter == "" {
		b.exporter = filepath.Join(b.dir, "zuora_exporter")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.exporter, ".").CombinedOutput(); err != nil {
			return fmt.Errorf("building the exporter: %w\n%s", err, out)
		}
	}
	if slices.Contains(b.subjects, jsonExporter) {
		path, err := exec.CommandContext(ctx, "go", "tool", "-modfile=tools/go.mod", "-n", "json_exporter").Output()
		if err != nil {
			return fmt.Errorf("building json_exporter: %w", err)
		}
		b.jsonExporter = strings.TrimSpace(string(path))
	}
	return nil
}
