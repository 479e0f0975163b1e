package zuoratest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// NamedFault is an entry of the catalogue.
type NamedFault struct {
	// Name begins with gateway_ if the answer of a job has no Zuora-Request-Id.
	Name  string
	Fault Fault
	// Reason is the exporter's word for the failure. It is empty if the
	// answer is odd but good. A fault with the reason timeout never ends by
	// itself, but for the drip, which takes some 15 s.
	Reason string
}

// Faults is the catalogue of what can go wrong with reading a job.
func Faults() []NamedFault {
	return slices.Concat(refusals(), tooMany(), notZuoras(), cutShort(), noJob(), oddJobs(), ErrorShapes())
}

const (
	missing = `"code":"50000020","message":"The job does not exist"`
	page    = "<html><body><h1>Not Zuora</h1></body></html>"
	noRoute = `{"message":"no Route matched with those values"}`
	bom     = "\ufeff"
	counts  = `"objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`
)

func json200(body string) Fault { return Respond(http.StatusOK, jsonType, body) }

// refusals are the errors that Zuora's documentation has, and the forms in
// which they were seen.
func refusals() []NamedFault {
	return []NamedFault{
		{"category_10_permission", Refuse(`50000010`, "No permission"), "auth"},
		{"category_11_authentication", Refuse(`90000011`, "Authentication error"), "auth"},
		{"category_20_invalid", Refuse(`50000020`, "Invalid value"), "refused"},
		{"category_30_rule", Refuse(`50000030`, "Rule violated"), "refused"},
		{"category_90_invalid", Refuse(`50000090`, "Unsupported"), "refused"},
		{"category_40_not_found", Refuse(`50000040`, "Not found"), "not_found"},
		{"category_50_locked", Refuse(`50000050`, "Locked"), "unavailable"},
		{"category_60_internal", Refuse(`50000060`, "Internal error"), "unavailable"},
		{"category_61_temporary", Refuse(`50000061`, "Temporary error"), "unavailable"},
		{"category_99_integration", Refuse(`50000099`, "Integration error"), "unavailable"},

		{"code_number", Refuse(`53100320`, "Invalid value"), "refused"},
		{"code_digit_string", Refuse(`"53100320"`, "Invalid value"), "refused"},
		{"code_word_200", RefuseWith(200, `"SystemError"`, "Please try again"), "refused"},
		{"code_word_500", RefuseWith(500, `"SystemError"`, "Please try again"), "unavailable"},
		{"code_at_top_level", json200(`{"success":false,"code":50000061,"message":"Temporary error"}`), "unavailable"},
		{"code_at_top_level_400", Respond(400, jsonType, `{"success":false,"code":"50000020","message":"Invalid value"}`), "refused"},
		{"unauthorized_reasons", RefuseWith(401, `90000011`, "Authentication error"), "auth"},
		{"unauthorized_message_only", Respond(401, jsonType, `{"message":"Authentication error"}`), "auth"},
		{"forbidden", RefuseWith(403, `50000010`, "No permission"), "auth"},

		{"job_missing_documented", Respond(404, jsonType, `{"processId":"4C0112A0983D039B","reasons":[{`+missing+`}],"requestId":"46a352ed-57a2-4a9f-b7cb-a8c864d839f3","success":false}`), "not_found"},
		{"job_missing_200", json200(`{"reasons":[{` + missing + `}],"success":false}`), "not_found"},
		{"job_missing_400", Respond(400, jsonType, `{"reasons":[{`+missing+`}],"success":false}`), "not_found"},

		{"success_false_alone", json200(`{"success":false}`), "refused"},
		{"success_false_with_job", json200(strings.Replace(goodJob, "true", "false", 1)), "refused"},
		{"reasons_without_job", json200(`{"reasons":[{"code":"50000020","message":"Invalid value"}]}`), "refused"},
	}
}

// tooMany say that there were too many requests, and when to come back: in
// several ways, or not at all.
func tooMany() []NamedFault {
	in2Minutes := time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat)
	return []NamedFault{
		{"category_70_limit", Refuse(`50000070`, "Request exceeded limit"), "rate_limited"},
		{"code_two_digits", Refuse(`70`, "Request exceeded limit"), "rate_limited"},
		{"code_word_429", RefuseWith(429, `"REQUEST_EXCEEDED_LIMIT"`, "Please try again"), "rate_limited"},
		{"too_many_retry_after_seconds", TooManyRequests("Retry-After", "120"), "rate_limited"},
		{"too_many_retry_after_date", TooManyRequests("Retry-After", in2Minutes), "rate_limited"},
		{"too_many_retry_after_fraction", TooManyRequests("Retry-After", "299.997"), "rate_limited"},
		{"too_many_retry_after_garbage", TooManyRequests("Retry-After", "in a while"), "rate_limited"},
		{"too_many_rate_limit_reset", TooManyRequests("RateLimit-Limit", "10000, 2500;w=60, 5000;w=3600, 10000;w=86400", "RateLimit-Remaining", "0", "RateLimit-Reset", "90"), "rate_limited"},
		{"too_many_no_headers", TooManyRequests(), "rate_limited"},
		{"too_many_no_body", Respond(429, "", "").With(noLimits...), "rate_limited"},
		{"too_many_byte_order_mark", json200(bom + `{"success":false,"reasons":[{"code":50000070}]}`), "rate_limited"},
		{"too_many_among_reasons", json200(`{"success":false,"reasons":[{"code":50000020},7,{"code":{},"message":[1]},{"code":"50000070"}]}`), "rate_limited"},
		{"gateway_503_retry_after", Gateway(503, htmlType, page).With("Retry-After", "600"), "rate_limited"},
	}
}

