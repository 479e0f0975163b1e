package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	code, help := runOnce(t, "--help")
	for _, flag := range []string{
		"config.file", "config.check", "config.check-api", "config.auto-reload-interval", "demo",
		"scrape.timeout-offset", "web.telemetry-path", "web.enable-pprof", "web.listen-address", "web.config.file", "web.systemd-socket", "log.level", "log.format", "version",
	} {
		if code != 0 || !regexp.MustCompile(`--(\[no-\])?`+regexp.QuoteMeta(flag)+`\b`).MatchString(help) {
			t.Errorf("--help: got exit code %d, want 0 and --%s:\n%s", code, flag, help)
		}
	}
	version := strings.TrimSpace(testutil.Read(t, "VERSION"))
	if code, output := runOnce(t, "--version"); code != 0 || !strings.HasPrefix(output, "zuora_exporter, version "+version+" (") {
		t.Errorf("--version: got exit code %d, want 0 and the version %s:\n%s", code, version, output)
	}
	info := samples(start(t, "--demo").scrape(t, "10"), "zuora_exporter_build_info")
	if len(info) != 1 || !strings.Contains(info[0], `version="`+version+`"`) {
		t.Errorf("got %q, want the version %s", info, version)
	}
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
		"an unknown level":     {"--log.level=loud", "loud"},
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
			code, output := runOnce(t, strings.Fields(tc.args)...)
			lines := slices.Collect(strings.Lines(output))
			for _, line := range lines[:len(lines)-1] {
				if !strings.Contains(line, "level=info") {
					t.Errorf("got the line %q before the last, want only news of the start", line)
				}
			}
			if last := lines[len(lines)-1]; code != 1 || !strings.Contains(last, tc.want) || !strings.Contains(last, "error") || strings.Contains(output, "hunter2") {
				t.Errorf("got exit code %d and\n%s\nwant 1 and, in an error line, %s", code, output, tc.want)
			}
		})
	}
}

// The demo says where it listens, and has jobs that move.
func TestDemo(t *testing.T) {
	t.Parallel()
	e := start(t, "--demo")
	labeled := func() (sum float64) {
		page := e.scrape(t, "10")
		if n := len(samples(page, "zuora_data_labeling_job_scrape_success")); n != 10 {
			t.Errorf("got %d jobs, want 10", n)
		}
		for _, line := range samples(page, "zuora_data_labeling_job_labeled_objects") {
			value, err := strconv.ParseFloat(line[strings.LastIndex(line, " ")+1:], 64)
			if err != nil {
				t.Fatal(err)
			}
			sum += value
		}
		return sum
	}
	before := labeled()
	eventually(t, "a job that moves", func() bool { return labeled() > before })
	e.hasLogged(t, e.URL+"/metrics ")
}

// The README's configuration works, but for the host, and the page has the
// README's sample of the output.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme := testutil.Read(t, "README.md")
	inFences := func(pattern string) string {
		m := regexp.MustCompile("(?s)```" + pattern + "```").FindStringSubmatch(readme)
		if m == nil {
			t.Fatalf("got no %s in the README", pattern)
		}
		return m[1]
	}
	s := newStandIn(t)
	dir := t.TempDir()
	testutil.Write(t, dir, "prod-us.secret", zuoratest.ClientSecret+"\n")
	file := testutil.Write(t, dir, "zuora_exporter.yml",
		strings.ReplaceAll(inFences("yaml\n(# zuora_exporter.yml\n.*?)"), "https://rest.na.zuora.com", s.URL))
	if code, output := runOnce(t, "--config.check", "--config.file="+file); code != 0 || !strings.Contains(output, zuoratest.SampleJobID) {
		t.Errorf("--config.check: got exit code %d, want 0 and the job:\n%s", code, output)
	}
	if n := s.Counters(); n.TokenRequests+n.JobRequests != 0 {
		t.Errorf("--config.check: got %d token and %d job requests, want none", n.TokenRequests, n.JobRequests)
	}
	page := start(t, "--config.file="+file).scrape(t, "10")
	contains(t, page, strings.Split(strings.TrimSpace(inFences("\n(zuora_.*?\n)")), "\n")...)
}

// --config.check-api asks once for a token and each job. Its exit code says
// whether all could be read.
func TestCheckAPI(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		jobs []string
		code int
		want string // a pattern
	}{
		"all is well":    {[]string{zuoratest.SampleJobID, runningJob}, 0, `t +` + zuoratest.SampleJobID + ` +Account +Completed +9 +1 +1 +11`},
		"an unknown job": {[]string{zuoratest.SampleJobID, unknownJob}, 1, unknownJob + ` .*not_found: `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scriptedStandIn(t)
			code, output := runOnce(t, "--config.check-api", "--config.file="+writeConfig(t, s, "", tc.jobs...))
			if code != tc.code || !regexp.MustCompile(tc.want).MatchString(output) {
				t.Errorf("got exit code %d, want %d and %s:\n%s", code, tc.code, tc.want, output)
			}
			if n := s.Counters(); n.TokenRequests != 1 || n.JobRequests != 2 {
				t.Errorf("got %d token and %d job requests, want 1 and 2", n.TokenRequests, n.JobRequests)
			}
		})
	}
}
