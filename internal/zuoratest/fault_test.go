package zuoratest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// onTheWire is what a plain client that asks for gzip gets: a status and a part
// of the body, or 0 if no headers came, and the error with which it ended.
type onTheWire struct {
	status int
	part   string
	header string // "Name: value"
	err    error
}

var (
	errTimeout = errors.New("the client's timeout")
	errCut     = io.ErrUnexpectedEOF
	errLost    = io.EOF
)

// faultsOnTheWire has every kind of fault that is more than a body. The client's
// tests try the others.
var faultsOnTheWire = map[string]onTheWire{
	"too_many_retry_after_date": {status: 429, part: `"code":"50000070"`, header: "Retry-After: Fri, 02 Jan 2026 03:06:05 GMT"},
	"too_many_rate_limit_reset": {status: 429, header: "RateLimit-Reset: 90"},
	"too_many_no_headers":       {status: 429, header: "RateLimit-Reset: "},
	"too_many_no_body":          {status: 429, header: "RateLimit-Reset: "},
	"redirect_302":              {status: 302, header: "Location: /leak"},

	"hang":               {err: errTimeout},
	"hang_after_headers": {status: 200, err: errTimeout},
	"drip":               {status: 200, part: `{`, err: errTimeout},
	"cut":                {err: errLost},
	"cut_once":           {err: errLost},
	"cut_body":           {status: 200, part: `{"jobId"`, err: errCut},
	"cut_chunk":          {status: 200, part: `{"jobId"`, err: errCut},
	"endless":            {status: 200, part: `{"jobId":"`},
	"endless_gzip":       {status: 200, header: "Content-Encoding: gzip"},

	"gzip_malformed":    {status: 200, part: "this is no gzip", header: "Content-Encoding: gzip"},
	"over_1000_bytes":   {status: 200, header: "Content-Encoding: gzip"},
	"over_1_mib":        {status: 200, header: "Content-Encoding: gzip"},
	"other_job":         {status: 200, part: `"jobId":"00000000000000000000000000000000"`},
	"job_id_upper_case": {status: 200, part: `"FF80808186B966950186B97922E200AB"`},
	"job_id_hyphens":    {status: 200, part: `"ff808081-86b9-6695-0186-b97922e200ab"`},
	"status_unknown":    {status: 200, part: `{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"CANCELLED"`},
	"informational":     {status: 200, part: sampleAnswer},

	"token_refused_secret_echoed": {status: 401, part: zuoratest.ClientSecret},
	"token_too_many_retry_after":  {status: 429, header: "Retry-After: 30"},
	"token_hang":                  {err: errTimeout},
	"token_cut":                   {err: errLost},
	"token_redirect":              {status: 307, header: "Location: /leak"},
	"token_content_type_text":     {status: 200, part: `{"access_token":"`, header: "Content-Type: text/plain; charset=utf-8"},
	"token_expires_in_string":     {status: 200, part: `"expires_in":"3599",`},
	"token_expires_in_negative":   {status: 200, part: `"expires_in":-1,`},
	"token_expires_in_missing":    {status: 200, part: `","jti":`},
}

func (want onTheWire) check(t *testing.T, got answer) {
	t.Helper()
	var urlErr *url.Error
	if errors.As(got.err, &urlErr) && urlErr.Timeout() {
		got.err = errTimeout
	} else if got.err != nil && strings.Contains(got.err.Error(), "Client.Timeout") {
		got.err = errTimeout
	}
	if got.proto == "HTTP/2.0" || got.status == 0 {
		// HTTP/2 has its own errors, which cut the stream.
		if (got.err == nil) != (want.err == nil) || errors.Is(got.err, errTimeout) != errors.Is(want.err, errTimeout) {
			t.Errorf("got error %v, want %v", got.err, want.err)
		}
	} else if !errors.Is(got.err, want.err) {
		t.Errorf("got error %v, want %v", got.err, want.err)
	}
	if got.status != want.status || !bytes.Contains(got.body, []byte(want.part)) {
		t.Errorf("got %d %.300s, want %d %s", got.status, got.body, want.status, want.part)
	}
	if name, value, _ := strings.Cut(want.header, ": "); got.header.Get(name) != value {
		t.Errorf("got %s %q, want %q", name, got.header.Get(name), value)
	}
}

