package zuoratest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// onTheWire is what a fault looks like to a plain client that asks for gzip
// and waits 300 ms: a status and a part of the body, or 0 where no headers
// came; err where reading did not come to its end.
type onTheWire struct {
	status int
	part   string
	header string // "Name: value"
	err    error
}

var (
	errTimeout = errors.New("the client's time ran out")
	errCut     = io.ErrUnexpectedEOF
	errLost    = io.EOF
)

var jobFaults = map[string]onTheWire{
	"category_10_permission":     {status: 403, part: `"code":50000010`},
	"category_11_authentication": {status: 401, part: `"code":90000011`},
	"category_20_invalid":        {status: 400, part: `"code":50000020`},
	"category_21_invalid":        {status: 400, part: `"code":50000021`},
	"category_22_invalid":        {status: 400, part: `"code":50000022`},
	"category_23_invalid":        {status: 400, part: `"code":50000023`},
	"category_30_rule":           {status: 400, part: `"code":50000030`},
	"category_90_invalid":        {status: 400, part: `"code":50000090`},
	"category_40_not_found":      {status: 404, part: `"code":50000040`},
	"category_50_locked":         {status: 409, part: `"code":50000050`},
	"category_60_internal":       {status: 500, part: `"code":50000060`},
	"category_61_temporary":      {status: 500, part: `"code":50000061`},
	"category_99_integration":    {status: 500, part: `"code":50000099`},
	"category_70_limit":          {status: 429, part: `"code":50000070`},

	"code_number":               {status: 400, part: `"code":53100320,`},
	"code_digit_string":         {status: 400, part: `"code":"53100320",`},
	"code_two_digits":           {status: 429, part: `"code":70,`},
	"code_word_200":             {status: 200, part: `"code":"SystemError"`},
	"code_word_429":             {status: 429, part: `"code":"REQUEST_EXCEEDED_LIMIT"`},
	"code_word_500":             {status: 500, part: `"code":"SystemError"`},
	"code_at_top_level":         {status: 200, part: `{"success":false,"code":50000061,"message":`},
	"code_at_top_level_400":     {status: 400, part: `{"success":false,"code":"50000020","message":`},
	"unauthorized_reasons":      {status: 401, part: `"reasons":[{"code":90000011,`},
	"unauthorized_message_only": {status: 401, part: `{"message":"Authentication error"}`},
	"forbidden":                 {status: 403, part: `"reasons":[`},
	"job_missing_documented":    {status: 404, part: `{"processId":"4C0112A0983D039B","reasons":[{"code":"50000020","message":"The job does not exist"}],"requestId":"46a352ed-57a2-4a9f-b7cb-a8c864d839f3","success":false}`},
	"job_missing_200":           {status: 200, part: "The job does not exist"},
	"job_missing_400":           {status: 400, part: "The job does not exist"},
	"job_missing_404":           {status: 404, part: "The job does not exist"},
	"success_false_alone":       {status: 200, part: `{"success":false}`},
	"success_false_with_job":    {status: 200, part: `"success":false,"totalObject":11`},
	"reasons_without_job":       {status: 200, part: `{"reasons":[`},

	"too_many_retry_after_seconds": {status: 429, header: "Retry-After: 120"},
	"too_many_retry_after_date":    {status: 429, header: "Retry-After: Fri, 02 Jan 2026 03:06:05 GMT"},
	"too_many_rate_limit_reset":    {status: 429, header: "RateLimit-Reset: 90"},
	"too_many_no_headers":          {status: 429, header: "RateLimit-Reset: "},
	"too_many_no_body":             {status: 429, header: "Content-Length: 0"},
	"too_many_retry_after_garbage": {status: 429, header: "Retry-After: in a while"},

	"gateway_502":        {status: 502, part: "<h1>Bad Gateway</h1>"},
	"gateway_503":        {status: 503, part: "<h1>Service Unavailable</h1>"},
	"gateway_504":        {status: 504, part: "<h1>Gateway Timeout</h1>"},
	"internal_500_empty": {status: 500, header: "Content-Length: 0"},
	"redirect_301":       {status: 301, header: "Location: /leak"},
	"redirect_302":       {status: 302, header: "Location: /leak"},
	"redirect_307":       {status: 307, header: "Location: /leak"},

	"hang":               {err: errTimeout},
	"hang_after_headers": {status: 200, err: errTimeout},
	"drip":               {status: 200, part: `{"`, err: errTimeout},
	"cut":                {err: errLost},
	"cut_once":           {err: errLost},
	"cut_body":           {status: 200, part: `{"jobId"`, err: errCut},
	"cut_chunk":          {status: 200, part: `{"jobId"`, err: errCut},
	"endless":            {status: 200, part: `{"jobId":"`},
	"endless_gzip":       {status: 200, header: "Content-Encoding: gzip"},

	"text":            {status: 200, part: "OK"},
	"html":            {status: 200, part: "<html>", header: "Content-Type: text/html; charset=utf-8"},
	"empty":           {status: 200, header: "Content-Length: 0"},
	"no_content":      {status: 204},
	"array":           {status: 200, part: "[{"},
	"null":            {status: 200, part: "null"},
	"number":          {status: 200, part: "11"},
	"empty_object":    {status: 200, part: "{}"},
	"truncated":       {status: 200, part: `"progress":{"failed":1,"lab`},
	"gzip_malformed":  {status: 200, part: "this is no gzip", header: "Content-Encoding: gzip"},
	"count_string":    {status: 200, part: `"failed":"1"`},
	"count_fraction":  {status: 200, part: `"failed":1.5`},
	"count_negative":  {status: 200, part: `"failed":-1`},
	"count_huge":      {status: 200, part: `"failed":99999999999999999999`},
	"progress_string": {status: 200, part: `"progress":"done"`},
	"total_negative":  {status: 200, part: `"totalObject":-1`},
	"other_job":       {status: 200, part: `"jobId":"00000000000000000000000000000000"`},
	"over_1_mib":      {status: 200, header: "Content-Encoding: gzip"},

	"job_id_missing_status_missing": {status: 200, part: `{"objectType":"Account","progress"`},

	"job_id_missing":    {status: 200, part: `{"jobStatus":"Completed"`},
	"job_id_upper_case": {status: 200, part: `"FF80808186B966950186B97922E200AB"`},
	"job_id_hyphens":    {status: 200, part: `"ff808081-86b9-6695-0186-b97922e200ab"`},
	"success_missing":   {status: 200, part: `"objectType":"Account"}`},
	"status_unknown":    {status: 200, part: `"jobStatus":"CANCELLED"`},
	"status_long":       {status: 200, part: `Line\none and more and more`},
	"invalid_utf8":      {status: 200, part: "Compl\xff\xfeted"},
	"reasons_with_job":  {status: 200, part: `"reasons":[{"code":`},
	"over_1000_bytes":   {status: 200, header: "Content-Encoding: gzip"},
	"informational":     {status: 200, part: sampleAnswer},
}

