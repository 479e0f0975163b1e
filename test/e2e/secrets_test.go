package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// Everything goes wrong and the log level is debug: no output and no page holds
// the secret or a token.
func TestNoOutputHoldsASecret(t *testing.T) {
	t.Parallel()
	s := newStandIn(t)
	echo := zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
		token := r.Header.Get("Authorization")
		w.Header().Set("Zuora-Request-Id", token)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"success":false,"processId":%q,"reasons":[{"code":%[1]q,"message":"bad: %[1]s"}]}`, token)
	})
	// net/http would print an answer that nobody asked for.
	const answer = `{"access_token":"unasked-token","expires_in":3599}`
	unasked := zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for range 2 {
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
		}
	})
	var outputs []string
	for _, format := range []string{"logfmt", "json"} {
		e := start(t, "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID, oddJob, unknownJob), "--log.level=debug", "--log.format="+format, "--web.enable-pprof")
		for _, fault := range []zuoratest.Fault{zuoratest.Respond(401, "text/plain", "no client has "+zuoratest.ClientSecret), echo, {}} {
			s.SetFault(oddJob, fault)
			e.scrape(t)
			e.probe(t, oddJob+"&debug=true")
			e.page(t, "/", 10*time.Second)
		}
		s.RevokeTokens()
		for _, path := range []string{"/metrics", probeOf(zuoratest.ClientSecret), "/nowhere", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2"} {
			e.request(t.Context(), http.MethodGet, path)
		}
		// The target may be quoted: the client sent it.
		outputs = append(outputs, e.output.String(), strings.ReplaceAll(e.pages.String(), probeOf(zuoratest.ClientSecret), ""))
	}
	for _, fault := range append(zuoratest.TokenFaults(), zuoratest.NamedFault{Fault: unasked}) {
		s.SetTokenFault(fault.Fault)
		e := start(t, "--config.file="+writeConfig(t, s, "request_timeout: 1s", zuoratest.SampleJobID), "--log.level=debug")
		for range 2 {
			e.scrape(t)
		}
		e.page(t, "/", 10*time.Second)
		outputs = append(outputs, e.output.String(), e.pages.String())
	}
	s.ClearFaults()
	outputs = append(outputs, runOnce(t, 0, "--config.check-api", "--config.file="+writeConfig(t, s, "", zuoratest.SampleJobID)))

	secrets := append(s.Tokens(), "unasked-token", strings.TrimRight(zuoratest.ClientSecret, "="))
	if len(secrets) < 5 {
		t.Fatalf("got %d secrets, want at least 5", len(secrets))
	}
	for _, output := range outputs {
		for _, secret := range secrets {
			if strings.Contains(output, secret) {
				t.Fatalf("got the secret %q in\n%s", secret, output)
			}
		}
	}
}
