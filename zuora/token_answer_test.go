package zuora

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTokenAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   Reason // empty where the token is good
	}{
		"expires_in as a string":     {200, `{"access_token":"t","expires_in":"3599"}`, ""},
		"expires_in as null":         {200, `{"access_token":"t","expires_in":null}`, ""},
		"expires_in beyond all":      {200, `{"access_token":"t","expires_in":1e300}`, ""},
		"expires_in zero":            {200, `{"access_token":"t","expires_in":0}`, ""},
		"expires_in negative":        {200, `{"access_token":"t","expires_in":-1}`, ""},
		"expires_in is no number":    {200, `{"access_token":"t","expires_in":"soon"}`, ReasonInvalidResponse},
		"no access_token":            {200, `{"token_type":"bearer"}`, ReasonInvalidResponse},
		"access_token is no string":  {200, `{"access_token":1}`, ReasonInvalidResponse},
		"access_token with newlines": {200, `{"access_token":"a\r\nX-Evil: b"}`, ReasonInvalidResponse},
		"not JSON":                   {200, `access_token=t`, ReasonInvalidResponse},
		"null":                       {200, `null`, ReasonInvalidResponse},
		"refused with 200":           {200, `{"error":"invalid_client"}`, ReasonAuth},
		"400":                        {400, `{"error":"invalid_client"}`, ReasonAuth},
		"401 in Spring's shape":      {401, `{"timestamp":"2026","status":401,"message":"Unauthorized","path":"/oauth/token","reason":"x"}`, ReasonAuth},
		"401 in text":                {401, `no`, ReasonAuth},
		"403":                        {403, ``, ReasonAuth},
		"404, the wrong host":        {404, ``, ReasonRefused},
		"429":                        {429, ``, ReasonRateLimited},
		"503":                        {503, `<html>`, ReasonUnavailable},
		"a redirect":                 {302, ``, ReasonRefused},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestClient(func(*http.Request) (*http.Response, error) { return respond(tc.status, tc.body) }, goodJob)
			err := read(c)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if got := reasonOf(t, err); got != tc.want {
				t.Errorf("reason %s (%s), want %s", got, err, tc.want)
			}
			var e *Error
			if errors.As(err, &e); e.Operation != OperationToken {
				t.Errorf("operation %s", e.Operation)
			}
		})
	}
}

func TestTokenErrorHoldsNoSecret(t *testing.T) {
	c := newTestClient(func(r *http.Request) (*http.Response, error) {
		form, _ := io.ReadAll(r.Body)
		return respond(401, fmt.Sprintf(`{"error":"wrong: hunter2","message":%q}`, form))
	}, goodJob)
	if err := read(c); strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, []byte(`{"access_token":"c652cbc0ea384b9f81856a93a2a74538","expires_in":3599,"jti":"j","scope":"s","token_type":"bearer"}`))
	f.Add(401, []byte(`{"error":"invalid_client"}`))
	f.Add(200, []byte(`{"access_token":"t","expires_in":"1e400"}`))
	c := newTestClient(nil, nil)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		tok, err := c.readToken(&answer{operation: OperationToken, status: status, body: body}, now)
		if (tok == nil) == (err == nil) {
			t.Fatalf("token %v and error %v", tok, err)
		}
		if tok != nil && (!tok.expires.After(now) || tok.renew.After(tok.expires) || tok.renew.Before(now)) {
			t.Errorf("expires %s, renewed %s", tok.expires, tok.renew)
		}
	})
}
