package zuoratest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sampleAnswer = `{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`
	missingJob   = "00000000000000000000000000000001"
	modern       = "2025-08-12"
	entityID     = "11e643f4-a3ee-8bad-b061-0025904c756d"
)

// client is a plain HTTP client of a server, with a token.
type client struct {
	t     *testing.T
	s     *zuoratest.Server
	http  *http.Client
	token string
}

// newClient starts a server with the sample job and gets a token. The client
// neither asks for compression nor follows redirects.
func newClient(t *testing.T, opts ...zuoratest.Option) *client {
	t.Helper()
	return connect(t, zuoratest.NewServer(opts...))
}

func connect(t *testing.T, s *zuoratest.Server) *client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}
	if s.CertificatePEM() != nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(s.CertificatePEM())
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		transport.ForceAttemptHTTP2 = true
	}
	c := &client{t: t, s: s, http: &http.Client{
		Transport:     transport,
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(func() {
		s.Close()
		transport.CloseIdleConnections()
	})
	s.SetSampleJob()
	c.renew()
	return c
}

// renew gets a token, if the server gives one.
func (c *client) renew() {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if a := c.askToken(); json.Unmarshal(a.body, &token) == nil {
		c.token = token.AccessToken
	}
}

// answer is everything that the client received.
type answer struct {
	status int
	proto  string
	header http.Header
	body   []byte
	err    error // of the request or of reading its body
}

// job reads a job with these headers, names and values in turn. An empty value
// removes a header.
func (c *client) job(id string, headers ...string) answer {
	r, _ := http.NewRequest(http.MethodGet, c.s.URL+"/v1/multi-organizations/data-labeling-job/"+id, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Zuora-Version", modern)
	return c.do(r, headers)
}

func goodForm() url.Values {
	return url.Values{
		"client_id":     {zuoratest.ClientID},
		"client_secret": {zuoratest.ClientSecret},
		"grant_type":    {"client_credentials"},
	}
}

func (c *client) askToken(headers ...string) answer { return c.postToken(goodForm(), headers...) }

func (c *client) postToken(form url.Values, headers ...string) answer {
	r, _ := http.NewRequest(http.MethodPost, c.s.URL+"/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(r, headers)
}

func (c *client) do(r *http.Request, headers []string) answer {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode, proto: resp.Proto, header: resp.Header}
	a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, 2<<20))
	return a
}

// want checks a whole answer.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.err != nil || a.status != status || string(a.body) != body {
		t.Errorf("got %d %s (error %v), want %d %s", a.status, a.body, a.err, status, body)
	}
}

// wantPart checks a status and that the body holds something.
func (a answer) wantPart(t *testing.T, status int, part string) {
	t.Helper()
	if a.err != nil || a.status != status || !strings.Contains(string(a.body), part) {
		t.Errorf("got %d %.300s (error %v), want %d and %s", a.status, a.body, a.err, status, part)
	}
}

func TestOtherPathsAre404InZuorasShape(t *testing.T) {
	c := newClient(t)
	for _, path := range []string{"/", "/v1/multi-organizations/data-labeling-job", "/v1/multi-organizations/data-labeling-job/", "/v1/multi-organizations/data-labeling-job/a/b", "/oauth/token"} {
		r, _ := http.NewRequest(http.MethodGet, c.s.URL+path, nil)
		c.do(r, nil).wantPart(t, 404, `"success":false}`)
	}
}

func TestEveryAnswerHasItsOwnRequestID(t *testing.T) {
	c := newClient(t)
	seen := map[string]bool{}
	for _, a := range []answer{c.askToken(), c.job(zuoratest.SampleJobID), c.job(missingJob), c.job(missingJob, "Authorization", "")} {
		id := a.header.Get("Zuora-Request-Id")
		if len(id) != 36 || seen[id] {
			t.Errorf("got Zuora-Request-Id %q, want a new uuid", id)
		}
		seen[id] = true
		if a.status >= 400 && !strings.Contains(string(a.body), `"requestId":"`+id+`"`) {
			t.Errorf("got %s, want its request %s in it", a.body, id)
		}
	}
}

func TestTrackIDIsEchoedIfItIsAllowed(t *testing.T) {
	c := newClient(t)
	for sent, want := range map[string]string{
		"scrape 1/2":            "scrape 1/2",
		strings.Repeat("a", 64): strings.Repeat("a", 64),
		strings.Repeat("a", 65): "",
		"a:b":                   "",
		"a;b":                   "",
		`a"b`:                   "",
		"a'b":                   "",
		"ä":                     "",
	} {
		if got := c.job(zuoratest.SampleJobID, "Zuora-Track-Id", sent).header.Get("Zuora-Track-Id"); got != want {
			t.Errorf("sent %q: got %q, want %q", sent, got, want)
		}
	}
}

func TestTLS(t *testing.T) {
	c := connect(t, zuoratest.NewTLSServer())
	a := c.job(zuoratest.SampleJobID)
	a.want(t, 200, sampleAnswer)
	if a.proto != "HTTP/2.0" {
		t.Errorf("got %s, want HTTP/2.0", a.proto)
	}
	if resp, err := http.Get(c.s.URL); err == nil {
		resp.Body.Close()
		t.Error("got an answer for a client that does not trust the certificate, want none")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestCloseEndsHangingRequests(t *testing.T) {
	for name, start := range map[string]func(...zuoratest.Option) *zuoratest.Server{"http": zuoratest.NewServer, "https": zuoratest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, start())
			var group sync.WaitGroup
			faults := 0
			for _, f := range zuoratest.Faults() {
				if f.Reason != "timeout" {
					continue
				}
				faults++
				id := strings.Repeat(string(rune('a'+faults)), 32)
				c.s.SetFault(id, f.Fault)
				group.Go(func() {
					if a := c.job(id); a.err == nil {
						t.Errorf("%s: got %d %s, want no answer", f.Name, a.status, a.body)
					}
				})
			}
			c.s.SetTokenFault(zuoratest.Hang())
			group.Go(func() {
				if a := c.askToken(); a.err == nil {
					t.Errorf("token: got %d %s, want no answer", a.status, a.body)
				}
			})
			waitFor(t, func() bool {
				n := c.s.Counters()
				return n.JobRequests == faults && n.TokenRequests == 2
			})
			began := time.Now()
			c.s.Close()
			group.Wait()
			c.s.Close() // A second time does nothing.
			if d := time.Since(began); d > 2*time.Second {
				t.Errorf("closing took %s, want at most 2s", d)
			}
		})
	}
}

// waitFor waits for something that other goroutines do.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("waited 5s for what did not come")
		case <-time.After(time.Millisecond):
		}
	}
}
