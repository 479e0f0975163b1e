package zuora

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// A text of a job's answer is withheld if it holds 8 consecutive letters or
// digits of a secret, or a shorter secret as a word.
func TestSecretsAreWithheld(t *testing.T) {
	const clientSecret, param = "Ab1+Cd2/Ef3=Gh4&Ij5-Kl6", "value/of:a-parameter"
	config := func(c *Config) {
		c.ClientSecret = func() (string, error) { return clientSecret, nil }
		c.EndpointParams = map[string]string{"assertion": param, "audience": "https://audience.example.com/", "a": "true", "b": "1234567"}
		c.Secrets = []string{"", "***", "hunt-er2", "ñandú12", "p@ss", "eight888", "proxy-password"}
	}
	for text, want := range map[string]bool{
		clientSecret: true,
		"no client has the secret " + strings.ToUpper(clientSecret): true,
		url.QueryEscape("Ab1+Cd2Ef3Gh4Ij5"):                         true, // between the escapes
		"client_secret=" + url.QueryEscape(clientSecret):            true, // as it is sent
		"Cé漢d2éEf3Gh4":         true, // whatever stands between
		"Cd2.Ef3.Gh":           true,
		"Cd2\x01Ef3\nGh4":      true,  // net/http's errors quote it with escapes
		"Cd2Ef3G":              false, // seven
		"Cd2Ef3xGh4Ij":         false, // six and five
		"a-token-0123":         true,
		param[6:]:              true,
		"audience.example.com": false, // a URL is no secret
		"true 1234567":         false,
		"the proxy-pass":       true,
		"a proxy":              false,
		"password hunter2":     true,
		"Hunt-Er2.":            true,
		"hunter22":             false,
		"bad ñandú12 here":     true, // a short one of other letters
		"k=p%40ss":             true, // and as a form sends it
		"pass":                 false,
		"of eight-888s":        true,

		// What Zuora really says stays readable.
		"The job does not exist": false, "50000020": false, "REQUEST_EXCEEDED_LIMIT": false, zuorasID: false, sampleID: false,
		strings.Repeat("An unusually long and winding explanation of nothing. ", 5): false,
	} {
		t.Run(text, func(t *testing.T) {
			body, _ := json.Marshal(map[string]any{"message": text, "code": text, "processId": text})
			_, err := read(t, newFakeClient(t, goodToken, respond(401, string(body), headerRequestID, text), config), ReasonAuth) // decided before
			shown := text
			if want {
				shown = withheld
			}
			for field, got := range map[string]string{"message": err.Message, "code": err.Code, "process id": err.ProcessID, "request id": err.RequestID} {
				if got != shown {
					t.Errorf("got the %s %q, want %q", field, got, shown)
				}
			}
			_, err = read(t, newFakeClient(t, goodToken, func(*http.Request) (*http.Response, error) {
				return nil, fmt.Errorf("malformed HTTP response %q", text)
			}, config), ReasonUnavailable)
			if got := err.Message == withheld; got != want {
				t.Errorf("got %q for a broken answer, want it withheld: %t", err.Message, want)
			}

			// A label's value counts as not sent.
			body, _ = json.Marshal(map[string]string{"jobStatus": text, "objectType": text})
			c := newFakeClient(t, goodToken, respond(200, string(body), "Concurrency-Limit-Type", text, "Concurrency-Limit-Limit", "40"), config)
			job, _ := read(t, c, "")
			for _, got := range []string{job.Status, job.ObjectType, c.Limits().ConcurrencyType} {
				if (got == "") != want {
					t.Errorf("got the label %q, want it withheld: %t", got, want)
				}
			}
		})
	}
}

// What Zuora documents is always shown, and a label has at most 64 characters.
func TestLabels(t *testing.T) {
	for _, tc := range []struct{ status, objectType, wantStatus, wantType string }{
		{"completed", "PaymentRun", "Completed", "PaymentRun"},
		{"Stopped\n" + strings.Repeat("x", 100), "paymentrun", "Stopped_" + strings.Repeat("x", 56), ""},
	} {
		body := fmt.Sprintf(`{"jobStatus":%q,"objectType":%q}`, tc.status, tc.objectType)
		job, _ := read(t, newFakeClient(t, goodToken, respond(200, body), func(c *Config) { c.Secrets = []string{"completed", "paymentrun"} }), "")
		if job.Status != tc.wantStatus || job.ObjectType != tc.wantType {
			t.Errorf("got %+v for %q of %q, want %q of %q", job, tc.status, tc.objectType, tc.wantStatus, tc.wantType)
		}
	}
}

