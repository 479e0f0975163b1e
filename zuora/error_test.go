package zuora

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAnswerError(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   Error
	}{
		"the documented 404": {
			404, `{"processId":"4C0112A0983D039B","reasons":[{"code":"50000020","message":"The job does not exist"}],"requestId":"46a352ed","success":false}`,
			Error{Reason: ReasonNotFound, Code: "50000020", Message: "The job does not exist", ProcessID: "4C0112A0983D039B"},
		},
		"the same below version 2024-05-20": {
			200, `{"reasons":[{"code":50000020,"message":"The job does not exist"}],"success":false}`,
			Error{Reason: ReasonNotFound, Code: "50000020", Message: "The job does not exist"},
		},
		"code as a number":                  {400, `{"reasons":[{"code":53100320,"message":"m"}]}`, Error{Reason: ReasonRefused, Code: "53100320", Message: "m"}},
		"code as a word":                    {500, `{"reasons":[{"code":"SystemError","message":"m"}]}`, Error{Reason: ReasonUnavailable, Code: "SystemError", Message: "m"}},
		"code of two digits":                {200, `{"reasons":[{"code":70,"message":"m"}]}`, Error{Reason: ReasonRateLimited, Code: "70", Message: "m"}},
		"the word for a limit":              {200, `{"reasons":[{"code":"REQUEST_EXCEEDED_LIMIT"}]}`, Error{Reason: ReasonRateLimited, Code: "REQUEST_EXCEEDED_LIMIT", Message: "success is false, without a message"}},
		"code and message at the top level": {200, `{"code":"50000061","message":"m"}`, Error{Reason: ReasonUnavailable, Code: "50000061", Message: "m"}},
		"only a message":                    {401, `{"message":"Authentication error"}`, Error{Reason: ReasonAuth, Message: "Authentication error"}},
		"not JSON":                          {502, `<html>`, Error{Reason: ReasonUnavailable, Message: "Bad Gateway"}},
		"nothing":                           {500, ``, Error{Reason: ReasonUnavailable, Message: "Internal Server Error"}},
		"fields of unexpected types":        {400, `{"reasons":[{"code":{},"message":[1]},7],"message":{},"processId":1}`, Error{Reason: ReasonRefused, Message: "Bad Request", ProcessID: "1"}},
		"a redirect":                        {302, ``, Error{Reason: ReasonRefused, Message: "redirects are not followed"}},
		"category 10":                       {200, `{"reasons":[{"code":"50000010","message":"m"}]}`, Error{Reason: ReasonAuth, Code: "50000010", Message: "m"}},
		"category 11":                       {200, `{"reasons":[{"code":90000011,"message":"m"}]}`, Error{Reason: ReasonAuth, Code: "90000011", Message: "m"}},
		"category 20":                       {200, `{"reasons":[{"code":"50000020","message":"m"}]}`, Error{Reason: ReasonRefused, Code: "50000020", Message: "m"}},
		"category 40":                       {200, `{"reasons":[{"code":"50000040","message":"m"}]}`, Error{Reason: ReasonNotFound, Code: "50000040", Message: "m"}},
		"category 50":                       {200, `{"reasons":[{"code":"50000050","message":"m"}]}`, Error{Reason: ReasonUnavailable, Code: "50000050", Message: "m"}},
		"category 60":                       {200, `{"reasons":[{"code":"50000060","message":"m"}]}`, Error{Reason: ReasonUnavailable, Code: "50000060", Message: "m"}},
		"category 99":                       {200, `{"reasons":[{"code":"50000099","message":"m"}]}`, Error{Reason: ReasonUnavailable, Code: "50000099", Message: "m"}},
		"category 70":                       {200, `{"reasons":[{"code":"50000070","message":"m"}]}`, Error{Reason: ReasonRateLimited, Code: "50000070", Message: "m"}},
		"seven digits have no category":     {200, `{"reasons":[{"code":"5000070","message":"m"}]}`, Error{Reason: ReasonRefused, Code: "5000070", Message: "m"}},
		"auth goes before not_found":        {403, `{"message":"The user does not exist"}`, Error{Reason: ReasonAuth, Message: "The user does not exist"}},
		"rate_limited before unavailable":   {503, `{"reasons":[{"code":70,"message":"m"}]}`, Error{Reason: ReasonRateLimited, Code: "70", Message: "m"}},
		"one reason that is no object":      {200, `{"reasons":["text",{"code":"50000070","message":"m"},7]}`, Error{Reason: ReasonRateLimited, Code: "50000070", Message: "text"}},
		"one reason that is not in a list":  {200, `{"reasons":{"code":"50000070","message":"m"}}`, Error{Reason: ReasonRateLimited, Code: "50000070", Message: "m"}},
		"409":                               {409, `{}`, Error{Reason: ReasonRefused, Message: "Conflict"}},
		"204":                               {204, ``, Error{Reason: ReasonRefused, Message: "No Content"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answer{operation: OperationDataLabelingJob, status: tc.status, body: []byte(tc.body)}
			got := a.refusal(a.failure())
			tc.want.Operation, tc.want.StatusCode = OperationDataLabelingJob, tc.status
			if diff := cmp.Diff(&tc.want, got, cmpopts.IgnoreUnexported(Error{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrorTextsAreShort(t *testing.T) {
	a := &answer{operation: OperationToken, status: 401}
	e := a.refusal(failure{reasons: []apiReason{{message: "wrong\nreally" + strings.Repeat(".", 400)}}})
	if strings.Contains(e.Error(), "\n") {
		t.Errorf("got %q, want one line", e.Error())
	}
	if n := utf8.RuneCountInString(e.Message); n != 300 {
		t.Errorf("got a message of %d characters, want 300", n)
	}
}

func FuzzDecodeFailure(f *testing.F) {
	for _, body := range []string{
		`{"processId":"4C01","reasons":[{"code":"50000020","message":"The job does not exist"}],"success":false}`,
		`{"code":70,"message":"m"}`, `{"error":"invalid_client"}`, `{"reasons":null}`, `null`, `<html>`, ``,
	} {
		f.Add(200, []byte(body))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := &answer{operation: OperationDataLabelingJob, status: status, body: body}
		e := a.refusal(a.failure())
		if e.Reason == "" || !utf8.ValidString(e.Error()) || strings.ContainsAny(e.Error(), "\n\r") {
			t.Errorf("%q: %q", e.Reason, e.Error())
		}
	})
}
