package e2e

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The tests use all other flags.
func TestHelpVersionAndDemo(t *testing.T) {
	t.Parallel()
	contains(t, runOnce(t, 0, "--help"), "--scrape.timeout-offset=500ms", "--[no-]web.systemd-socket", "--web.listen-address=:10986", `--config.file="zuora_exporter.yml"`)
	version := strings.TrimSpace(testutil.Read(t, "VERSION"))
	contains(t, runOnce(t, 0, "--version"), "zuora_exporter, version "+version+" (")
	demo := start(t, "--demo")
	demo.hasLogged(t, demo.URL+"/metrics ") // its address, for people
	contains(t, demo.scrape(t), `,version="`+version+`"} 1`)
}

// What is wrong from the start ends the exporter with one sentence, in the
// log's format, that holds no secret.
func TestFatalErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := testutil.Write(t, dir, "bad.yml", "tenants:\n- name: t\n  base_uri: x\n")
	pasted := testutil.Write(t, dir, "pasted.yml", "tenants:\n- name: t\n  proxy_url: http://u:hunter2@:x\n")
	for name, tc := range map[string]struct{ args, want string }{
		"an unknown flag":      {"--nonsense", "unknown long flag"},
		"a path that is taken": {"--demo --web.telemetry-path=/probe", "is taken"},
		"a negative interval":  {"--demo --config.auto-reload-interval=-1s", "below 0"},
		"no file":              {"--config.file=/nothing/here.yml", "--config.file, or try --demo"},
		"no file, JSON":        {"--config.file=/nothing/here.yml --log.format=json", `"level":"error"`},
		"an unknown key":       {"--config.file=" + bad, "bad.yml:3: tenants[0].base_uri: "},
		"the same, checked":    {"--config.check --config.file=" + bad, "bad.yml:3: tenants[0].base_uri: "},
		"a pasted password":    {"--config.file=" + pasted, "pasted.yml:3: tenants[0].proxy_url: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := runOnce(t, 1, strings.Fields(tc.args)...)
			lines := slices.Collect(strings.Lines(output))
			for _, line := range lines[:len(lines)-1] {
				if !strings.Contains(line, "level=info") {
					t.Errorf("got the line %q before the last, want only news of the start", line)
				}
			}
			contains(t, lines[len(lines)-1], tc.want, "error")
			if strings.Contains(output, "hunter2") {
				t.Errorf("got the password in\n%s", output)
			}
		})
	}
}

// The README's configuration works, but for the host, and the page has the
// README's sample of the output. Checks say what will be read: one asks Zuora
// nothing, and the other once for each token and job.
func TestReadme(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	dir := t.TempDir()
	testutil.Write(t, dir, "prod-us.secret", zuoratest.ClientSecret+"\n")
	content := strings.ReplaceAll(testutil.Fenced(t, "yaml", "README.md")[0], "https://rest.na.zuora.com", s.URL)
	file := testutil.Write(t, dir, "zuora_exporter.yml", content)
	unknown := testutil.Write(t, dir, "unknown.yml", strings.ReplaceAll(content, zuoratest.SampleJobID, unknownJob))
	for _, tc := range []struct {
		flag, file, want string
		code, requests   int // for the token, and for the job
	}{
		{"--config.check", file, `job ` + zuoratest.SampleJobID + `\b`, 0, 0},
		{"--config.check-api", file, zuoratest.SampleJobID + ` .*Account +Completed +9 +1 +1 +11 `, 0, 1},
		{"--config.check-api", unknown, unknownJob + ` .*not_found: `, 1, 1},
	} {
		s.ResetCounters()
		if output := runOnce(t, tc.code, tc.flag, "--config.file="+tc.file); !regexp.MustCompile(tc.want).MatchString(output) {
			t.Errorf("%s: got\n%s\nwant %s", tc.flag, output, tc.want)
		}
		if n := s.Counters(); n.TokenRequests != tc.requests || n.JobRequests != tc.requests {
			t.Errorf("%s: got %d token and %d job requests, want %d of each", tc.flag, n.TokenRequests, n.JobRequests, tc.requests)
		}
	}
	contains(t, start(t, "--config.file="+file).scrape(t), strings.SplitAfter(testutil.Fenced(t, "", "README.md")[0], "\n")...)
}

// Who pastes the runbooks' recipe gets the job, whatever line break the secret's
// file ends in, or is told that there is no token.
func TestAskZuoraByHand(t *testing.T) {
	t.Parallel()
	testutil.Tool(t, "curl")
	s := newStandIn(t)
	recipe := strings.ReplaceAll(testutil.Fenced(t, "bash", "docs", "runbooks", "README.md")[0], "https://rest.na.zuora.com", s.URL)
	for name, tc := range map[string]struct{ secret, want string }{
		"a line break":     {zuoratest.ClientSecret + "\n", `"jobStatus":"Completed"`},
		"CR and LF":        {zuoratest.ClientSecret + "\r\n", `"jobStatus":"Completed"`},
		"the wrong secret": {"wrong\n", "no token: {"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(testutil.Tool(t, "bash"), "-c", recipe)
			cmd.Dir = t.TempDir()
			testutil.Write(t, cmd.Dir, "prod-us.secret", tc.secret)
			output, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("got the error %v, want none", err)
			}
			contains(t, string(output), tc.want)
		})
	}
}
