package zuora_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// spellings are ways in which an answer may repeat a secret.
func spellings(secret string) map[string]string {
	each := func(format string) string {
		var b strings.Builder
		for _, r := range secret {
			fmt.Fprintf(&b, format, r)
		}
		return b.String()
	}
	jsonIn := func(s string) string {
		quoted, _ := json.Marshal(s)
		return string(quoted)
	}
	base := base64.StdEncoding.EncodeToString([]byte(secret))
	return map[string]string{
		"as it is":                      secret,
		"half of it":                    secret[:len(secret)/2],
		"eight letters and digits":      "not " + strings.Map(alphanumeric, secret)[1:9],
		"in upper case":                 strings.ToUpper(secret),
		"query":                         url.QueryEscape(secret),
		"path":                          url.PathEscape(secret),
		"percent, each character":       each("%%%02x"),
		"percent in part":               strings.ReplaceAll(secret, "=", "%3d"),
		"percent twice":                 url.QueryEscape(url.QueryEscape(secret)),
		"HTML":                          html.EscapeString(secret),
		"HTML, each character":          each("&#%d;"),
		"HTML hexadecimal":              each("&#x%X;"),
		"HTML twice":                    html.EscapeString(each("&#%d;")),
		"JSON in JSON":                  jsonIn(jsonIn(secret + "&<")),
		"JSON, each character":          each(`\u%04x`),
		"JSON, each character, in JSON": jsonIn(each(`\u%04X`)),
		"a slash escaped":               strings.ReplaceAll(secret, "/", `\/`),
		"base64":                        base,
		"base64 behind a word":          "Basic" + base,
		"base64 for URLs":               base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"base64 twice":                  base64.StdEncoding.EncodeToString([]byte(base)),
		"base64 of id and secret":       base64.StdEncoding.EncodeToString([]byte("an-id:" + secret)),
		"base64 of percent":             base64.StdEncoding.EncodeToString([]byte(each("%%%02X"))),
		"percent of base64":             url.QueryEscape(base),
		"base64 in JSON, in lines":      jsonIn(base[:8] + "\n" + base[8:]),
		"base64 in lines of 4":          pieces(base, 4, "\n"),
		"base64 in lines of 8":          pieces(base, 8, "\r\n"),
		"base64 in pieces of 3":         pieces(base, 3, " "),
		"base64 in pieces of 6":         pieces(base, 6, "."),
		"base64 in pieces of 2":         pieces(base, 2, ","),
		"with spaces":                   strings.Join(strings.Split(secret, ""), " "),
	}
}

func pieces(s string, n int, separator string) string {
	var parts []string
	for chunk := range slices.Chunk([]byte(s), n) {
		parts = append(parts, string(chunk))
	}
	return strings.Join(parts, separator)
}

func alphanumeric(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return -1
}

// However an answer repeats a secret, it goes no further.
func TestRepeatedSecretsAreWithheld(t *testing.T) {
	const (
		assertion = "a/b c=d&efghijklmnop&qrst"
		password  = "pr0xy:pass/word-of-the-house"
		withheld  = "(withheld: it repeats a secret)"
	)
	secrets := map[string]string{"the client secret": zuoratest.ClientSecret, "a parameter": assertion, "the proxy's password": password}
	for whose, secret := range secrets {
		for spelling, text := range spellings(secret) {
			t.Run(whose+"/"+spelling, func(t *testing.T) {
				s := newServer(t)
				s.SetTokenFault(zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Zuora-Request-Id", strings.NewReplacer("\n", "", "\r", "").Replace(text))
					w.WriteHeader(http.StatusUnauthorized)
					json.NewEncoder(w).Encode(map[string]any{
						"message": "no client has the secret " + text, "code": text, "processId": text,
					})
				}))
				c := newClient(t, s, func(c *zuora.Config) {
					c.EndpointParams, c.Secrets = url.Values{"assertion": {assertion}}, []string{password}
				})
				_, err := readSample(t, c)
				for field, got := range map[string]string{"message": err.Message, "code": err.Code, "process id": err.ProcessID, "request id": err.RequestID} {
					if got != withheld {
						t.Errorf("got %s %q, want %q", field, got, withheld)
					}
				}
				if err.Reason != zuora.ReasonAuth {
					t.Errorf("got the reason %s, want auth", err.Reason)
				}
			})
		}
	}
}

