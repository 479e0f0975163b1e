package zuoratest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// NamedFault is an entry of the catalogue.
type NamedFault struct {
	Name  string
	Fault Fault
	// Reason is the exporter's word for the failure. It is empty if the
	// answer is odd but good. A fault with the reason timeout never ends by
	// itself, but for the drip, which takes some 17 s.
	Reason string
}

// Faults is the catalogue of what can go wrong with reading a job.
func Faults() []NamedFault {
	return slices.Concat(refusals(), tooMany(), gateway(), connection(), notJSON(), wrongJob(), oddJob())
}

// refusals are the errors that Zuora's documentation has, and the forms in
// which they were seen.
func refusals() []NamedFault {
	const missing = "The job does not exist"
	return []NamedFault{
		{"category_10_permission", Refuse(`50000010`, "No permission"), "auth"},
		{"category_11_authentication", Refuse(`90000011`, "Authentication error"), "auth"},
		{"category_20_invalid", Refuse(`50000020`, "Invalid value"), "refused"},
		{"category_21_invalid", Refuse(`50000021`, "Invalid format"), "refused"},
		{"category_22_invalid", Refuse(`50000022`, "Unknown field"), "refused"},
		{"category_23_invalid", Refuse(`50000023`, "Missing field"), "refused"},
		{"category_30_rule", Refuse(`50000030`, "Rule violated"), "refused"},
		{"category_90_invalid", Refuse(`50000090`, "Unsupported"), "refused"},
		{"category_40_not_found", Refuse(`50000040`, "Not found"), "not_found"},
		{"category_50_locked", Refuse(`50000050`, "Locked"), "unavailable"},
		{"category_60_internal", Refuse(`50000060`, "Internal error"), "unavailable"},
		{"category_61_temporary", Refuse(`50000061`, "Temporary error"), "unavailable"},
		{"category_99_integration", Refuse(`50000099`, "Integration error"), "unavailable"},
		{"category_70_limit", Refuse(`50000070`, "Request exceeded limit"), "rate_limited"},

		{"code_number", Refuse(`53100320`, "Invalid value"), "refused"},
		{"code_digit_string", Refuse(`"53100320"`, "Invalid value"), "refused"},
		{"code_two_digits", Refuse(`70`, "Request exceeded limit"), "rate_limited"},
		{"code_word_200", RefuseWith(200, `"SystemError"`, "Please try again"), "refused"},
		{"code_word_429", RefuseWith(429, `"REQUEST_EXCEEDED_LIMIT"`, "Please try again"), "rate_limited"},
		{"code_word_500", RefuseWith(500, `"SystemError"`, "Please try again"), "unavailable"},
		{"code_at_top_level", Respond(200, jsonType, `{"success":false,"code":50000061,"message":"Temporary error"}`), "unavailable"},
		{"code_at_top_level_400", Respond(400, jsonType, `{"success":false,"code":"50000020","message":"Invalid value"}`), "refused"},
		{"unauthorized_reasons", RefuseWith(401, `90000011`, "Authentication error"), "auth"},
		{"unauthorized_message_only", Respond(401, jsonType, `{"message":"Authentication error"}`), "auth"},
		{"forbidden", RefuseWith(403, `50000010`, "No permission"), "auth"},

		{"job_missing_documented", Respond(404, jsonType, `{"processId":"4C0112A0983D039B","reasons":[{"code":"50000020","message":"The job does not exist"}],"requestId":"46a352ed-57a2-4a9f-b7cb-a8c864d839f3","success":false}`), "not_found"},
		{"job_missing_200", RefuseWith(200, `50000020`, missing), "not_found"},
		{"job_missing_400", RefuseWith(400, `50000020`, missing), "not_found"},
		{"job_missing_404", RefuseWith(404, `50000020`, missing), "not_found"},

		{"success_false_alone", Respond(200, jsonType, `{"success":false}`), "refused"},
		{"success_false_with_job", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Dispatched","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":false,"totalObject":11}`), "refused"},
		{"reasons_without_job", Respond(200, jsonType, `{"reasons":[{"code":"50000020","message":"Invalid value"}]}`), "refused"},
	}
}

// tooMany are 429s, which say when to come back in several ways, or not at all.
func tooMany() []NamedFault {
	retryAt := Fault{serve: func(c *call) {
		TooManyRequests("Retry-After", c.s.clock().Add(2*time.Minute).UTC().Format(http.TimeFormat)).serve(c)
	}}
	noBody := Fault{serve: func(c *call) {
		c.w.Header().Del("RateLimit-Reset")
		c.send(http.StatusTooManyRequests, "", nil)
	}}
	return []NamedFault{
		{"too_many_retry_after_seconds", TooManyRequests("Retry-After", "120"), "rate_limited"},
		{"too_many_retry_after_date", retryAt, "rate_limited"},
		{"too_many_rate_limit_reset", TooManyRequests("RateLimit-Limit", "10000, 2500;w=60, 5000;w=3600, 10000;w=86400", "RateLimit-Remaining", "0", "RateLimit-Reset", "90"), "rate_limited"},
		{"too_many_no_headers", TooManyRequests(), "rate_limited"},
		{"too_many_no_body", noBody, "rate_limited"},
		{"too_many_retry_after_garbage", TooManyRequests("Retry-After", "in a while"), "rate_limited"},
	}
}

// gateway are the answers of a gateway before Zuora.
func gateway() []NamedFault {
	page := func(status int) Fault {
		return Respond(status, htmlType, "<html><body><h1>"+http.StatusText(status)+"</h1></body></html>")
	}
	return []NamedFault{
		{"gateway_502", page(502), "unavailable"},
		{"gateway_503", page(503), "unavailable"},
		{"gateway_504", page(504), "unavailable"},
		{"internal_500_empty", Respond(500, "", ""), "unavailable"},
		{"redirect_301", Redirect(301, LeakPath), "refused"},
		{"redirect_302", Redirect(302, LeakPath), "refused"},
		{"redirect_307", Redirect(307, LeakPath), "refused"},
	}
}

// connection are answers that come late, end too early or never end.
func connection() []NamedFault {
	cutOnce := Cut()
	cutOnce.Times = 1
	return []NamedFault{
		{"hang", Hang(), "timeout"},
		{"hang_after_headers", hangAfterHeaders(), "timeout"},
		{"drip", drip(100 * time.Millisecond), "timeout"},
		{"cut", Cut(), "unavailable"},
		{"cut_once", cutOnce, ""},
		{"cut_body", CutBody(), "invalid_response"},
		{"cut_chunk", cutChunk(), "invalid_response"},
		{"endless", endless(false), "invalid_response"},
		{"endless_gzip", endless(true), "invalid_response"},
	}
}

// notJSON are answers with status 200 (and one 204) that hold no job at all.
func notJSON() []NamedFault {
	badGzip := Fault{serve: func(c *call) {
		c.w.Header().Set("Content-Encoding", "gzip")
		c.send(http.StatusOK, jsonType, []byte("\x1f\x8b\x08this is no gzip"))
	}}
	return []NamedFault{
		{"text", Respond(200, textType, "OK"), "invalid_response"},
		{"html", Respond(200, htmlType, "<html><body>Maintenance</body></html>"), "invalid_response"},
		{"empty", Respond(200, jsonType, ""), "invalid_response"},
		{"no_content", Respond(204, "", ""), "refused"},
		{"array", Respond(200, jsonType, `[{"jobId":"{jobId}","jobStatus":"Completed"}]`), "invalid_response"},
		{"null", Respond(200, jsonType, `null`), "invalid_response"},
		{"number", Respond(200, jsonType, `11`), "invalid_response"},
		{"empty_object", Respond(200, jsonType, `{}`), "invalid_response"},
		{"truncated", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","progress":{"failed":1,"lab`), "invalid_response"},
		{"gzip_malformed", badGzip, "invalid_response"},
	}
}

// wrongJob are answers in valid JSON that say something impossible.
func wrongJob() []NamedFault {
	failed := func(count string) Fault {
		return Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","objectType":"Account","progress":{"failed":`+count+`,"labeled":9,"timeout":1},"success":true,"totalObject":11}`)
	}
	return []NamedFault{
		{"count_string", failed(`"1"`), "invalid_response"},
		{"count_fraction", failed(`1.5`), "invalid_response"},
		{"count_negative", failed(`-1`), "invalid_response"},
		{"count_huge", failed(`99999999999999999999`), "invalid_response"},
		{"progress_string", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","progress":"done","success":true}`), "invalid_response"},
		{"total_negative", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","success":true,"totalObject":-1}`), "invalid_response"},
		{"other_job", Respond(200, jsonType, `{"jobId":"00000000000000000000000000000000","jobStatus":"Completed","success":true}`), "invalid_response"},
		{"job_id_missing_status_missing", Respond(200, jsonType, `{"objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`), "invalid_response"},
		{"over_1_mib", padded(1 << 20), "invalid_response"},
	}
}

// oddJob are answers in a form that nobody documents, and that are good.
func oddJob() []NamedFault {
	const counts = `"objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`
	spelt := func(spell func(id string) string) Fault {
		return Fault{serve: func(c *call) {
			c.send(http.StatusOK, jsonType, []byte(`{"jobId":"`+spell(c.jobID)+`","jobStatus":"Completed",`+counts))
		}}
	}
	hyphens := func(id string) string {
		if len(id) != 32 {
			return id
		}
		return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
	}
	earlyHints := Fault{serve: func(c *call) {
		c.w.WriteHeader(http.StatusProcessing)
		c.w.WriteHeader(http.StatusEarlyHints)
		c.send(http.StatusOK, jsonType, c.good())
	}}
	return []NamedFault{
		{"job_id_missing", Respond(200, jsonType, `{"jobStatus":"Completed",`+counts), ""},
		{"job_id_upper_case", spelt(strings.ToUpper), ""},
		{"job_id_hyphens", spelt(hyphens), ""},
		{"success_missing", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","objectType":"Account"}`), ""},
		{"status_unknown", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"CANCELLED",`+counts), ""},
		{"status_long", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Line\none`+strings.Repeat(" and more", 20)+`",`+counts), ""},
		{"invalid_utf8", Respond(200, jsonType, "{\"jobId\":\"{jobId}\",\"jobStatus\":\"Compl\xff\xfeted\","+counts), ""},
		{"reasons_with_job", Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","processId":"4C0112A0983D039B","reasons":[{"code":"50000020","message":"An object was left out"}],"requestId":"46a352ed-57a2-4a9f-b7cb-a8c864d839f3",`+counts), ""},
		{"over_1000_bytes", padded(2000), ""}, // Compressed if the client asks for it.
		{"informational", earlyHints, ""},
	}
}

// padded is a good answer with a field of so many bytes that nobody knows.
func padded(n int) Fault {
	return Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","objectType":"Account","padding":"`+strings.Repeat("x", n)+`","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`)
}

// TokenFaults is the catalogue of what can go wrong with getting a token.
// Zuora documents no body of a refusal; these were seen.
func TokenFaults() []NamedFault {
	const (
		oauth  = `{"error":"invalid_client"}`
		spring = `{"timestamp":"2026-01-02T03:04:05.678+00:00","status":401,"message":"Bad credentials","path":"/oauth/token","reason":"Unauthorized"}`
		text   = "Bad credentials"
		page   = "<html><body><h1>Service Unavailable</h1></body></html>"
	)
	limit := []string{"X-RateLimit-Limit-minute", "100", "X-RateLimit-Remaining-minute", "0"}
	return []NamedFault{
		{"token_refused_400_error", Respond(400, jsonType, oauth), "auth"},
		{"token_refused_400_reason", Respond(400, jsonType, spring), "auth"},
		{"token_refused_400_text", Respond(400, textType, text), "auth"},
		{"token_refused_401_error", Respond(401, jsonType, oauth), "auth"},
		{"token_refused_401_reason", Respond(401, jsonType, spring), "auth"},
		{"token_refused_401_text", Respond(401, textType, text), "auth"},
		{"token_refused_403", Respond(403, jsonType, oauth), "auth"},
		{"token_refused_secret_echoed", Respond(401, jsonType, `{"error":"invalid_client","error_description":"no client has the secret {client_secret}"}`), "auth"},
		{"token_too_many", TooManyRequests(limit...), "rate_limited"},
		{"token_too_many_retry_after", TooManyRequests(append(limit, "Retry-After", "30")...), "rate_limited"},
		{"token_500", Respond(500, "", ""), "unavailable"},
		{"token_502", Respond(502, htmlType, page), "unavailable"},
		{"token_503", Respond(503, htmlType, page), "unavailable"},
		{"token_hang", Hang(), "timeout"},
		{"token_cut", Cut(), "unavailable"},
		{"token_not_json", Respond(200, textType, "OK"), "invalid_response"},
		{"token_missing", Respond(200, jsonType, `{"expires_in":3599,"token_type":"bearer"}`), "invalid_response"},
		{"token_redirect", Redirect(307, LeakPath), "refused"},

		{"token_content_type_text", tokenAs(textType, "3599"), ""},
		{"token_content_type_form", tokenAs("application/x-www-form-urlencoded", "3599"), ""},
		{"token_expires_in_string", tokenAs(jsonType, `"3599"`), ""},
		{"token_expires_in_zero", tokenAs(jsonType, "0"), ""},
		{"token_expires_in_negative", tokenAs(jsonType, "-1"), ""},
		{"token_expires_in_missing", tokenAs(jsonType, ""), ""},
	}
}

// tokenAs hands out a good token in an odd way.
func tokenAs(contentType, expiresIn string) Fault {
	return Fault{serve: func(c *call) { c.send(http.StatusOK, contentType, c.issueToken(expiresIn)) }}
}
