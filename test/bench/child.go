package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// The stand-in and the floor are this program again, each in a process of its
// own, so that the operating system counts them apart. They take commands of
// one line each, answer with one line of JSON, and end with their standard
// input: none outlives the bench.

// child is such a process, seen from outside.
type child struct {
	process
	in  io.Writer
	out *bufio.Scanner
}

// startChild starts this program with those arguments, and decodes the line
// with which it says that it is ready.
func startChild(ctx context.Context, ready any, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{process{cmd}, in, bufio.NewScanner(out)}
	if err := c.answer(ready); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// ask sends a command and decodes the answer.
func (c *child) ask(answer any, command string) error {
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		return err
	}
	return c.answer(answer)
}

func (c *child) answer(answer any) error {
	if !c.out.Scan() {
		return fmt.Errorf("%s ended", strings.Join(c.cmd.Args, " "))
	}
	return json.Unmarshal(c.out.Bytes(), answer)
}

// obey is the child's side: it says what is ready and answers commands.
func obey(ready any, command func(string) (any, error)) error {
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(ready); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, err := command(lines.Text())
		if err != nil {
			return err
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
	return nil
}

// counts are the requests that a stand-in has seen, by kind, and the
// connections that they came by.
type counts struct{ Tokens, Jobs, Connections int }

// standIn is the process that everything asks. Its commands are "latency
// DURATION" and "count", which begins to count anew.
func standIn(jobs int, tokenLife time.Duration) error {
	s := zuoratest.NewServer(zuoratest.WithRateLimits(), zuoratest.WithConcurrencyLimit(0), zuoratest.WithTokenLife(tokenLife))
	defer s.Close()
	for i := range jobs {
		answer := zuoratest.Ramp{Rate: 100, Total: 50_000}.At(time.Minute)
		s.SetJob(zuoratest.Job{ID: jobID(i), ObjectType: "Account", Script: zuoratest.Constant(answer)})
	}
	return obey(s.URL, func(command string) (any, error) {
		if latency, ok := strings.CutPrefix(command, "latency "); ok {
			d, err := time.ParseDuration(latency)
			s.SetLatency(d)
			return nil, err
		}
		c := s.Counters()
		s.ResetCounters()
		return counts{c.TokenRequests, c.JobRequests, c.Connections}, nil
	})
}

func jobID(i int) string { return fmt.Sprintf("%032x", i+1) }
