// Package examples has nothing but tests: each example is given to the program
// that it is for.
package examples

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
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

	"github.com/zuora-exporter/zuora_exporter/internal/config"
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

	// The rules are where docker-compose.yml mounts them.
	alerts, err := filepath.Abs("../alerts")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("docker-compose/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(alerts, filepath.Join(dir, "alerts")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "promtool", "check", "config", file); !strings.Contains(out, "1 rule files found") {
		t.Error(out)
	}
}

// Whoever follows the example has one up series for each job, not one for all.
func TestProbedJobsDifferByInstance(t *testing.T) {
	content, err := os.ReadFile("prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var prometheus struct {
		ScrapeConfigs []struct {
			JobName        string `yaml:"job_name"`
			MetricsPath    string `yaml:"metrics_path"`
			RelabelConfigs []struct {
				SourceLabels []string `yaml:"source_labels"`
				TargetLabel  string   `yaml:"target_label"`
			} `yaml:"relabel_configs"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(content, &prometheus); err != nil {
		t.Fatal(err)
	}
	probes := 0
	for _, scrape := range prometheus.ScrapeConfigs {
		if scrape.MetricsPath != "/probe" {
			continue
		}
		probes++
		found := false
		for _, r := range scrape.RelabelConfigs {
			found = found || r.TargetLabel == "instance" && strings.Join(r.SourceLabels, ",") == "__param_target"
		}
		if !found {
			t.Errorf("%s does not set instance", scrape.JobName)
		}
	}
	if probes != 4 {
		t.Errorf("%d jobs with probes", probes)
	}
}

func TestAlertmanagerConfiguration(t *testing.T) {
	run(t, "amtool", "check-config", "docker-compose/alertmanager.yml")
}

func TestComposeMountsWhatIsThere(t *testing.T) {
	content, err := os.ReadFile("docker-compose/docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Services map[string]struct {
			Volumes []string
		}
	}
	if err := yaml.Unmarshal(content, &compose); err != nil || len(compose.Services) != 4 {
		t.Fatalf("%v %+v", err, compose)
	}
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			path, _, _ := strings.Cut(volume, ":")
			if _, err := os.Stat(filepath.Join("docker-compose", path)); err != nil {
				t.Errorf("%s: %s", name, err)
			}
		}
	}
}

func TestSystemdUnit(t *testing.T) {
	dir := copyUnits(t, "zuora_exporter.service", "zuora_exporter.service.d/credentials.conf")
	service := filepath.Join(dir, "zuora_exporter.service")
	if out := run(t, "systemd-analyze", "verify", service); strings.TrimSpace(out) != "" {
		t.Error(out)
	}
	out := run(t, "systemd-analyze", "security", "--offline=true", service)
	m := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatal(out)
	}
	if score, err := strconv.ParseFloat(m[1], 64); err != nil || score > 1.2 {
		t.Errorf("exposure %s %v", m[1], err)
	}
}

func TestSystemdSocket(t *testing.T) {
	const dropIn = "zuora_exporter.service.d/socket.conf"
	dir := copyUnits(t, "zuora_exporter.service", "zuora_exporter.socket", dropIn)
	for _, unit := range []string{"zuora_exporter.service", "zuora_exporter.socket"} {
		if out := run(t, "systemd-analyze", "verify", filepath.Join(dir, unit)); strings.TrimSpace(out) != "" {
			t.Error(out)
		}
	}
	// Would an error in the drop-in be seen at all?
	if err := os.WriteFile(filepath.Join(dir, dropIn), []byte("[Service]\nNonsense=yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "systemd-analyze", "verify", filepath.Join(dir, "zuora_exporter.service")); !strings.Contains(out, "Nonsense") {
		t.Errorf("systemd-analyze does not read the drop-in: %s", out)
	}
}

// copyUnits copies units to a directory and returns that. Its exporter is
// /bin/true, for systemd-analyze wants the program to be there.
func copyUnits(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			t.Fatal(err)
		}
		unit := strings.ReplaceAll(string(content), "/usr/bin/zuora_exporter", "/bin/true")
		if err := os.WriteFile(copied, []byte(unit), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
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
	// The certificate stands beside the file that names it.
	dir := t.TempDir()
	file := filepath.Join(dir, "web-config.yml")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: writeCertificate(t, dir)},
	}}
	defer client.CloseIdleConnections()
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
			get(t, client, "https://"+m[1]+"/metrics", "change-me", "zuora_up")
			if err := try(client, "https://"+m[1]+"/metrics", "wrong", ""); err == nil {
				t.Error("a wrong password is let in")
			}
			return
		}
	}
	t.Fatal("the exporter does not listen")
}

// writeCertificate writes cert.pem and key.pem for 127.0.0.1, and returns whom
// to trust.
func writeCertificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []struct {
		file string
		pem.Block
	}{
		{"cert.pem", pem.Block{Type: "CERTIFICATE", Bytes: der}},
		{"key.pem", pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}},
	} {
		if err := os.WriteFile(filepath.Join(dir, block.file), pem.EncodeToMemory(&block.Block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return pool
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
