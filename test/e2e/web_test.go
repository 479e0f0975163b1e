package e2e

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// password is the one of examples/web-config.yml.
const password = "change-me"

// startWithPassword starts the exporter with the example's web configuration,
// and returns the certificate that it needs.
func startWithPassword(t *testing.T, args ...string) (*exporter, testutil.Certificate) {
	t.Helper()
	dir := t.TempDir()
	certificate := testutil.NewCertificate(t)
	certificate.Write(t, dir)
	web := testutil.Write(t, dir, "web-config.yml", testutil.Read(t, "examples", "web-config.yml"))
	e := start(t, append(args, "--web.config.file="+web)...)
	e.URL = strings.Replace(e.URL, "http://", "https://", 1)
	return e, certificate
}

func TestPasswordGuardsWhatShowsData(t *testing.T) {
	t.Parallel()
	e, certificate := startWithPassword(t, "--demo")
	client := certificate.Client(t)
	ask := func(path, password string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("prometheus", password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, path := range []string{"/", "/metrics", "/probe?target=ff80808186b966950186b97922e20001", "/-/reload", "/debug/pprof/"} {
		for _, wrong := range []string{"", "wrong"} {
			if status := ask(path, wrong); status != 401 {
				t.Errorf("%s with the password %q: got %d, want 401", path, wrong, status)
			}
		}
	}
	for _, path := range []string{"/", "/metrics", "/probe?target=ff80808186b966950186b97922e20001"} {
		if status := ask(path, password); status != 200 {
			t.Errorf("%s with the right password: got %d, want 200", path, status)
		}
	}
}

// systemd hands the exporter a socket, and the drop-in's flag.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	cmd := exec.Command(testutil.Tool(t, "systemd-socket-activate"), "-l", address, binary(), "--demo", "--web.systemd-socket")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	e := &exporter{URL: "http://" + address}
	eventually(t, "an answer on systemd's socket", func() bool {
		status, page, err := e.request(t.Context(), http.MethodGet, "/metrics")
		return err == nil && status == 200 && strings.Contains(page, "zuora_up")
	})
}