// Of a token's answer nothing is shown but the status, an error word, a code of
// digits and ids, and these only if they hold no secret.
func TestTokenAnswersShowNothing(t *testing.T) {
	base := base64.StdEncoding.EncodeToString([]byte("secret_of_the_client"))
	for name, tc := range map[string]struct {
		status int
		body   string
		id     string
		want   Error
	}{
		"OAuth's":             {401, `{"error":"invalid_client","error_description":"no client has ` + base + `"}`, zuorasID, Error{Reason: ReasonAuth, Message: "invalid_client", RequestID: zuorasID}},
		"Zuora's":             {429, `{"success":false,"processId":"4C0112A0983D039B","reasons":[{"code":"50000070","message":"` + base + `"}]}`, base, Error{Reason: ReasonRateLimited, Code: "50000070", Message: "Too Many Requests", ProcessID: "4C0112A0983D039B"}},
		"Spring's":            {400, `{"timestamp":"2026","status":400,"message":"Bad credentials","reason":"Bad Request"}`, "", Error{Reason: ReasonAuth, Message: "Bad Request"}},
		"text":                {403, "Bad credentials", "", Error{Reason: ReasonAuth, Message: "Forbidden"}},
		"a page":              {403, " <html>" + base, "", Error{Reason: ReasonInvalidResponse, Message: "Forbidden"}},
		"the secret":          {401, `{"error":"secret_of_the_client","code":"secret","processId":"ecre"}`, "", Error{Reason: ReasonAuth, Message: "Unauthorized"}},
		"the new token":       {401, `{"access_token":"abcdef0123456789","code":"0123456789","processId":"abcdef012345"}`, "abcdef0123456789", Error{Reason: ReasonAuth, Message: "Unauthorized"}},
		"the old token":       {401, `{"error":"invalid_client","code":"9876543210"}`, "9876543210", Error{Reason: ReasonAuth, Message: "invalid_client"}},
		"a word that is long": {401, `{"error":"` + strings.Repeat("a", 41) + `"}`, "", Error{Reason: ReasonAuth, Message: "Unauthorized"}},
		"a proxy's":           {407, `{"error":"invalid_client"}`, zuorasID, Error{Reason: ReasonUnavailable, Message: "the proxy refused"}},
		"no token":            {200, `{"jti":"` + base + `"}`, "", Error{Reason: ReasonInvalidResponse, Message: "no access_token in the answer"}},
		"a refusal with 200":  {200, `{"error":"invalid_client"}`, "", Error{Reason: ReasonInvalidResponse, Message: "invalid_client"}},
		"no header's token":   {201, `{"access_token":"a\r\nX-Evil: b"}`, "", Error{Reason: ReasonInvalidResponse, Message: "access_token holds characters that a header cannot"}},
		"a body too large":    {200, `{"access_token":"` + strings.Repeat("x", maxBody) + `"}`, "", Error{Reason: ReasonInvalidResponse, Message: "the body is larger than 65536 bytes"}},
	} {
		bubble(t, name, func(t *testing.T) {
			old := respond(200, `{"access_token":"9876543210"}`)
			c := newFakeClient(t, inTurn(new(atomic.Int64), old, respond(tc.status, tc.body, headerRequestID, tc.id)), goodJob, func(c *Config) {
				c.ClientSecret = func() (string, error) { return "secret_of_the_client", nil }
			})
			read(t, c, "")
			time.Sleep(time.Hour)
			_, err := read(t, c, tc.want.Reason)
			tc.want.Operation, tc.want.StatusCode = OperationToken, tc.status
			err.pause, err.unauthorized = 0, false
			if *err != tc.want {
				t.Errorf("got %+v, want %+v", *err, tc.want)
			}
		})
	}
}

// What is no valid HTTP may quote the client secret, too; what was not even sent
// may not.
func TestTokenRequestThatIsLost(t *testing.T) {
	s := newServer(t)
	s.SetTokenFault(zuoratest.Handle(func(w http.ResponseWriter, r *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			io.WriteString(conn, base64.StdEncoding.EncodeToString([]byte(r.PostForm.Get("client_secret")))+"\r\n\r\n")
			conn.Close()
		}
	}))
	if _, e := read(t, newClient(t, s.URL), ReasonUnavailable); e.Message != "the connection ended without a valid answer" {
		t.Errorf("got %q, want nothing of what came", e.Message)
	}

	s.SetTokenFault(zuoratest.Gateway(407, "text/plain", "who are you?"))
	if _, e := read(t, newClient(t, s.URL), ReasonUnavailable); e.Message != "the proxy refused" {
		t.Errorf("got %q, want the proxy named", e.Message)
	}

	const noCA = "unable to read CA cert: open /ca.pem: no such file"
	fails := func(*http.Request) (*http.Response, error) { return nil, errors.New(noCA) }
	if _, e := read(t, newFakeClient(t, fails, goodJob), ReasonUnavailable); e.Message != noCA {
		t.Errorf("got %q, want %q", e.Message, noCA)
	}
}

// BenchmarkShow looks for a token of 1,800 characters in texts that a scrape's
// errors may have, one per job.
func BenchmarkShow(b *testing.B) {
	token := make([]byte, 1800)
	for i := range token {
		token[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"[rand.IntN(65)]
	}
	var s secrets
	s.add("a-client-secret", string(token))
	for name, text := range map[string]string{
		"plain":     "The job does not exist",
		"encodings": strings.Repeat(`%25253C\\u003c&amp;lt;UGxlYXNl `, 10),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s.show(text) == withheld {
					b.Fatal("withheld")
				}
			}
		})
	}
}