func TestRepeatedTokenIsWithheld(t *testing.T) {
	for name, spell := range map[string]func(string) string{
		"as it is":      func(s string) string { return s },
		"percent":       func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "a", "%61") },
		"the last half": func(s string) string { return s[len(s)/2:] },
		"base64":        func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			c := newClient(t, s)
			s.SetFault(zuoratest.SampleJobID, zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
				token := spell(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
				w.Header().Set("Concurrency-Limit-Type", token)
				w.Header().Set("Concurrency-Limit-Limit", "40")
				fmt.Fprintf(w, `{"jobId":%q,"jobStatus":%q,"objectType":%q}`, zuoratest.SampleJobID, token, "of "+zuoratest.ClientSecret)
			}))
			job, err := readSample(t, c)
			if err != nil || job.Status != "" || job.ObjectType != "" {
				t.Errorf("got %+v and error %v, want neither status nor type", job, err)
			}
			for kind := range c.Limits().Concurrency {
				if kind != "" {
					t.Errorf("got the type %q, want none", kind)
				}
			}
		})
	}
}

// Tokens are secrets in a token's answer too: the one that it brings, and those
// before.
func TestRepeatedTokensInTokenAnswers(t *testing.T) {
	const first, second = "first-token-0123456789", "second-token-9876543210"
	for name, tc := range map[string]struct {
		status int
		header string
		body   string
	}{
		"a refused renewal that names the old token": {400, "", `{"error":"the token ` + first + ` is still good"}`},
		"the new token as the request's id":          {200, second, `{"access_token":"` + second + `","expires_in":"soon"}`},
		"a refusal that holds a token":               {403, "", `{"access_token":"` + second + `","message":"no: ` + second + `"}`},
		"a limit that holds a token":                 {429, second, `{"access_token":"` + second + `","message":"` + second + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			answers := []func(http.ResponseWriter){
				func(w http.ResponseWriter) { fmt.Fprintf(w, `{"access_token":%q,"expires_in":1}`, first) },
				func(w http.ResponseWriter) {
					w.Header().Set("Zuora-Request-Id", tc.header)
					w.WriteHeader(tc.status)
					io.WriteString(w, tc.body)
				},
			}
			s.SetTokenFault(zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
				answer := answers[0]
				answers = answers[1:]
				answer(w)
			}))
			c := newClient(t, s)
			readSample(t, c) // its token is not accepted; the next one is asked for
			_, err := c.DataLabelingJob(t.Context(), zuoratest.SampleJobID)
			told := fmt.Sprintf("%+v", err)
			if e, ok := errors.AsType[*zuora.Error](err); ok {
				told += e.RequestID
			}
			if strings.Contains(told, first) || strings.Contains(told, second) {
				t.Errorf("got %s, want no token", told)
			}
			if len(answers) != 0 {
				t.Errorf("%d token requests are left, want none", len(answers))
			}
		})
	}
}

// What Zuora really says stays readable.
func TestOrdinaryTextsAreShown(t *testing.T) {
	for _, text := range []string{
		"The job does not exist", "Authentication error", "invalid_client", "Bad credentials", "50000020", "REQUEST_EXCEEDED_LIMIT",
		"4C0112A0983D039B", "46a352ed-57a2-4a9f-b7cb-a8c864d839f3", "ff80808186b966950186b97922e200ab",
		"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>",
		`dial tcp 10.1.2.3:443: connect: connection refused (after 3 attempts, 100% of "a\b" lost &amp; more)`,
		strings.Repeat("An unusually long and winding explanation of nothing. ", 5),
	} {
		s := newServer(t)
		s.SetFault(zuoratest.SampleJobID, zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			json.NewEncoder(w).Encode(map[string]any{"message": text})
		}))
		if _, err := readSample(t, newClient(t, s)); err.Message != text {
			t.Errorf("got %q, want %q", err.Message, text)
		}
	}
}

// A proxy's own words are in the transport's error.
func TestProxyStatusLineIsWithheld(t *testing.T) {
	s := newServer(t)
	c := newClient(t, s, func(c *zuora.Config) {
		c.Secrets = []string{"proxy-password-1"}
		c.Transport = failing{errors.New("proxyconnect tcp: 407 no user has proxy-password-1")}
	})
	if _, err := readSample(t, c); err.Message != "(withheld: it repeats a secret)" || err.Reason != zuora.ReasonUnavailable {
		t.Errorf("got %v, want a text that is withheld", err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }
