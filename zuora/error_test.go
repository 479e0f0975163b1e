package zuora

import (
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const zuorasID = "46a352ed-57a2-4a9f-b7cb-a8c864d839f3"

// What an answer to a job request tells, with and without a Zuora-Request-Id.
func TestAnswers(t *testing.T) {
	const (
		range403 = "Client IP 192.0.2.1 is not in the allowed login range"
		edge     = `<html><head><title>Access Denied</title><style>p {color: red}</style></head><body><p>Reference&#32;#18</p></body></html>`
	)
	for name, tc := range map[string]struct {
		status int
		body   string
		want   Error
	}{
		"another job's, and refused": {
			200, `{"jobId":"ff80808186b966950186b97922e2ffff","jobStatus":"Completed","success":false}`,
			Error{Reason: ReasonInvalidResponse, Message: "the answer is another job's"},
		},
		"a count below zero, and refused": {
			200, `{"jobStatus":"Completed","totalObject":-1,"success":false}`,
			Error{Reason: ReasonInvalidResponse, Message: "a count below zero"},
		},
		"reasons without one": {200, `{"reasons":[]}`, Error{Reason: ReasonRefused, Message: "an error without a message"}},
		"no status of HTTP":   {600, "", Error{Reason: ReasonInvalidResponse, Message: "an unknown status"}},
		"the documented 404": {
			404, `{"processId":"4C0112A0983D039B","reasons":[{"code":"50000020","message":"The job does not exist"}],"requestId":"46a352ed","success":false}`,
			Error{Reason: ReasonNotFound, Code: "50000020", Message: "The job does not exist", ProcessID: "4C0112A0983D039B"},
		},
		"the same below version 2024-05-20": {
			200, `{"reasons":[{"code":50000020,"message":"The job does not exist"}],"success":false}`,
			Error{Reason: ReasonNotFound, Code: "50000020", Message: "The job does not exist"},
		},
		"the word for a limit":              {200, `{"success":false,"reasons":[{"code":"REQUEST_EXCEEDED_LIMIT"}]}`, Error{Reason: ReasonRateLimited, Code: "REQUEST_EXCEEDED_LIMIT", Message: "an error without a message"}},
		"the number for a limit":            {200, `{"success":false,"reasons":[{"code":70,"message":"m"}]}`, Error{Reason: ReasonRateLimited, Code: "70", Message: "m"}},
		"a job and success false":           {200, `{"jobStatus":"Completed","success":false}`, Error{Reason: ReasonRefused, Message: "an error without a message"}},
		"reasons and no job":                {200, `{"reasons":[{"code":"SystemError","message":"m"}]}`, Error{Reason: ReasonRefused, Code: "SystemError", Message: "m"}},
		"nothing":                           {204, ``, Error{Reason: ReasonInvalidResponse, Message: "not a JSON object"}},
		"null":                              {200, `null`, Error{Reason: ReasonInvalidResponse, Message: "not a JSON object: null"}},
		"a huge count":                      {200, `{"jobStatus":"Completed","totalObject":99999999999999999999}`, Error{Reason: ReasonInvalidResponse, Message: "a count that is no whole number or too large"}},
		"code and message at the top level": {404, `{"code":"50000061","message":"m"}`, Error{Reason: ReasonNotFound, Code: "50000061", Message: "m"}},
		"fields of unexpected types":        {400, `{"reasons":[{"code":{},"message":[1]},7],"message":{},"processId":1}`, Error{Reason: ReasonRefused, Message: `{"reasons":[{"code":{},"message":[1]},7],"message":{},"processId":1}`, ProcessID: "1"}},
		"auth goes before not_found":        {401, `{"message":"The user does not exist"}`, Error{Reason: ReasonAuth, Message: "The user does not exist"}},
		"not_found before unavailable":      {500, `{"reasons":[{"message":"The job does not exist"}]}`, Error{Reason: ReasonNotFound, Message: "The job does not exist"}},
		"one reason that is not in a list":  {200, `{"reasons":{"code":"50000070","message":"m"}}`, Error{Reason: ReasonRateLimited, Code: "50000070", Message: "m"}},
		"a category beside an odd field":    {200, `{"progress":[],"reasons":[{"code":90000010,"message":"m"}]}`, Error{Reason: ReasonAuth, Code: "90000010", Message: "m"}},
		"an impossible job with reasons":    {200, `{"jobStatus":"Completed","totalObject":-1,"reasons":[{"code":1,"message":"m"}]}`, Error{Reason: ReasonInvalidResponse, Code: "1", Message: "a count below zero"}},
		"another count":                     {200, `{"jobStatus":"Completed","totalObject":1.5}`, Error{Reason: ReasonInvalidResponse, Message: "a count that is no whole number or too large"}},
		"a count as other text":             {200, `{"jobStatus":"Completed","totalObject":"1e3"}`, Error{Reason: ReasonInvalidResponse, Message: "a count that is no whole number or too large"}},
		"another job":                       {200, `{"jobId":"00000000000000000000000000000000"}`, Error{Reason: ReasonInvalidResponse, Message: "the answer is another job's"}},
		"progress that is a list":           {200, `{"jobStatus":"Completed","progress":["s3cret"]}`, Error{Reason: ReasonInvalidResponse, Message: "progress is of the wrong type"}},
		"two answers":                       {200, `{"jobStatus":"Completed"}{}`, Error{Reason: ReasonInvalidResponse, Message: `not JSON at byte 26: {"jobStatus":"Completed"}{}`}},
		"success is false, as text":         {200, `{"success":"false"}`, Error{Reason: ReasonInvalidResponse, Message: `neither jobId nor jobStatus in the answer: {"success":"false"}`}},

		// Answers of something on the way have no Zuora-Request-Id.
		"a gateway's 403":           {403, `{"message":"Forbidden"}`, Error{Reason: ReasonInvalidResponse, Message: "Forbidden"}},
		"a gateway's 404":           {404, `{"message":"This route does not exist"}`, Error{Reason: ReasonInvalidResponse, Message: "This route does not exist"}},
		"a gateway's 404, nothing":  {404, ``, Error{Reason: ReasonInvalidResponse, Message: "Not Found"}},
		"an edge's 403":             {403, edge, Error{Reason: ReasonInvalidResponse, Message: "Access Denied Reference&#32;#18"}},
		"a login page":              {200, "\n" + edge, Error{Reason: ReasonInvalidResponse, Message: "not a JSON object: Access Denied Reference&#32;#18"}},
		"a page of style":           {503, `<style>` + strings.Repeat("p {color: red} ", 1000) + `</style>`, Error{Reason: ReasonUnavailable, Message: "Service Unavailable"}},
		"a gateway's success":       {200, `{"message":"hello"}`, Error{Reason: ReasonInvalidResponse, Message: "neither jobId nor jobStatus in the answer: hello"}},
		"text":                      {403, range403 + "\n", Error{Reason: ReasonInvalidResponse, Message: range403}},
		"errors":                    {401, `{"errors":[{"code":"x","message":"` + range403 + `"}]}`, Error{Reason: ReasonAuth, Code: "x", Message: range403}},
		"error{}":                   {401, `{"error":{"code":"x","message":"` + range403 + `"}}`, Error{Reason: ReasonAuth, Code: "x", Message: range403}},
		"error in OAuth's form":     {401, `{"error":"denied","error_description":"` + range403 + `"}`, Error{Reason: ReasonAuth, Message: range403}},
		"problem+json":              {401, `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"` + range403 + `"}`, Error{Reason: ReasonAuth, Message: range403}},
		"problem+json, title alone": {401, `{"title":"` + range403 + `"}`, Error{Reason: ReasonAuth, Message: range403}},
		"an unknown shape":          {401, `{"fault":{"faultstring":"` + range403 + `"}}`, Error{Reason: ReasonAuth, Message: `{"fault":{"faultstring":"` + range403 + `"}}`}},
		"a redirect":                {302, `{"success":false}`, Error{Reason: ReasonInvalidResponse, Message: "redirects are not followed"}},
		"a proxy":                   {407, `{"message":"user, who are you?","processId":"1"}`, Error{Reason: ReasonUnavailable, Message: "the proxy refused"}},
		"an unknown status":         {499, ``, Error{Reason: ReasonInvalidResponse, Message: "an unknown status"}},

		// With it, a JSON object is Zuora's.
		"Zuora's 403":        {403, ``, Error{Reason: ReasonInvalidResponse, Message: "Forbidden", RequestID: zuorasID}},
		"Zuora's 403, JSON":  {403, `{"message":"no"}`, Error{Reason: ReasonAuth, Message: "no", RequestID: zuorasID}},
		"Zuora's 404, JSON":  {404, `{}`, Error{Reason: ReasonNotFound, Message: "Not Found", RequestID: zuorasID}},
		"Zuora's 409":        {409, `{"message":"no"}`, Error{Reason: ReasonRefused, Message: "no", RequestID: zuorasID}},
		"Zuora's success":    {200, `{"message":"hello"}`, Error{Reason: ReasonInvalidResponse, Message: "neither jobId nor jobStatus in the answer: hello", RequestID: zuorasID}},
		"Zuora's, no object": {404, `[{"success":false}]`, Error{Reason: ReasonInvalidResponse, Message: `[{"success":false}]`, RequestID: zuorasID}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.Operation, tc.want.StatusCode = OperationDataLabelingJob, tc.status
			_, err := read(t, newFakeClient(t, goodToken, respond(tc.status, tc.body, headerRequestID, tc.want.RequestID)))
			if diff := cmp.Diff(&tc.want, err, cmpopts.IgnoreUnexported(Error{}), cmpopts.IgnoreFields(Error{}, "TrackID")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A limit that is told beside a good job pauses as well.
func TestLimitBesideAJob(t *testing.T) {
	for _, limit := range []string{`"reasons":[{"code":50000070,"message":"limit"}]`, `"code":"70","message":"limit"`} {
		c := newFakeClient(t, goodToken, respond(200, `{"jobStatus":"Completed",`+limit+`}`, "Retry-After", "120"))
		mustRead(t, c)
		readFails(t, c, ReasonRateLimited)
	}
}

// A limit pauses requests even if another reason fits first, and so does an
// answer below the reserve; its own failure is told, not the pause.
func TestLimitsPause(t *testing.T) {
	const limit = "\ufeff" + `{"success":false,"reasons":[{"code":50000020},7,{"code":{},"message":[1]},{"code":"50000070"}]}`
	below := []string{"RateLimit-Limit", "1000", "RateLimit-Remaining", "1"}
	for name, tc := range map[string]struct {
		answer   roundTrip
		want     Reason
		requests int // for two reads
	}{
		"401, category 70":           {respond(401, limit), ReasonAuth, 1},
		"500, category 70":           {respond(500, limit), ReasonRateLimited, 1},
		"503 with an old date":       {respond(503, "", "Retry-After", "Mon, 23 Nov 1998 11:52:00 GMT"), ReasonRateLimited, 1},
		"502 with Retry-After":       {respond(502, "", "Retry-After", "600"), ReasonUnavailable, 2},
		"below the reserve, and 503": {respond(503, "", below...), ReasonUnavailable, 1},
		"below the reserve, and 401": {respond(401, "", below...), ReasonAuth, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int64
			c := newFakeClient(t, goodToken, counted(&requests, tc.answer), func(c *Config) { c.RateLimitReserve = .05 })
			readFails(t, c, tc.want)
			_, _ = read(t, c)
			if n := int(requests.Load()); n != tc.requests || len(c.PausedUntil()) != 2-n {
				t.Errorf("got %d requests and the pauses %v, want %d", n, c.PausedUntil(), tc.requests)
			}
		})
	}
}

func TestErrorTextsAreShort(t *testing.T) {
	for _, body := range []string{`{"message":"wrong\nreally` + strings.Repeat(".", 400) + `"}`, "wrong\x00really" + strings.Repeat(".", 400)} {
		for _, status := range []int{200, 400} {
			_, err := read(t, newFakeClient(t, goodToken, respond(status, body)))
			if n := utf8.RuneCountInString(err.Message); n != 300 || strings.ContainsAny(err.Message, "\n\x00") {
				t.Errorf("got %q of %d characters, want 300 printable ones", err.Message, n)
			}
		}
	}
}

// FuzzAnswer: whatever comes, there is a job or an error with a reason, in one
// line, and no count below zero.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		`{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`,
		`{"jobStatus":"Accepted","progress":null,"totalObject":"7"}`, `{"totalObject":1e3}`,
		`{"processId":"4C01","reasons":[{"code":"50000020","message":"The job does not exist"}],"success":false}`,
		`{"access_token":"c652cbc0ea384b9f81856a93a2a74538","expires_in":3599}`, `{"access_token":"t","expires_in":"1e400"}`,
		`{"code":70,"message":"m"}`, `{"error":"invalid_client"}`, `{"reasons":null}`, `null`, `<html>`, `[`, ``,
	} {
		f.Add(200, []byte(body))
		f.Add(401, []byte(body))
	}
	c := newFakeClient(f, nil, nil)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := &answer{operation: OperationDataLabelingJob, status: status, body: body}
		job, jobErr := a.job(sampleID)
		a.operation = OperationToken
		tok, tokenErr := c.readToken(a, now)
		if (job == nil) == (jobErr == nil) || (tok == nil) == (tokenErr == nil) {
			t.Fatalf("got the job %v, %v and the token %v, %v, want one of each", job, jobErr, tok, tokenErr)
		}
		for _, e := range []*Error{jobErr, tokenErr} {
			if e != nil && (e.Reason == "" || !utf8.ValidString(e.Error()) || strings.ContainsAny(e.Error(), "\n\r")) {
				t.Errorf("got %q: %q, want a reason and one line", e.Reason, e.Error())
			}
		}
		if tok != nil && (!tok.expires.After(now) || tok.renew.After(tok.expires) || tok.renew.Before(now)) {
			t.Errorf("got a token that expires at %s and is renewed at %s", tok.expires, tok.renew)
		}
		if job != nil {
			for _, n := range []*int64{job.Labeled, job.Failed, job.Timeout, job.Total} {
				if n != nil && *n < 0 {
					t.Errorf("got a count of %d", *n)
				}
			}
		}
	})
}
