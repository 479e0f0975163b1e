package exporter

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The report of --config.check-api: evidence that can be filed.
func TestCheckAPI(t *testing.T) {
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	set := func(n int, objectType string, a zuoratest.Answer) {
		standIn.SetJob(zuoratest.Job{ID: fmt.Sprintf("%032d", n), ObjectType: objectType, Script: zuoratest.Constant(a)})
	}
	count := func(n int64) *int64 { return &n }
	set(1, "Account", zuoratest.Answer{Status: "Completed", Labeled: count(9), Failed: count(1), Timeout: count(1), Total: count(11)})
	set(2, "Account", zuoratest.Answer{Status: "Completed", Labeled: count(2), Failed: count(0), Timeout: count(0), Total: count(2)})
	set(3, "Product", zuoratest.Answer{Status: "Dispatched", Labeled: count(5), Failed: count(3), Timeout: count(0), Total: count(2000)})
	set(4, "User", zuoratest.Answer{Status: "Accepted"})
	var jobs []string
	for n := 1; n <= 5; n++ {
		jobs = append(jobs, fmt.Sprintf("{id: '%032d', labels: {wave: first, repairs: %s}}", n, map[int]string{2: fmt.Sprintf("'%032d'", 1)}[n]))
	}
	file := "tenants:\n" + tenantOf(standIn, "t", zuoratest.ClientSecret, jobs...) + tenantOf(standIn, "refused", "another secret", jobs[0])
	var out strings.Builder
	if err := CheckAPI(&out, parse(t, file)); !errors.Is(err, errCheckFailed) {
		t.Errorf("got the error %v, want %v", err, errCheckFailed)
	}
	got := regexp.MustCompile(` +\n`).ReplaceAllString(out.String(), "\n")
	got = regexp.MustCompile(`Zuora-Request-Id [-0-9a-f]+`).ReplaceAllString(got, "Zuora-Request-Id ...")
	got = regexp.MustCompile(`Read at \S+Z by zuora_exporter .*\.`).ReplaceAllString(got, "Read at ...")
	const want = `
Read at ...

TENANT   JOB                               REPAIRS                           WAVE   OBJECT TYPE  STATUS      LABELED  FAILED  TIMED OUT  TOTAL  FINISHED  ERROR
t        (token)                                                                                 good
t        00000000000000000000000000000001                                    first  Account      Completed   9        1       1          11     repaired
t        00000000000000000000000000000002  00000000000000000000000000000001  first  Account      Completed   2        0       0          2      yes
t        00000000000000000000000000000003                                    first  Product      Dispatched  5        3       0          2000   no
t        00000000000000000000000000000004                                    first  User         Accepted    -        -       -          -      no
t        00000000000000000000000000000005                                    first                                                              unknown   not_found: HTTP 404: 50000020: The job does not exist (Zuora-Request-Id ..., processId 4C0112A0983D039B)
refused  (token)                                                                                                                                          auth: getting a token: HTTP 401: invalid_client (Zuora-Request-Id ...)
refused  00000000000000000000000000000001                                    first                                                              unknown   auth: getting a token: HTTP 401: invalid_client (Zuora-Request-Id ...)

TENANT   OBJECT TYPE  JOBS  FINISHED  LOST     NOT LABELED YET
t        (not read)   1     0         unknown  unknown
t        Account      2     2         0        0
t        Product      1     0         3        1,992
t        User         1     0         0        0, without 1 job that has no total
refused  (not read)   1     0         unknown  unknown

Tenant t: 2 of 5 jobs finished, at least 3 objects lost, at least 1,992 objects not labeled yet; 1 running job without a total, not counted; 1 job not read, so nobody knows what is lost or not labeled there.
Tenant refused: 0 of 1 job finished, at least 0 objects lost, at least 0 objects not labeled yet; 1 job not read, so nobody knows what is lost or not labeled there.
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
