package zuoratest

import (
	"net/http"
	"strings"
	"time"
)

const (
	htmlType = "text/html; charset=utf-8"
	textType = "text/plain; charset=utf-8"
)

// gateway are the answers of what stands before Zuora.
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

// connection are answers that are late, or end too early, or not at all.
func connection() []NamedFault {
	cutOnce := Cut()
	cutOnce.Times = 1
	return []NamedFault{
		{"hang", Hang(), "timeout"},
		{"hang_after_headers", HangAfterHeaders(), "timeout"},
		{"drip", Drip(100 * time.Millisecond), "timeout"},
		{"cut", Cut(), "unavailable"},
		{"cut_once", cutOnce, ""},
		{"cut_body", CutBody(), "invalid_response"},
		{"cut_chunk", CutChunk(), "invalid_response"},
		{"endless", Endless(false), "invalid_response"},
		{"endless_gzip", Endless(true), "invalid_response"},
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

// wrongJob are answers whose JSON is in order, but not what it says.
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
		{"over_1000_bytes", padded(2000), ""}, // Compressed where the client asked for it.
		{"informational", earlyHints, ""},
	}
}

// padded is a good answer with a field of so many bytes that nobody knows.
func padded(n int) Fault {
	return Respond(200, jsonType, `{"jobId":"{jobId}","jobStatus":"Completed","objectType":"Account","padding":"`+strings.Repeat("x", n)+`","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`)
}
