package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// Everything goes wrong and the log level is debug: no output holds the secret
// or a token.
func TestNoOutputHoldsASecret(t *testing.T) {
	t.Parallel()
	// A fault echoes the headers.
	s := newStandIn(t)
	echo := zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Zuora-Request-Id", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"success":false,"processId":%q,"reasons":[{"code":%q,"message":"bad: %s"}]}`,
			r.Header.Get("Authorization"), r.Header.Get("Authorization"), r.Header.Get("Authorization"))
	})
	file := writeConfig(t, s, "proxy_from_environment: false", zuoratest.SampleJobID, oddJob, unknownJob)
	var outputs []string
	keep := func(output string) { outputs = append(outputs, output) }

	for _, format := range []string{"logfmt", "json"} {
		e := start(t, "--config.file="+file, "--log.level=debug", "--log.format="+format, "--web.enable-pprof")
		for _, fault := range []zuoratest.Fault{zuoratest.Respond(401, "text/plain", "no client has "+zuoratest.ClientSecret), echo} {
			s.SetFault(oddJob, fault)
			keep(e.scrape(t, "1"))
			_, page := e.get(t, "/probe?target="+oddJob)
			keep(page)
			_, page = e.get(t, "/")
			keep(page)
		}
		s.ClearFaults()
		s.RevokeTokens()
		keep(e.scrape(t, "5"))
		for _, path := range []string{"/probe?target=" + zuoratest.ClientSecret, "/nowhere", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
			_, page := e.get(t, path)
			// The target may be quoted: the client sent it.
			keep(strings.ReplaceAll(page, "/probe?target="+zuoratest.ClientSecret, ""))
		}
		keep(e.reload(t))
		keep(e.output.String())
	}
	for _, fault := range zuoratest.TokenFaults() {
		s.SetTokenFault(fault.Fault)
		e := start(t, "--config.file="+file, "--log.level=debug")
		keep(e.scrape(t, "1"))
		_, page := e.get(t, "/")
		keep(page)
		keep(e.output.String())
	}
	s.ClearFaults()
	for _, flag := range []string{"--config.check", "--config.check-api"} {
		_, output := runOnce(t, flag, "--config.file="+file)
		keep(output)
	}
	secrets := map[string]bool{zuoratest.ClientSecret: true, strings.TrimRight(zuoratest.ClientSecret, "="): true}
	for _, token := range s.Tokens() {
		secrets[token] = true
	}
	if len(secrets) < 5 {
		t.Fatalf("got %d secrets, want at least 5", len(secrets))
	}
	var once sync.Once
	for _, output := range outputs {
		for secret := range secrets {
			if strings.Contains(output, secret) {
				once.Do(func() { t.Errorf("got the secret %q in\n%s", secret, output) })
			}
		}
	}
}

// net/http would print an answer that nobody asked for.
func TestUnaskedAnswerIsNotPrinted(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	const answer = `{"access_token":"unasked-token","expires_in":3599}`
	s.SetTokenFault(zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for range 2 {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		}
	}))
	e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID), "--log.level=debug", "--log.format=json")
	e.scrape(t, "5")
	e.scrape(t, "5")
	e.signal(t, syscall.SIGTERM)
	e.exitCode(t, 15*time.Second)
	for line := range strings.Lines(e.output.String()) {
		if strings.Contains(line, "unasked") || !strings.HasPrefix(line, "{") {
			t.Errorf("got the output %q, want only log lines of the exporter's own", line)
		}
	}
}
