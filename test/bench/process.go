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

// ready is the path at which a program says that it is ready.
const ready = "/-/ready"

// process is a program that serves at url, measured by what Linux says of it
// under /proc.
type process struct {
	cmd *exec.Cmd
	url string
}

// start starts a program on a free port and waits until it answers path.
func start(ctx context.Context, path, program string, args ...string) (process, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return process{}, err
	}
	address := l.Addr().String()
	l.Close()

	log, err := os.CreateTemp("", "bench")
	if err != nil {
		return process{}, err
	}
	defer os.Remove(log.Name())
	defer log.Close()
	cmd := exec.CommandContext(ctx, program, append(args, "--web.listen-address="+address)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return process{}, err
	}
	p := process{cmd, "http://" + address}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := get(ctx, http.DefaultTransport, p.url+path); err == nil {
			return p, nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			p.stop()
			output, _ := os.ReadFile(log.Name())
			return process{}, fmt.Errorf("%s does not answer:\n%s", program, output)
		}
	}
}

func (p process) stop() {
	_ = p.cmd.Process.Kill() // It may have ended already.
	_ = p.cmd.Wait()         // It says that the process was killed.
}

// cpu is the processor time, user and system, that the process has taken. Its
// threads' schedstat has nanoseconds, its stat only hundredths of a second.
// Go's threads do not end before their process.
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
	value, err := field(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid), "VmHWM")
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
	return kib << 10, err
}

// field returns what a file under /proc says after a name and a colon.
func field(file, name string) (string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value), nil
		}
	}
	return "", fmt.Errorf("%s says no %s", file, name)
}
