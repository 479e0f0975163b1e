package main

import (
	"fmt"
	"strings"
	"time"
)

// target is what the exporter is to reach, and what it did.
type target struct {
	What, Bound, Reached string
	Met                  bool
}

// Targets compares what was measured with what is to be reached. A target for
// which nothing was measured is left out.
func (r *results) Targets() []target {
	var all []target
	add := func(what, bound string, met bool, format string, args ...any) {
		all = append(all, target{what, bound, fmt.Sprintf(format, args...), met})
	}

	// Each size has its own figure, and the worst counts.
	perSize := func(what, bound string, limit float64, latency time.Duration, of func(ours figures, s scenario) (float64, bool)) {
		var reached []string
		met := true
		for _, s := range r.Scenarios {
			ours, _ := s.find(oursName)
			if value, ok := of(ours, s); ok && s.Latency == latency {
				reached = append(reached, fmt.Sprintf("%.3g (%s jobs)", value, grouped(s.Jobs)))
				met = met && value <= limit
			}
		}
		if reached != nil {
			add(what, bound, met, "%s", strings.Join(reached, ", "))
		}
	}
	cpuOver := func(name string, jobs int) func(figures, scenario) (float64, bool) {
		return func(ours figures, s scenario) (float64, bool) {
			other, ok := s.find(name)
			return float64(ours.CPU) / float64(other.CPU), ok && (jobs == 0 || s.Jobs == jobs)
		}
	}
	perSize("wall time of a scrape, 50 ms upstream, over the floor", "at most 1.03", 1.03, 50*time.Millisecond, func(ours figures, s scenario) (float64, bool) {
		floor, ok := s.find(floorName)
		return float64(ours.Wall) / float64(floor.Wall), ok
	})
	perSize("CPU per job, 0 ms upstream, over the floor", "at most 1.8", 1.8, 0, cpuOver(floorName, 500))
	perSize("the same", "at most 1.6", 1.6, 0, cpuOver(floorName, 10_000))
	perSize("CPU per job, 0 ms upstream, over json_exporter", "at most 0.1", 0.1, 0, cpuOver(jsonName, 0))

	probe := ""
	connections := 0
	sizes := map[int]figures{} // ours, 0 ms
	for _, s := range r.Scenarios {
		if f, ok := s.find(jsonName); ok {
			probe = fmt.Sprintf("; json_exporter %.3g for each probe", float64(f.Tokens)/float64(f.Rounds*s.Jobs))
		}
		ours, _ := s.find(oursName)
		connections = max(connections, ours.MostConnections)
		if s.Latency == 0 {
			sizes[s.Jobs] = ours
		}
	}
	add("token requests over an hour", "1 or 2", r.Hour.Tokens <= 2, "%d (%d jobs, %d scrapes)%s", r.Hour.Tokens, r.Hour.Jobs, r.Hour.Scrapes, probe)
	add("connections that a scrape opens", fmt.Sprintf("at most %d, the workers", r.Workers), connections <= r.Workers, "%d", connections)
	if f, ok := sizes[10_000]; ok {
		add("peak memory, 10,000 jobs", "at most 72 MiB", f.Peak <= 72<<20, "%s", size(f.Peak))
		if small, ok := sizes[500]; ok {
			growth := float64(f.CPU) / float64(small.CPU)
			add("CPU per job, 10,000 jobs over 500", "at most 1", growth <= 1, "%.3g", growth)
		}
		if r.Large != nil {
			large, _ := r.Large.find(oursName)
			growth := float64(large.CPU) / float64(f.CPU)
			add(fmt.Sprintf("CPU per job, %s jobs over 10,000: no thrashing", grouped(r.Large.Jobs)), "at most 1.1", growth <= 1.1, "%.3g, with %s", growth, size(large.Peak))
		}
	}
	add("start to first answered scrape", "at most 60 ms", r.Start <= 60*time.Millisecond, "%s", short(r.Start))
	return all
}
