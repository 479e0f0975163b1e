package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

const (
	floorName  = "floor"
	oursName   = "ours"
	probedName = "ours, probed"
	jsonName   = "json_exporter"
)

// results are all that was measured.
type results struct {
	machine
	Workers, Rounds int
	Least           time.Duration
	WithoutJSON     error // why json_exporter is missing
	Scenarios       []scenario
	Large           *scenario // nil where left out
	Hour            hour
	Profiles        []profiled    // of the first and the last number of jobs
	Start           time.Duration // from exec to the end of the first scrape
	Took            time.Duration
}

// profiled is what the processor time of so many jobs went to.
type profiled struct {
	Jobs   int
	Shares []share
}

// scenario is a number of jobs and a latency.
type scenario struct {
	Jobs     int
	Latency  time.Duration
	Subjects []figures
}

// figures are what one subject came to: medians, or of all rounds where so said.
type figures struct {
	Name  string
	Wall  time.Duration
	CPU   time.Duration // for one job
	Size  int64         // of the pages
	Peak  int64         // of all rounds
	First counts        // of the first round

	Tokens, Rounds  int // of all rounds
	MostConnections int // that a round opened
}

func (s scenario) find(name string) (figures, bool) {
	i := slices.IndexFunc(s.Subjects, func(f figures) bool { return f.Name == name })
	if i < 0 {
		return figures{}, false
	}
	return s.Subjects[i], true
}

func (b *bench) measure(ctx context.Context, ns []int, latencies []time.Duration, large int) (*results, error) {
	begun := time.Now()
	r := &results{Workers: b.workers, Rounds: b.rounds, Least: b.least}
	var err error
	if r.WithoutJSON, err = b.build(ctx); err != nil {
		return nil, err
	}
	if r.machine, err = look(ctx, b.jsonExporter); err != nil {
		return nil, err
	}
	b.standIn, err = startChild(ctx, &b.base, "stand-in", fmt.Sprint(max(large, slices.Max(ns))), "1h")
	if err != nil {
		return nil, err
	}
	defer b.standIn.stop()
	for _, latency := range latencies {
		for _, n := range ns {
			s, err := b.scenario(ctx, n, latency)
			if err != nil {
				return nil, err
			}
			r.Scenarios = append(r.Scenarios, *s)
		}
	}
	if large > 0 {
		withJSON := b.jsonExporter
		b.jsonExporter = "" // what it costs is known by now
		if r.Large, err = b.scenario(ctx, large, 0); err != nil {
			return nil, err
		}
		b.jsonExporter = withJSON
	}
	for _, n := range slices.Compact([]int{ns[0], ns[len(ns)-1]}) {
		p, err := b.profile(ctx, n, b.profileSeconds)
		if err != nil {
			return nil, err
		}
		r.Profiles = append(r.Profiles, profiled{n, p})
	}
	if r.Start, err = b.start(ctx); err != nil {
		return nil, err
	}
	if r.Hour, err = b.hour(ctx); err != nil {
		return nil, err
	}
	r.Took = time.Since(begun)
	return r, nil
}

// scenario measures all subjects in turn, round by round, so that whatever
// else the machine does befalls all of them.
func (b *bench) scenario(ctx context.Context, n int, latency time.Duration) (*scenario, error) {
	if err := b.standIn.ask(new(any), "latency "+latency.String()); err != nil {
		return nil, err
	}
	subjects, err := b.subjects(ctx, b.base, n)
	if err != nil {
		return nil, err
	}
	defer stop(subjects)

	type sample struct {
		wall, cpu time.Duration
		size      int64
	}
	samples := make([][]sample, len(subjects))
	s := &scenario{Jobs: n, Latency: latency, Subjects: make([]figures, len(subjects))}
	begun := time.Now()
	for round := 0; round < b.rounds || time.Since(begun) < b.least; round++ {
		for turn := range subjects {
			i := (turn + round) % len(subjects)
			var seen counts
			if err := b.standIn.ask(&seen, "count"); err != nil { // from zero
				return nil, err
			}
			before, err := subjects[i].cpu()
			if err != nil {
				return nil, err
			}
			wall, size, err := subjects[i].round()
			if err != nil {
				return nil, fmt.Errorf("%s, %d jobs: %w", subjects[i].name, n, err)
			}
			after, err := subjects[i].cpu()
			if err != nil {
				return nil, err
			}
			if err := b.standIn.ask(&seen, "count"); err != nil {
				return nil, err
			}
			if seen.Jobs != n {
				return nil, fmt.Errorf("%s asked %d times for %d jobs", subjects[i].name, seen.Jobs, n)
			}
			samples[i] = append(samples[i], sample{wall, (after - before) / time.Duration(n), size})
			f := &s.Subjects[i]
			if round == 0 {
				f.First = seen
			}
			f.Tokens += seen.Tokens
			f.MostConnections = max(f.MostConnections, seen.Connections)
			f.Rounds++
		}
	}
	for i := range s.Subjects {
		f := &s.Subjects[i]
		f.Name = subjects[i].name
		f.Wall = median(samples[i], func(s sample) time.Duration { return s.wall })
		f.CPU = median(samples[i], func(s sample) time.Duration { return s.cpu })
		f.Size = median(samples[i], func(s sample) int64 { return s.size })
		if f.Peak, err = subjects[i].peak(); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%6d jobs, %5s: %-14s %9s wall, %7s CPU a job, %d rounds\n", n, latency, f.Name, short(f.Wall), short(f.CPU), f.Rounds)
	}
	return s, nil
}

func median[S any, T cmp.Ordered](samples []S, of func(S) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// start is how long a start takes until the first scrape, of 10 jobs, has been
// answered.
func (b *bench) start(ctx context.Context) (time.Duration, error) {
	if err := b.standIn.ask(new(any), "latency 0s"); err != nil {
		return 0, err
	}
	var took []time.Duration
	for range 2*b.rounds + 1 {
		begun := time.Now()
		w, err := b.startOurs(ctx, b.base, 10)
		if err != nil {
			return 0, err
		}
		_, _, err = b.scrape(ctx, w, 10)
		took = append(took, time.Since(begun))
		w.stop()
		if err != nil {
			return 0, err
		}
	}
	return median(took, func(d time.Duration) time.Duration { return d }), nil
}

// hour is an hour of scrapes in seconds, against tokens whose life is scaled
// down as much.
type hour struct{ Jobs, Scrapes, Tokens int }

func (b *bench) hour(ctx context.Context) (hour, error) {
	const scale = 600
	h := hour{Jobs: 100, Scrapes: 120} // every 30 s
	var base string
	s, err := startChild(ctx, &base, "stand-in", fmt.Sprint(h.Jobs), (time.Hour / scale).String())
	if err != nil {
		return h, err
	}
	defer s.stop()
	w, err := b.startOurs(ctx, base, h.Jobs)
	if err != nil {
		return h, err
	}
	defer w.stop()
	begun := time.Now()
	for i := range h.Scrapes {
		time.Sleep(time.Until(begun.Add(time.Duration(i) * 30 * time.Second / scale)))
		if _, _, err := b.scrape(ctx, w, h.Jobs); err != nil {
			return h, err
		}
	}
	var seen counts
	err = s.ask(&seen, "count")
	h.Tokens = seen.Tokens
	return h, err
}
