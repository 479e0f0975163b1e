package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine is what was measured on, and with.
type machine struct {
	Date, CPU, Kernel, Go, Commit, JSONExporter string
	CPUs                                        int
	MemoryGiB                                   int64
}

func look(ctx context.Context, jsonExporter string) (machine, error) {
	m := machine{Date: time.Now().UTC().Format(time.DateOnly), CPUs: runtime.NumCPU(), Go: runtime.Version()}
	cpu, err := field("/proc/cpuinfo", "model name")
	if err != nil {
		return m, err
	}
	m.CPU = cpu
	memory, err := field("/proc/meminfo", "MemTotal")
	if err != nil {
		return m, err
	}
	if _, err := fmt.Sscan(memory, &m.MemoryGiB); err != nil {
		return m, err
	}
	m.MemoryGiB = (m.MemoryGiB + 1<<19) >> 20
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	m.Kernel, _, _ = strings.Cut(strings.TrimSpace(string(kernel)), "-")
	m.Commit = "unknown"
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		m.Commit = strings.TrimSpace(string(out))
	}
	if jsonExporter != "" {
		// Built from a module it does not know its version, its build does.
		out, err := exec.CommandContext(ctx, "go", "version", "-m", jsonExporter).Output()
		if err != nil {
			return m, err
		}
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 2 && (f[0] == "mod" || f[0] == "dep") && strings.HasSuffix(f[1], "/json_exporter") {
				m.JSONExporter = f[2]
			}
		}
	}
	return m, nil
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
	return "unknown", nil
}