var tokenFaults = map[string]onTheWire{
	"token_refused_400_error":     {status: 400, part: `{"error":"invalid_client"}`},
	"token_refused_400_reason":    {status: 400, part: `"reason":"Unauthorized"`},
	"token_refused_400_text":      {status: 400, part: "Bad credentials", header: "Content-Type: text/plain; charset=utf-8"},
	"token_refused_401_error":     {status: 401, part: `{"error":"invalid_client"}`},
	"token_refused_401_reason":    {status: 401, part: `"reason":"Unauthorized"`},
	"token_refused_401_text":      {status: 401, part: "Bad credentials", header: "Content-Type: text/plain; charset=utf-8"},
	"token_refused_403":           {status: 403, part: "invalid_client"},
	"token_refused_secret_echoed": {status: 401, part: zuoratest.ClientSecret},
	"token_too_many":              {status: 429, header: "X-RateLimit-Limit-minute: 100"},
	"token_too_many_retry_after":  {status: 429, header: "Retry-After: 30"},
	"token_500":                   {status: 500},
	"token_502":                   {status: 502, part: "<html>"},
	"token_503":                   {status: 503, part: "<html>"},
	"token_hang":                  {err: errTimeout},
	"token_cut":                   {err: errLost},
	"token_not_json":              {status: 200, part: "OK"},
	"token_missing":               {status: 200, part: `{"expires_in":3599,`},
	"token_redirect":              {status: 307, header: "Location: /leak"},

	"token_content_type_text":   {status: 200, part: `{"access_token":"`, header: "Content-Type: text/plain; charset=utf-8"},
	"token_content_type_form":   {status: 200, part: `{"access_token":"`, header: "Content-Type: application/x-www-form-urlencoded"},
	"token_expires_in_string":   {status: 200, part: `"expires_in":"3599",`},
	"token_expires_in_zero":     {status: 200, part: `"expires_in":0,`},
	"token_expires_in_negative": {status: 200, part: `"expires_in":-1,`},
	"token_expires_in_missing":  {status: 200, part: `","jti":`},
}

