package main

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
)

// parts are what a scrape's processor time is spent on, each by the functions
// that do it; none of these calls another.
var parts = []struct {
	name      string
	functions []string
}{
	{"asking: net/http's transport, as in the floor", []string{"net/http.(*Transport).roundTrip", "net/http.(*persistConn).readLoop", "net/http.(*persistConn).writeLoop"}},
	{"decoding the answers: encoding/json", []string{"zuora.decodeJob"}},
	{"gathering and checking the series: client_golang's registry", []string{"prometheus.(*Registry).Gather"}},
	{"writing and packing the page: expfmt and gzip", []string{"promhttp.negotiateEncodingWriter", "expfmt.encoderCloser.Encode"}},
	{"collecting garbage, in the background", []string{"runtime.gcBgMarkWorker", "runtime.bgsweep"}},
}

// share is a part's share of the processor time.
type share struct {
	Name    string
	Percent float64
}

// profile scrapes for some seconds under the profiler, and returns what the
// processor time went to.
func (b *bench) profile(ctx context.Context, jobs, seconds int) ([]share, error) {
	if err := b.standIn.ask(new(any), "latency 0s"); err != nil {
		return nil, err
	}
	w, err := b.startOurs(ctx, b.base, jobs, "--web.enable-pprof")
	if err != nil {
		return nil, err
	}
	defer w.stop()
	type answer struct {
		content []byte
		err     error
	}
	done := make(chan answer, 1)
	go func() {
		content, err := get(ctx, http.DefaultTransport, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", w.URL, seconds))
		done <- answer{content, err}
	}()
	for {
		select {
		case a := <-done:
			if a.err != nil {
				return nil, a.err
			}
			path, err := b.write("profile", string(a.content))
			if err != nil {
				return nil, err
			}
			top, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-cum", "-nodefraction=0", "-nodecount=100000", b.exporter, path).Output()
			if err != nil {
				return nil, fmt.Errorf("go tool pprof: %w", err)
			}
			return shares(string(top)), nil
		default:
			if _, _, err := b.scrape(ctx, w, jobs); err != nil {
				return nil, err
			}
		}
	}
}

// shares adds up a list by pprof, whose lines end with a cumulative percentage
// and a function's name.
func shares(top string) []share {
	percent := map[string]float64{}
	for line := range strings.Lines(top) {
		f := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), " (inline)"))
		if len(f) == 6 {
			name := f[5][strings.LastIndexByte(f[5], '/')+1:]
			if value, err := strconv.ParseFloat(strings.TrimSuffix(f[4], "%"), 64); err == nil {
				percent[name] += value
			}
		}
	}
	rest := 100.0
	var all []share
	for _, p := range parts {
		s := share{Name: p.name}
		for _, function := range p.functions {
			s.Percent += percent[function[strings.LastIndexByte(function, '/')+1:]]
		}
		rest -= s.Percent
		all = append(all, s)
	}
	return append(all, share{"all else: handing the jobs out and the series on, the scheduler, metrics of our own", rest})
}
