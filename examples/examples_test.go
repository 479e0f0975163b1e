// Package examples has nothing but tests: each example is given to the program
// that it is for.
package examples

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/zuora-exporter/zuora_exporter/config"
)

// run runs a program and returns what it printed. Where the program is missing
// the test is left out, but for CI, where it fails.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	required(t, program)
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %s\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func required(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("ZUORA_E2E") == "required" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed", program)
	}
}

func TestConfiguration(t *testing.T) {
	if _, err := config.Load("zuora_exporter.yml"); err != nil {
		t.Error(err)
	}
}

func TestKubernetesConfiguration(t *testing.T) {
	file, err := os.Open("kubernetes/zuora_exporter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for decoder := yaml.NewDecoder(file); ; {
		var manifest struct {
			Kind string
			Data map[string]string
		}
		if err := decoder.Decode(&manifest); err != nil {
			t.Fatalf("no ConfigMap: %v", err)
		}
		if manifest.Kind == "ConfigMap" {
			if _, err := config.Parse("zuora_exporter.yml", []byte(manifest.Data["zuora_exporter.yml"])); err != nil {
				t.Error(err)
			}
			return
		}
	}
}

func TestPrometheusConfiguration(t *testing.T) {
	run(t, "promtool", "check", "config", "prometheus/prometheus.yml")
	run(t, "promtool", "check", "config", "docker-compose/prometheus.yml")
	run(t, "amtool", "check-config", "docker-compose/alertmanager.yml")
}

func TestComposeMountsWhatIsThere(t *testing.T) {
	content, err := os.ReadFile("docker-compose/docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Build   string
			Volumes []string
		}
	}
	if err := yaml.Unmarshal(content, &compose); err != nil || len(compose.Services) != 4 {
		t.Fatalf("%v %+v", err, compose)
	}
	for name, service := range compose.Services {
		paths := []string{}
		if service.Build != "" {
			paths = append(paths, service.Build+"/Dockerfile")
		}
		for _, volume := range service.Volumes {
			path, _, _ := strings.Cut(volume, ":")
			paths = append(paths, path)
		}
		for _, path := range paths {
			if _, err := os.Stat(filepath.Join("docker-compose", path)); err != nil {
				t.Errorf("%s: %s", name, err)
			}
		}
	}
}

func TestSystemdUnit(t *testing.T) {
	unit, err := os.ReadFile("systemd/zuora_exporter.service")
	if err != nil {
		t.Fatal(err)
	}
	// systemd-analyze wants the program to be there.
	copied := filepath.Join(t.TempDir(), "zuora_exporter.service")
	content := strings.ReplaceAll(string(unit), "/usr/bin/zuora_exporter", "/bin/true")
	if err := os.WriteFile(copied, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "systemd-analyze", "verify", copied); strings.TrimSpace(out) != "" {
		t.Error(out)
	}
	out := run(t, "systemd-analyze", "security", "--offline=true", copied)
	m := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatal(out)
	}
	if score, err := strconv.ParseFloat(m[1], 64); err != nil || score > 1.5 {
		t.Errorf("exposure %s %v", m[1], err)
	}
}

// The exporter and exporter-toolkit, with what systemd hands them: a socket,
// and the flag of the drop-in.
func TestSocketActivation(t *testing.T) {
	required(t, "systemd-socket-activate")
	binary := buildExporter(t)
	address := freeAddress(t)
	cmd := exec.Command("systemd-socket-activate", "-l", address, binary, "--demo", "--web.systemd-socket")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	get(t, http.DefaultClient, "http://"+address+"/metrics", "", "zuora_up")
}

func TestWebConfiguration(t *testing.T) {
	binary := buildExporter(t)
	content, err := os.ReadFile("web-config.yml")
	if err != nil {
		t.Fatal(err)
	}
	// Passwords are tried here, TLS in e2e: it needs a certificate.
	i := strings.Index(string(content), "basic_auth_users:")
	file := filepath.Join(t.TempDir(), "web-config.yml")
	if err := os.WriteFile(file, content[i:], 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--demo", "--web.listen-address=127.0.0.1:0", "--web.config.file="+file)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if m := regexp.MustCompile(`"Listening on" address=(\S+)`).FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, stderr)
			get(t, http.DefaultClient, "http://"+m[1]+"/metrics", "change-me", "zuora_up")
			return
		}
	}
	t.Fatal("the exporter does not listen")
}

func buildExporter(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "zuora_exporter")
	if out, err := exec.Command("go", "build", "-o", binary, "..").CombinedOutput(); err != nil {
		t.Fatalf("%s\n%s", err, out)
	}
	return binary
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func get(t *testing.T, client *http.Client, url, password, want string) {
	t.Helper()
	var err error
	for range 100 {
		if err = try(client, url, password, want); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error(err)
}

func try(client *http.Client, url, password, want string) error {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if password != "" {
		req.SetBasicAuth("prometheus", password)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want)) {
		err = fmt.Errorf("%s: %d\n%s", url, resp.StatusCode, body)
	}
	return err
}