func TestFaultsOnTheWire(t *testing.T) {
	faults := map[string]zuoratest.Fault{}
	for _, f := range append(zuoratest.Faults(), zuoratest.TokenFaults()...) {
		faults[f.Name] = f.Fault
	}
	for proto, start := range map[string]func(...zuoratest.Option) *zuoratest.Server{"HTTP 1": zuoratest.NewServer, "HTTP 2": zuoratest.NewTLSServer} {
		for name, want := range faultsOnTheWire {
			t.Run(proto+"/"+name, func(t *testing.T) {
				t.Parallel()
				fault, ok := faults[name]
				if !ok {
					t.Fatal("the catalogue has no such fault")
				}
				c := connect(t, start(zuoratest.WithClock(newClock().Now)))
				if errors.Is(want.err, errTimeout) {
					c.http.Timeout = 300 * time.Millisecond
				}
				c.http.Transport.(*http.Transport).CloseIdleConnections() // It would retry on an idle one.
				var got answer
				if strings.HasPrefix(name, "token_") {
					c.s.SetTokenFault(fault)
					got = c.askToken()
				} else {
					c.s.SetFault(zuoratest.SampleJobID, fault)
					got = c.job(zuoratest.SampleJobID, "Accept-Encoding", "gzip")
				}
				want.check(t, got)
				c.s.ClearFaults()
				c.http.Timeout = 5 * time.Second
				c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
			})
		}
	}
}

func TestRefusalHasTheStatusOfItsCategory(t *testing.T) {
	c := newClient(t)
	for code, want := range map[string]int{
		`50000010`: 403, `90000011`: 401,
		`50000020`: 400, `50000021`: 400, `50000022`: 400, `50000023`: 400, `50000030`: 400, `50000090`: 400,
		`50000040`: 404, `50000050`: 409, `50000060`: 500, `50000061`: 500, `50000099`: 500, `50000070`: 429,
		`"53100320"`: 400, `70`: 429,
	} {
		c.s.SetFault(zuoratest.SampleJobID, zuoratest.Refuse(code, "No"))
		c.job(zuoratest.SampleJobID).wantPart(t, want, fmt.Sprintf(`"reasons":[{"code":%s,"message":"No"}]`, code))
	}
}

func TestFaultAppliesToTheNextRequests(t *testing.T) {
	c := newClient(t)
	locked := zuoratest.Refuse(`50000050`, "Locked")
	locked.Times = 2
	c.s.SetFault(zuoratest.AnyJob, zuoratest.Respond(503, "", ""))
	c.s.SetFault(zuoratest.SampleJobID, locked)
	for i, status := range []int{409, 409, 503, 503} {
		if a := c.job(zuoratest.SampleJobID); a.status != status {
			t.Errorf("request %d: got %d, want %d", i, a.status, status)
		}
	}
	c.askToken().wantPart(t, 200, "access_token")
	c.s.ClearFaults()
	c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
}

func TestBadRequestGetsNoFault(t *testing.T) {
	c := newClient(t)
	c.s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(503, "", ""))
	c.job(zuoratest.SampleJobID, "Authorization", "").wantPart(t, 401, "90000011")
}

func TestHandle(t *testing.T) {
	c := newClient(t)
	c.s.SetFault(zuoratest.SampleJobID, zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	c.job(zuoratest.SampleJobID).want(t, 418, "")
}

func TestFollowedRedirectIsCounted(t *testing.T) {
	c := newClient(t)
	c.http.CheckRedirect = nil
	c.s.SetFault(zuoratest.SampleJobID, zuoratest.Redirect(302, c.s.URL+zuoratest.LeakPath))
	c.job(zuoratest.SampleJobID).want(t, 200, "{}")
	c.s.SetTokenFault(zuoratest.Redirect(307, zuoratest.LeakPath))
	c.askToken().want(t, 200, "{}")
	if got := c.s.Counters().Leaks; got != 2 {
		t.Errorf("got %d leaks, want 2", got)
	}
}

func TestGzipOfFaultsIsValid(t *testing.T) {
	for _, f := range zuoratest.Faults() {
		size := map[string]int{"over_1000_bytes": 2000, "over_1_mib": 1 << 20, "endless_gzip": 16 << 20}[f.Name]
		if size == 0 {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			c := newClient(t)
			c.s.SetFault(zuoratest.SampleJobID, f.Fault)
			r, _ := http.NewRequest(http.MethodGet, c.s.URL+"/v1/multi-organizations/data-labeling-job/"+zuoratest.SampleJobID, nil)
			r.Header.Set("Authorization", "Bearer "+c.token)
			r.Header.Set("Accept-Encoding", "gzip")
			resp, err := c.http.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := gzip.NewReader(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, io.LimitReader(body, int64(size))); int(n) != size {
				t.Errorf("got %d bytes (error %v), want at least %d", n, err, size)
			}
		})
	}
}

func TestInformationalAnswersComeFirst(t *testing.T) {
	c := newClient(t)
	for _, f := range zuoratest.Faults() {
		if f.Name == "informational" {
			c.s.SetFault(zuoratest.SampleJobID, f.Fault)
		}
	}
	var codes []int
	r, _ := http.NewRequest(http.MethodGet, c.s.URL+"/v1/multi-organizations/data-labeling-job/"+zuoratest.SampleJobID, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			codes = append(codes, code)
			return nil
		},
	}))
	c.do(r, nil).want(t, 200, sampleAnswer)
	if len(codes) != 2 || codes[0] != http.StatusProcessing || codes[1] != http.StatusEarlyHints {
		t.Errorf("got %v before the answer, want 102 and 103", codes)
	}
}