func (want onTheWire) check(t *testing.T, got answer) {
	t.Helper()
	var urlErr *url.Error
	if errors.As(got.err, &urlErr) && urlErr.Timeout() {
		got.err = errTimeout
	} else if got.err != nil && strings.Contains(got.err.Error(), "Client.Timeout") {
		got.err = errTimeout
	}
	if got.status != want.status || !bytes.Contains(got.body, []byte(want.part)) || !errors.Is(got.err, want.err) {
		t.Errorf("got %d %.300s (error %v), want %+v", got.status, got.body, got.err, want)
	}
	if name, value, _ := strings.Cut(want.header, ": "); got.header.Get(name) != value {
		t.Errorf("got %s %q, want %q", name, got.header.Get(name), value)
	}
}

func TestJobFaultsOnTheWire(t *testing.T) {
	for _, f := range zuoratest.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			want, ok := jobFaults[f.Name]
			if !ok {
				t.Fatal("the catalogue has a fault that this test does not know")
			}
			c := newClient(t, zuoratest.WithClock(newClock().Now))
			c.http.Timeout = timeoutFor(want)
			c.http.Transport.(*http.Transport).CloseIdleConnections() // A lost fresh connection is not tried again.
			c.s.SetFault(zuoratest.SampleJobID, f.Fault)
			want.check(t, c.job(zuoratest.SampleJobID, "Accept-Encoding", "gzip"))
			c.s.ClearFaults()
			c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
		})
	}
	if n := len(zuoratest.Faults()); n != len(jobFaults) {
		t.Errorf("the catalogue has %d faults, this test %d", n, len(jobFaults))
	}
}

func TestTokenFaultsOnTheWire(t *testing.T) {
	for _, f := range zuoratest.TokenFaults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			want, ok := tokenFaults[f.Name]
			if !ok {
				t.Fatal("the catalogue has a fault that this test does not know")
			}
			c := newClient(t)
			c.http.Timeout = timeoutFor(want)
			c.http.Transport.(*http.Transport).CloseIdleConnections()
			c.s.SetTokenFault(f.Fault)
			want.check(t, c.askToken())
			c.renew()
			if f.Reason == "" {
				c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
			}
			c.s.ClearFaults()
			c.askToken().wantPart(t, 200, "access_token")
		})
	}
	if n := len(zuoratest.TokenFaults()); n != len(tokenFaults) {
		t.Errorf("the catalogue has %d faults, this test %d", n, len(tokenFaults))
	}
}

// timeoutFor gives up soon only on what never comes, lest a busy machine be
// taken for a hanging server.
func timeoutFor(want onTheWire) time.Duration {
	if errors.Is(want.err, errTimeout) {
		return 300 * time.Millisecond
	}
	return 5 * time.Second
}

func TestFaultsOverHTTP2(t *testing.T) {
	for _, f := range zuoratest.Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, zuoratest.NewTLSServer(zuoratest.WithClock(newClock().Now)))
			want := jobFaults[f.Name]
			c.http.Timeout = timeoutFor(want)
			c.s.SetFault(zuoratest.SampleJobID, f.Fault)
			got := c.job(zuoratest.SampleJobID, "Accept-Encoding", "gzip")
			if got.status != want.status || (got.err == nil) != (want.err == nil) {
				t.Errorf("got %d (error %v), want %+v", got.status, got.err, want)
			}
		})
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

func TestFaultNeedsRequestInOrder(t *testing.T) {
	c := newClient(t)
	c.s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(503, "", ""))
	c.job(zuoratest.SampleJobID, "Authorization", "").wantPart(t, 401, "90000011")
}

func TestHandleIsTheTestsOwn(t *testing.T) {
	c := newClient(t)
	c.s.SetFault(zuoratest.SampleJobID, zuoratest.Handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	c.job(zuoratest.SampleJobID).want(t, 418, "")
}

func TestLeakedCredentialsAreCounted(t *testing.T) {
	c := newClient(t)
	c.http.CheckRedirect = nil // Go's client takes the token along within a host, and a form with 307.
	c.s.SetFault(zuoratest.SampleJobID, zuoratest.Redirect(302, c.s.URL+zuoratest.LeakPath))
	c.job(zuoratest.SampleJobID).want(t, 200, "{}")
	c.s.SetTokenFault(zuoratest.Redirect(307, zuoratest.LeakPath))
	c.askToken().want(t, 200, "{}")
	c.job(zuoratest.SampleJobID, "Authorization", "")
	r, _ := http.NewRequest(http.MethodGet, c.s.URL+zuoratest.LeakPath, nil)
	c.do(r, nil)
	if n := c.s.Counters(); n.Leaks != 3 || n.LeakedCredentials != 2 {
		t.Errorf("counted %d leaks, %d with credentials, want 3 and 2", n.Leaks, n.LeakedCredentials)
	}
}

func TestGzipOfFaultsUnpacks(t *testing.T) {
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
			unpacked, err := gzip.NewReader(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, io.LimitReader(unpacked, int64(size))); int(n) != size {
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