// notZuoras are answers of something before Zuora: a gateway, a proxy, a page
// that wants somebody to log in.
func notZuoras() []NamedFault {
	return []NamedFault{
		{"gateway_200_page", Gateway(200, htmlType, page), "invalid_response"},
		{"gateway_200_text", Gateway(200, textType, "OK"), "invalid_response"},
		{"gateway_400_page", Gateway(400, htmlType, page), "invalid_response"},
		{"gateway_401_page", Gateway(401, htmlType, page), "auth"},
		{"gateway_403_page", Gateway(403, htmlType, page), "invalid_response"},
		{"gateway_404_page", Gateway(404, htmlType, page), "invalid_response"},
		{"gateway_404_json", Gateway(404, jsonType, noRoute), "invalid_response"},
		{"gateway_502_page", Gateway(502, htmlType, page), "unavailable"},
		{"gateway_503_page", Gateway(503, htmlType, page), "unavailable"},
		{"gateway_504_page", Gateway(504, htmlType, page), "unavailable"},
		{"internal_500_empty", Respond(500, "", ""), "unavailable"},
		{"redirect_302", Redirect(302, LeakPath), "invalid_response"},
		{"redirect_307", Redirect(307, LeakPath), "invalid_response"},
	}
}

// ErrorShapesSay is what each of ErrorShapes says in its body. Nothing else
// tells a person what to do.
const ErrorShapesSay = "Client IP 203.0.113.7 is not in the allowed login range"

// ErrorShapes are those of Faults with an error in a shape that Zuora does not
// document.
func ErrorShapes() []NamedFault {
	const says = ErrorShapesSay
	return []NamedFault{
		{"errors_list", Respond(401, jsonType, `{"errors":[{"message":"`+says+`"}]}`), "auth"},
		{"error_object", Respond(400, jsonType, `{"error":{"code":400,"message":"`+says+`"}}`), "refused"},
		{"gateway_fault", Gateway(500, jsonType, `{"fault":{"faultstring":"`+says+`","detail":{"errorcode":"x"}}}`), "unavailable"},
		{"gateway_problem_json", Gateway(403, "application/problem+json", `{"type":"about:blank","title":"Forbidden","status":403,"detail":"`+says+`"}`), "invalid_response"},
		{"plain_text", Respond(401, textType, says), "auth"},
	}
}

// cutShort are answers that come late, end too early or never end.
func cutShort() []NamedFault {
	return []NamedFault{
		{"hang", Hang(), "timeout"},
		{"hang_halfway", halfway((*call).hang), "timeout"},
		{"drip", drip(100 * time.Millisecond), "timeout"},
		{"cut", Cut(), "unavailable"},
		{"reset", Reset(), "unavailable"},
		{"cut_body", CutBody(), "invalid_response"},
		{"endless", endless(), "invalid_response"},
	}
}

// noJob are answers with a 2xx that hold no job, or an impossible one.
func noJob() []NamedFault {
	failed := func(count string) Fault { return json200(strings.Replace(goodJob, `"failed":1`, `"failed":`+count, 1)) }
	return []NamedFault{
		{"empty", json200(""), "invalid_response"},
		{"no_content", Respond(204, "", ""), "invalid_response"},
		{"array", json200("[" + goodJob + "]"), "invalid_response"},
		{"null", json200(`null`), "invalid_response"},
		{"number", json200(`11`), "invalid_response"},
		{"empty_object", json200(`{}`), "invalid_response"},
		{"truncated", json200(goodJob[:100]), "invalid_response"},
		{"gzip_malformed", json200("\x1f\x8b\x08this is no gzip").With("Content-Encoding", "gzip"), "invalid_response"},
		{"over_64_kib", json200(padded(64 << 10)), "invalid_response"},
		{"over_1_mb_of_reasons", json200(`{"reasons":[` + strings.Repeat("{},", 350_000) + `{}]}`), "invalid_response"},

		{"count_word", failed(`"one"`), "invalid_response"},
		{"count_text_negative", failed(`"-1"`), "invalid_response"},
		{"count_fraction", failed(`1.5`), "invalid_response"},
		{"count_negative", failed(`-1`), "invalid_response"},
		{"count_huge", failed(`99999999999999999999`), "invalid_response"},
		{"progress_string", json200(`{"jobId":"{jobId}","jobStatus":"Completed","progress":"done","success":true}`), "invalid_response"},
		{"total_negative", json200(`{"jobId":"{jobId}","jobStatus":"Completed","success":true,"totalObject":-1}`), "invalid_response"},
		{"other_job", json200(`{"jobId":"00000000000000000000000000000000","jobStatus":"Completed",` + counts), "invalid_response"},
		{"job_id_missing_status_missing", json200(`{` + counts), "invalid_response"},
	}
}

