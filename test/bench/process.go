package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is one that is measured, by what Linux says of it under /proc.
type process struct{ cmd *exec.Cmd }

func (p process) stop() {
	_ = p.cmd.Process.Kill() // It may have ended already, and Wait says that it was killed.
	_ = p.cmd.Wait()
}

// cpu is the processor time, user and system, that the process has taken. Its
// threads' schedstat has it in nanoseconds, stat only in hundredths of a
// second; Go's threads do not end before their process.
func (p process) cpu() (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("process %d has no threads in /proc: %w", p.cmd.Process.Pid, err)
	}
	var sum time.Duration
	for _, thread := range threads {
		line, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		running, _, _ := strings.Cut(string(line), " ")
		n, err := strconv.ParseInt(running, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

// peak is the most memory that the process has had resident, in bytes.
func (p process) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, fmt.Errorf("process %d has no VmHWM", p.cmd.Process.Pid)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	return kib << 10, err
}

// web is an exporter that serves at URL.
type web struct {
	process
	URL string
}

// startWeb starts an exporter on a free port and waits until it answers path.
func startWeb(ctx context.Context, path, program string, args ...string) (*web, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	l.Close()

	log, err := os.CreateTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, append(args, "--web.listen-address="+address)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &web{process{cmd}, "http://" + address}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+path, nil)
		if err != nil {
			return nil, err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return w, nil
			}
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			w.stop()
			output, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("%s does not answer:\n%s", program, output)
		}
	}
}
