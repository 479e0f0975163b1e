package zuora

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	zuorasID  = "46a352ed-57a2-4a9f-b7cb-a8c864d839f3"
	sampleJob = `{"jobId":"` + sampleID + `","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`
)

func TestJobs(t *testing.T) {
	id, n := `"jobId":"`+sampleID+`"`, func(n int64) *int64 { return &n }
	for name, tc := range map[string]struct {
		body string
		want DataLabelingJob
	}{
		"the documented sample":      {sampleJob, DataLabelingJob{Status: Completed, ObjectType: "Account", Labeled: n(9), Failed: n(1), Timeout: n(1), Total: n(11)}},
		"absent counts are not zero": {`{` + id + `,"jobStatus":"Accepted"}`, DataLabelingJob{Status: Accepted}},
		"null counts are not zero":   {`{"jobStatus":"Accepted","progress":{"failed":null},"totalObject":null}`, DataLabelingJob{Status: Accepted}},
		"null progress":              {`{"jobStatus":"Accepted","progress":null,"totalObject":7}`, DataLabelingJob{Status: Accepted, Total: n(7)}},
		"zero counts are zero":       {`{"jobStatus":"Dispatched","progress":{"failed":0},"totalObject":0}`, DataLabelingJob{Status: Dispatched, Failed: n(0), Total: n(0)}},
		"counts as text":             {`{"jobStatus":"Completed","progress":{"labeled":"9"},"totalObject":"11"}`, DataLabelingJob{Status: Completed, Labeled: n(9), Total: n(11)}},
		"a whole number as fraction": {`{"jobStatus":"Completed","totalObject":11.0}`, DataLabelingJob{Status: Completed, Total: n(11)}},
		"a state in another case":    {`{"jobStatus":"COMPLETED"}`, DataLabelingJob{Status: Completed}},
		"a state in white space":     {`{"jobStatus":" Disp atched\n"}`, DataLabelingJob{Status: Dispatched}},
		"an unknown state":           {`{"jobStatus":"CANCELLED"}`, DataLabelingJob{Status: "CANCELLED"}},
		"no state":                   {`{` + id + `}`, DataLabelingJob{}},
		"the id, spelled otherwise":  {`{"jobId":"FF808081-86b9-6695-0186-B97922E200AB"}`, DataLabelingJob{}},
		"no reasons":                 {`{"jobStatus":"Completed","processId":"4C01","requestId":"46a3","reasons":[]}`, DataLabelingJob{Status: Completed}},
		"reasons that say something": {`{"jobStatus":"Completed","reasons":[{"code":1,"message":"so what"}]}`, DataLabelingJob{Status: Completed}},
	} {
		bubble(t, name, func(t *testing.T) {
			job, _ := read(t, newFakeClient(t, goodToken, respond(203, "\ufeff"+tc.body)), "")
			tc.want.ReceivedAt = time.Now()
			if diff := cmp.Diff(&tc.want, job); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What an answer to a job request tells that has no job.
func TestAnswers(t *testing.T) {
	const (
		range403 = "Client IP 192.0.2.1 is not in the allowed login range"
		login    = "\n" + `<html><head><title>Sign in</title><style>p {color: red}</style></head><body><p>here&#32;</p></body></html>`
	)
	for name, tc := range map[string]struct {
		status int
		id     string // Zuora-Request-Id
		body   string
		reason Reason
		want   string
	}{
		"the documented 404":        {404, "", `{"reasons":[{"code":"50000020","message":"The job does not exist"}],"success":false}`, ReasonNotFound, "HTTP 404: 50000020: The job does not exist"},
		"below version 2024-05-20":  {200, "", `{"reasons":[{"code":50000020,"message":"The job does not exist"}],"success":false}`, ReasonNotFound, "HTTP 200: 50000020: The job does not exist"},
		"the word for a limit":      {200, "", `{"success":false,"reasons":[{"code":"REQUEST_EXCEEDED_LIMIT"}]}`, ReasonRateLimited, "HTTP 200: REQUEST_EXCEEDED_LIMIT: an error without a message"},
		"the number for a limit":    {200, "", `{"success":false,"reasons":[{"code":70,"message":"m"}]}`, ReasonRateLimited, "HTTP 200: 70: m"},
		"a job and success false":   {200, "", `{"jobStatus":"Completed","success":false}`, ReasonRefused, "HTTP 200: an error without a message"},
		"reasons and no job":        {200, "", `{"reasons":[{"code":"SystemError","message":"m"}]}`, ReasonRefused, "HTTP 200: SystemError: m"},
		"reasons without one":       {200, "", `{"reasons":[]}`, ReasonRefused, "HTTP 200: an error without a message"},
		"a reason and an odd field": {200, "", `{"progress":[],"reasons":[{"code":90000010,"message":"m"}]}`, ReasonAuth, "HTTP 200: 90000010: m"},
		"code, message at the top":  {404, "", `{"code":"50000061","message":"m"}`, ReasonNotFound, "HTTP 404: 50000061: m"},
		"odd fields alone":          {400, "", `{"reasons":[{"code":{},"message":[1]},7],"message":{}}`, ReasonRefused, `HTTP 400: {"reasons":[{"code":{},"message":[1]},7],"message":{}}`},
		"auth, not_found":           {401, "", `{"reasons":[{"message":"The user does not exist"}]}`, ReasonAuth, "HTTP 401: The user does not exist"},
		"rate_limited, not_found":   {429, "", `{"reasons":[{"message":"The job does not exist"}]}`, ReasonRateLimited, "HTTP 429: The job does not exist"},
		"not_found, unavailable":    {500, "", `{"reasons":[{"message":"The job does not exist"}]}`, ReasonNotFound, "HTTP 500: The job does not exist"},
		"nothing":                   {204, "", ``, ReasonInvalidResponse, "HTTP 204: not a JSON object"},
		"null":                      {200, "", `null`, ReasonInvalidResponse, "HTTP 200: not a JSON object: null"},
		"two answers":               {200, "", `{"jobStatus":"Completed"}{}`, ReasonInvalidResponse, `HTTP 200: not JSON at byte 26: {"jobStatus":"Completed"}{}`},
		"a huge count":              {200, "", `{"jobStatus":"Completed","totalObject":99999999999999999999}`, ReasonInvalidResponse, "HTTP 200: a count that is no whole number or too large"},
		"half an object":            {200, "", `{"jobStatus":"Completed","totalObject":1.5}`, ReasonInvalidResponse, "HTTP 200: a count that is no whole number or too large"},
		"a count as other text":     {200, "", `{"jobStatus":"Completed","totalObject":"1e3"}`, ReasonInvalidResponse, "HTTP 200: a count that is no whole number or too large"},
		"a count below zero":        {200, "", `{"jobStatus":"Completed","totalObject":-1,"reasons":[{"code":1,"message":"m"}]}`, ReasonInvalidResponse, "HTTP 200: 1: a count below zero"},
		"the same, and refused":     {200, "", `{"jobStatus":"Completed","totalObject":-1,"success":false}`, ReasonInvalidResponse, "HTTP 200: a count below zero"},
		"another job, and refused":  {200, "", `{"jobId":"ff80808186b966950186b97922e2ffff","success":false}`, ReasonInvalidResponse, "HTTP 200: the answer is another job's"},
		"progress that is a list":   {200, "", `{"jobStatus":"Completed","progress":["s3cret"]}`, ReasonInvalidResponse, "HTTP 200: progress is of the wrong type"},

		// Answers of something on the way have no Zuora-Request-Id.
		"a gateway's 404":          {404, "", `{"message":"This route does not exist"}`, ReasonInvalidResponse, "HTTP 404: This route does not exist"},
		"a gateway's 200":          {200, "", `{"message":"hello"}`, ReasonInvalidResponse, "HTTP 200: neither jobId nor jobStatus in the answer: hello"},
		"a login page":             {200, "", login, ReasonInvalidResponse, "HTTP 200: not a JSON object: Sign in here&#32;"},
		"a page of style":          {503, "", `<style>` + strings.Repeat("p {color: red} ", 1000) + `</style>`, ReasonUnavailable, "HTTP 503: Service Unavailable"},
		"text":                     {403, "", range403 + "\n", ReasonInvalidResponse, "HTTP 403: " + range403},
		"errors":                   {401, "", `{"errors":[{"code":"x","message":"` + range403 + `"}]}`, ReasonAuth, "HTTP 401: x: " + range403},
		"error{}":                  {401, "", `{"error":{"code":"x","message":"` + range403 + `"}}`, ReasonAuth, "HTTP 401: x: " + range403},
		"OAuth's":                  {401, "", `{"error":"denied","error_description":"` + range403 + `"}`, ReasonAuth, "HTTP 401: " + range403},
		"problem+json":             {401, "", `{"title":"Unauthorized","status":401,"detail":"` + range403 + `"}`, ReasonAuth, "HTTP 401: " + range403},
		"problem+json, title only": {401, "", `{"title":"` + range403 + `"}`, ReasonAuth, "HTTP 401: " + range403},
		"an unknown shape":         {401, "", `{"fault":{"faultstring":"` + range403 + `"}}`, ReasonAuth, `HTTP 401: {"fault":{"faultstring":"` + range403 + `"}}`},
		"a redirect":               {302, "", `{"success":false}`, ReasonInvalidResponse, "HTTP 302: redirects are not followed"},
		"an unknown status":        {499, "", ``, ReasonInvalidResponse, "HTTP 499: an unknown status"},

		// With it, a JSON object is Zuora's.
		"Zuora's 403":        {403, zuorasID, `{"message":"no"}`, ReasonAuth, "HTTP 403: no"},
		"Zuora's 409":        {409, zuorasID, `{"message":"no"}`, ReasonRefused, "HTTP 409: no"},
		"Zuora's, no object": {404, zuorasID, `[{"success":false}]`, ReasonInvalidResponse, `HTTP 404: [{"success":false}]`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, newFakeClient(t, goodToken, respond(tc.status, tc.body, headerRequestID, tc.id)), tc.reason)
			if err.Error() != tc.want || err.Operation != OperationDataLabelingJob || err.RequestID != tc.id {
				t.Errorf("got %s (%s, %s), want %s (%s)", err, err.Operation, err.RequestID, tc.want, tc.id)
			}
		})
	}
}

func TestCheckJobID(t *testing.T) {
	for id, ok := range map[string]bool{
		sampleID:                            true,
		"ABCDEFghijklmnopqrstuvwxyz012345":  true,
		"ff808081-86b9-6695-0186-b97922e2":  true, // 32 characters, whatever they mean
		"abcdefghijklmnopqrstuvwxyz-._~0A":  false,
		strings.Repeat("-", 32):             false,
		sampleID + "0":                      false,
		"../../../../../../../etc/passwd0":  false,
		"ff80808186b966950186b97922e200a\n": false,
		"ff80808186b966950186b97922e200ä":   false,
	} {
		if err := CheckJobID(id); (err == nil) != ok {
			t.Errorf("CheckJobID(%q) = %v", id, err)
		}
	}
}

// FuzzAnswer: whatever comes, there is a job or an error with a reason, in one
// short line, and no count below zero.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		sampleJob, `{"jobStatus":"Accepted","progress":null,"totalObject":"7"}`, `{"totalObject":1e3}`,
		`{"processId":"4C01","reasons":[{"code":"50000020","message":"The job does not exist"}],"success":false}`,
		`{"access_token":"c652cbc0ea384b9f81856a93a2a74538","expires_in":3599}`, `{"access_token":"t","expires_in":"1e400"}`,
		`{"code":70,"message":"m"}`, `{"error":"invalid_client"}`, `{"reasons":null}`, `null`, `<html>`, `[`, ``,
		`{"message":"wrong\nreally` + strings.Repeat(".", 400) + `"}`, "wrong\x00really" + strings.Repeat(".", 400),
	} {
		f.Add(200, []byte(body))
		f.Add(401, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answer := respond(status, string(body))
		for _, c := range []*Client{newFakeClient(t, goodToken, answer), newFakeClient(t, answer, goodJob)} {
			job, err := c.DataLabelingJob(t.Context(), sampleID)
			e, failed := errors.AsType[*Error](err)
			if failed == (job != nil) {
				t.Fatalf("got the job %v and the error %v, want one of them", job, err)
			}
			if failed && (e.Reason == "" || !utf8.ValidString(e.Error()) || strings.ContainsAny(e.Error(), "\n\r\x00") || utf8.RuneCountInString(e.Message) > 300) {
				t.Errorf("got %q: %q, want a reason and one line", e.Reason, e.Error())
			}
			if expires := c.Token().Expiry; !failed && !expires.After(time.Now()) {
				t.Errorf("got a token that expires at %s, want it later than now", expires)
			}
			if failed {
				continue
			}
			for _, n := range []*int64{job.Labeled, job.Failed, job.Timeout, job.Total} {
				if n != nil && *n < 0 {
					t.Errorf("got a count of %d", *n)
				}
			}
		}
	})
}
