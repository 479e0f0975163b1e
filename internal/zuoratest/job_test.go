package zuoratest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestSampleJobIsTheDocumentedOne(t *testing.T) {
	c := newClient(t)
	c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
	c.s.RemoveJob(zuoratest.SampleJobID)
	c.job(zuoratest.SampleJobID).wantPart(t, 404, "does not exist")
}

func TestMissingJobIsTheDocumented404(t *testing.T) {
	a := newClient(t).job(missingJob)
	id := a.header.Get("Zuora-Request-Id")
	process := strings.ToUpper(strings.ReplaceAll(id, "-", "")[16:])
	a.want(t, 404, `{"processId":"`+process+`","reasons":[{"code":"50000020","message":"The job does not exist"}],"requestId":"`+id+`","success":false}`)
}

func TestVersionDecidesTheStatusOfErrors(t *testing.T) {
	for _, test := range []struct {
		version, byDefault string
		missing, locked    int // The status of a missing job and of category 50.
	}{
		{version: modern, missing: 404, locked: 409},
		{version: "2024-05-20", missing: 404, locked: 409},
		{version: "2024-05-19", missing: 200, locked: 200},
		{version: "341.0", missing: 200, locked: 200},
		{version: "211", missing: 200, locked: 200},
		{version: "", missing: 200, locked: 200},
		{version: "", byDefault: modern, missing: 404, locked: 409},
		{version: "341.0", byDefault: modern, missing: 200, locked: 200},
		{version: "2025-13-01", missing: 400, locked: 400},
		{version: "latest", missing: 400, locked: 400},
	} {
		t.Run(test.version+" "+test.byDefault, func(t *testing.T) {
			c := newClient(t, zuoratest.WithDefaultVersion(test.byDefault))
			c.job(missingJob, "Zuora-Version", test.version).wantPart(t, test.missing, `"success":false`)
			c.s.SetFault(zuoratest.SampleJobID, zuoratest.Refuse(`50000050`, "Locked"))
			c.job(zuoratest.SampleJobID, "Zuora-Version", test.version).wantPart(t, test.locked, `"success":false`)
		})
	}
}

func TestJobNeedsToken(t *testing.T) {
	c := newClient(t)
	for _, authorization := range []string{"", "Bearer guess", "Bearer", "Basic " + c.token, c.token} {
		a := c.job(zuoratest.SampleJobID, "Authorization", authorization)
		a.wantPart(t, 401, `"code":90000011`)
	}
}

func TestAnswer(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer zuoratest.Answer
		want   string
	}{
		{"nothing but the job", zuoratest.Answer{}, `{"jobId":"ID","objectType":"Product","success":true}`},
		{"status", zuoratest.Answer{Status: "Accepted"}, `{"jobId":"ID","jobStatus":"Accepted","objectType":"Product","success":true}`},
		{"null", zuoratest.Answer{RawProgress: "null", RawTotal: "null"}, `{"jobId":"ID","objectType":"Product","progress":null,"success":true,"totalObject":null}`},
		{"empty progress", zuoratest.Answer{RawProgress: "{}"}, `{"jobId":"ID","objectType":"Product","progress":{},"success":true}`},
		{"one count", zuoratest.Answer{Timeout: new(int64(0))}, `{"jobId":"ID","objectType":"Product","progress":{"timeout":0},"success":true}`},
		{"own type", zuoratest.Answer{ObjectType: `A "type"`, Total: new(int64(7))}, `{"jobId":"ID","objectType":"A \"type\"","success":true,"totalObject":7}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t)
			c.s.SetJob(zuoratest.Job{ID: "ID", ObjectType: "Product", Script: zuoratest.Constant(test.answer)})
			c.job("ID").want(t, 200, test.want)
		})
	}
}

func TestElapsedCountsFromWhenTheJobWasSet(t *testing.T) {
	clk := newClock()
	c := newClient(t, zuoratest.WithClock(clk.Now))
	var elapsed []time.Duration
	job := zuoratest.Job{ID: "ID", Script: func(d time.Duration) zuoratest.Answer {
		elapsed = append(elapsed, d)
		return zuoratest.Answer{}
	}}
	clk.advance(time.Minute)
	c.s.SetJob(job)
	c.job("ID")
	clk.advance(time.Second)
	c.job("ID")
	c.s.SetJob(job)
	c.job("ID")
	clk.advance(-time.Second)
	c.job("ID")
	if diff := cmp.Diff([]time.Duration{0, time.Second, 0, 0}, elapsed); diff != "" {
		t.Error(diff)
	}
}

func TestGzipOnlyIfAskedForAndAbove1000Bytes(t *testing.T) {
	c := newClient(t)
	for _, test := range []struct {
		name, accept string
		size         int
		compressed   bool
	}{
		{"asked for", "gzip", 1001, true},
		{"asked for among others", "br, gzip;q=0.5", 1001, true},
		{"not asked for", "", 1001, false},
		{"small", "gzip", 1000, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.s.SetFault("ID", zuoratest.Respond(200, "application/json", strings.Repeat("x", test.size)))
			a := c.job("ID", "Accept-Encoding", test.accept)
			if compressed := a.header.Get("Content-Encoding") == "gzip"; compressed != test.compressed || compressed != (len(a.body) < test.size) {
				t.Errorf("got %d bytes, compressed %t; want compressed %t", len(a.body), compressed, test.compressed)
			}
		})
	}
}

func TestLatencyDelaysNoOtherRequest(t *testing.T) {
	c := newClient(t)
	c.s.SetLatency(100 * time.Millisecond)
	began := time.Now()
	var group sync.WaitGroup
	for range 40 {
		group.Go(func() { c.job(zuoratest.SampleJobID).want(t, http.StatusOK, sampleAnswer) })
	}
	group.Wait()
	if d := time.Since(began); d < 100*time.Millisecond || d > 2*time.Second {
		t.Errorf("40 requests at once took %s, want 100ms to 2s", d)
	}
}