// oddJobs are answers in a form that nobody documents, and that are good.
func oddJobs() []NamedFault {
	completed := func(id string) Fault { return json200(`{"jobId":"` + id + `","jobStatus":"Completed",` + counts) }
	status := func(status string) Fault { return json200(strings.Replace(goodJob, "Completed", status, 1)) }
	return []NamedFault{
		{"job_id_missing", json200(`{"jobStatus":"Completed",` + counts), ""},
		{"job_id_upper_case", completed("{JOBID}"), ""},
		{"job_id_hyphens", completed("{job-id}"), ""},
		{"success_missing", json200(`{"jobId":"{jobId}","jobStatus":"Completed","objectType":"Account"}`), ""},
		{"counts_null", json200(`{"jobId":"{jobId}","jobStatus":"Accepted","progress":null,"success":true,"totalObject":null}`), ""},
		{"count_text", json200(strings.NewReplacer(`:1,`, `:"1",`, `:11`, `:"11"`).Replace(goodJob)), ""},
		{"created", Respond(201, jsonType, goodJob), ""},
		{"non_authoritative", Respond(203, jsonType, goodJob), ""},
		{"byte_order_mark", json200(bom + goodJob), ""},
		{"status_upper_case", status("COMPLETED"), ""},
		{"status_spaces", status(" completed "), ""},
		{"status_unknown", status("CANCELLED"), ""},
		{"status_long", status(`Line\none` + strings.Repeat(" and more", 20)), ""},
		{"status_invalid_utf8", status("Compl\xff\xfeted"), ""},
		{"reasons_with_job", json200(`{"jobId":"{jobId}","jobStatus":"Completed","processId":"4C0112A0983D039B","reasons":[{"code":"50000020","message":"An object was left out"}],` + counts), ""},
		{"over_1000_bytes", json200(padded(2000)), ""},
		{"content_type_text", Respond(200, textType, goodJob), ""},
	}
}

// padded is a good answer with a field of so many bytes that nobody knows.
func padded(n int) string {
	return strings.Replace(goodJob, `"objectType"`, `"padding":"`+strings.Repeat("x", n)+`","objectType"`, 1)
}

// TokenFaults is the catalogue of what can go wrong with getting a token.
// Zuora documents no body of a refusal; these were seen.
func TokenFaults() []NamedFault {
	const (
		oauth  = `{"error":"invalid_client"}`
		spring = `{"timestamp":"2026-01-02T03:04:05.678+00:00","status":401,"message":"Bad credentials","path":"/oauth/token","reason":"Unauthorized"}`
		text   = "Bad credentials"
	)
	limit := []string{"X-RateLimit-Limit-minute", "100", "X-RateLimit-Remaining-minute", "0"}
	expiresIn := func(value string) Fault { return json200(strings.Replace(goodToken, "{expires_in}", value, 1)) }
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
		{"token_too_many_retry_after", TooManyRequests("Retry-After", "30").With(limit...), "rate_limited"},
		{"token_503_retry_after", Gateway(503, htmlType, page).With("Retry-After", "600"), "rate_limited"},
		{"token_500", Respond(500, "", ""), "unavailable"},
		{"token_502", Gateway(502, htmlType, page), "unavailable"},
		{"token_503", Gateway(503, htmlType, page), "unavailable"},
		{"token_reset", Reset(), "unavailable"},
		{"token_hang", Hang(), "timeout"},
		{"token_cut", Cut(), "unavailable"},
		{"token_400_page", Gateway(400, htmlType, page), "invalid_response"},
		{"token_403_page", Gateway(403, htmlType, page), "invalid_response"},
		{"token_404_json", Gateway(404, jsonType, noRoute), "invalid_response"},
		{"token_200_page", Gateway(200, htmlType, page), "invalid_response"},
		{"token_not_json", Respond(200, textType, "OK"), "invalid_response"},
		{"token_missing", json200(`{"expires_in":3599,"token_type":"bearer"}`), "invalid_response"},
		{"token_redirect", Redirect(307, LeakPath), "invalid_response"},

		{"token_content_type_text", Respond(200, textType, goodToken), ""},
		{"token_content_type_form", Respond(200, "application/x-www-form-urlencoded", goodToken), ""},
		{"token_created", Respond(201, jsonType, goodToken), ""},
		{"token_byte_order_mark", json200(bom + goodToken), ""},
		{"token_expires_in_string", expiresIn(`"3599"`), ""},
		{"token_expires_in_zero", expiresIn("0"), ""},
		{"token_expires_in_negative", expiresIn("-1"), ""},
		{"token_expires_in_missing", json200(strings.Replace(goodToken, `"expires_in":{expires_in},`, "", 1)), ""},
	}
}
