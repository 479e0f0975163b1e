package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// sample is what a subject took for one round.
type sample struct {
	wall, cpu time.Duration
	size      int64 // of the pages, compressed
	tokens    int   // requests
}

func cpu(s sample) time.Duration { return s.cpu }

// figures are what was measured of a subject.
type figures struct {
	Name    string
	Start   time.Duration // until it is ready
	Peak    int64         // the most memory, in bytes
	samples []sample
}

// scenario is a number of jobs and a latency of the stand-in.
type scenario struct {
	Jobs     int
	Latency  time.Duration
	Subjects []figures
}

// measure has all subjects read the jobs in turn, round by round: other load on
// the machine slows all of them down.
func (b *bench) measure(ctx context.Context, n int, latency time.Duration) (scenario, error) {
	result := scenario{Jobs: n, Latency: latency}
	b.standIn.SetLatency(latency)
	var subjects []subject
	for _, name := range b.subjects {
		begun := time.Now()
		s, err := b.startSubject(ctx, name, n)
		if err != nil {
			return result, err
		}
		defer s.stop()
		subjects = append(subjects, s)
		result.Subjects = append(result.Subjects, figures{Name: name, Start: time.Since(begun)})
	}
	begun := time.Now()
	for round := 0; round < b.rounds || time.Since(begun) < b.least; round++ {
		for turn := range subjects {
			i := (turn + round) % len(subjects)
			sample, err := subjects[i].round(ctx, b)
			if err != nil {
				return result, fmt.Errorf("%s of %d jobs: %w", subjects[i].name, n, err)
			}
			result.Subjects[i].samples = append(result.Subjects[i].samples, sample)
		}
	}
	for i, s := range subjects {
		var err error
		if result.Subjects[i].Peak, err = s.peak(); err != nil {
			return result, err
		}
	}
	return result, nil
}

// print writes a table. A ratio is the median over the rounds, with the
// quartiles in parentheses.
func (s scenario) print(w io.Writer) {
	fmt.Fprintf(w, "%s jobs, Zuora answers after %v, rounds: %d\n", grouped(s.Jobs), s.Latency, len(s.Subjects[0].samples))
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	defer table.Flush()
	fmt.Fprint(table, "\tstart\ttime\tCPU per job\tpeak memory")
	var over []figures
	for _, f := range s.Subjects[:len(s.Subjects)-1] {
		if f.Name != probe {
			over = append(over, f)
			fmt.Fprintf(table, "\tCPU over %s", f.Name)
		}
	}
	fmt.Fprintln(table)
	for _, f := range s.Subjects {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s", f.Name, short(f.Start), f.Wall(), short(median(f.samples, cpu)/time.Duration(s.Jobs)), size(f.Peak))
		for _, o := range over {
			if o.Name == f.Name {
				fmt.Fprint(table, "\t")
				continue
			}
			fmt.Fprintf(table, "\t%s", ratio(f, o))
		}
		fmt.Fprintln(table)
	}
	fmt.Fprintln(table)
}

// ratio compares the processor time of two subjects, round by round.
func ratio(f, over figures) string {
	ratios := make([]float64, len(f.samples))
	for i := range ratios {
		ratios[i] = float64(f.samples[i].cpu) / float64(over.samples[i].cpu)
	}
	slices.Sort(ratios)
	last := len(ratios) - 1
	return fmt.Sprintf("%.3g (%.3g to %.3g)", ratios[last/2], ratios[last/4], ratios[last*3/4])
}

func median[T cmp.Ordered](samples []sample, of func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
