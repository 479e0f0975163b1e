// Bench measures, side by side and against one stand-in for Zuora, what the
// exporter costs, what asking costs at least, and what json_exporter costs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// bench is what all of it shares.
type bench struct {
	dir          string // temporary
	exporter     string // paths of programs
	jsonExporter string // "" where there is none
	workers      int
	rounds       int
	least        time.Duration
	standIn      *child
	base         string // the stand-in's URL

	profileSeconds int
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "stand-in":
		jobs, err := strconv.Atoi(args[1])
		life, err2 := time.ParseDuration(args[2])
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		return standIn(jobs, life)
	case len(args) == 4 && args[0] == "floor":
		jobs, err := strconv.Atoi(args[2])
		workers, err2 := strconv.Atoi(args[3])
		if err := errors.Join(err, err2); err != nil {
			return err
		}
		return floor(args[1], jobs, workers)
	}

	var b bench
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	sizes := flags.String("n", "100,500,2000,10000", "Numbers of jobs.")
	latencies := flags.String("latency", "0s,50ms", "Latencies of the stand-in.")
	flags.IntVar(&b.workers, "workers", 20, "Requests at once.")
	flags.IntVar(&b.rounds, "rounds", 3, "Rounds of each, at least.")
	flags.DurationVar(&b.least, "time", 15*time.Second, "Time for the rounds of all with one number of jobs and one latency, at least.")
	large := flags.Int("large", 20_000, "The number of jobs that must not make it thrash; 0 leaves it out.")
	flags.IntVar(&b.profileSeconds, "profile", 5, "Seconds to profile for.")
	flags.StringVar(&b.jsonExporter, "json-exporter", "build", "Path of a json_exporter; \"build\" builds the one of test/bench/tools, \"\" leaves it out.")
	output := flags.String("write", "", "File to write the report to as well.")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ns, err := list(*sizes, strconv.Atoi)
	if err != nil {
		return err
	}
	ls, err := list(*latencies, time.ParseDuration)
	if err != nil {
		return err
	}

	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	r, err := b.measure(ctx, ns, ls, *large)
	if err != nil {
		return err
	}
	text, err := r.markdown()
	if err != nil {
		return err
	}
	fmt.Print(text)
	if *output != "" {
		return os.WriteFile(*output, []byte(text), 0o644)
	}
	return nil
}

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

// build builds what is measured. Without json_exporter the rest is measured
// all the same, and the error says why it is missing.
func (b *bench) build(ctx context.Context) (withoutJSON error, err error) {
	compile := func(name, dir, pkg string) (string, error) {
		path := filepath.Join(b.dir, name)
		cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
		return path, nil
	}
	if b.exporter, err = compile("zuora_exporter", ".", "."); err != nil {
		return nil, err
	}
	if b.jsonExporter == "build" {
		b.jsonExporter, withoutJSON = compile("json_exporter", "test/bench/tools", "github.com/prometheus-community/json_exporter")
	}
	return withoutJSON, nil
}
