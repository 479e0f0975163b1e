package zuora

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestJobs has the good answers; TestAnswers and TestFaults have the others.
func TestJobs(t *testing.T) {
	id := `"jobId":"` + sampleID + `"`
	for name, tc := range map[string]struct {
		body string
		want DataLabelingJob
	}{
		"absent counts are not zero":           {`{` + id + `,"jobStatus":"Accepted"}`, DataLabelingJob{Status: Accepted}},
		"null counts are not zero":             {`{"jobStatus":"Accepted","progress":{"failed":null},"totalObject":null}`, DataLabelingJob{Status: Accepted}},
		"null progress":                        {`{"jobStatus":"Accepted","progress":null,"totalObject":7}`, DataLabelingJob{Status: Accepted, Total: new(int64(7))}},
		"empty progress":                       {`{"jobStatus":"Dispatched","progress":{}}`, DataLabelingJob{Status: Dispatched}},
		"zero counts are zero":                 {`{"jobStatus":"Dispatched","progress":{"failed":0},"totalObject":0}`, DataLabelingJob{Status: Dispatched, Failed: new(int64(0)), Total: new(int64(0))}},
		"counts as text":                       {`{"jobStatus":"Completed","progress":{"labeled":"9"},"totalObject":"11"}`, DataLabelingJob{Status: Completed, Labeled: new(int64(9)), Total: new(int64(11))}},
		"a whole number as fraction":           {`{"jobStatus":"Completed","totalObject":11.0}`, DataLabelingJob{Status: Completed, Total: new(int64(11))}},
		"a state in another case":              {`{"jobStatus":"COMPLETED"}`, DataLabelingJob{Status: Completed}},
		"a state in white space":               {`{"jobStatus":" dispatched\n"}`, DataLabelingJob{Status: Dispatched}},
		"an unknown state is carried":          {`{"jobStatus":"CANCELLED"}`, DataLabelingJob{Status: "CANCELLED"}},
		"no state":                             {`{` + id + `}`, DataLabelingJob{}},
		"the id, spelled otherwise":            {`{"jobId":"FF808081-86b9-6695-0186-B97922E200AB"}`, DataLabelingJob{}},
		"no reasons":                           {`{"jobStatus":"Completed","processId":"4C01","requestId":"46a3","reasons":[]}`, DataLabelingJob{Status: Completed}},
		"a state but for case and white space": {`{"jobStatus":" Disp atched\t"}`, DataLabelingJob{Status: Dispatched}},
		"reasons that say something":           {`{"jobStatus":"Completed","reasons":[{"code":1,"message":"so what"}]}`, DataLabelingJob{Status: Completed}},
	} {
		t.Run(name, func(t *testing.T) {
			job := mustRead(t, newFakeClient(t, goodToken, respond(203, "\ufeff"+tc.body)))
			if diff := cmp.Diff(tc.want, *job, cmpopts.IgnoreFields(DataLabelingJob{}, "ReceivedAt")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCheckJobID(t *testing.T) {
	for id, ok := range map[string]bool{
		sampleID:                            true,
		strings.ToUpper(sampleID):           true,
		"abcdefghijklmnopqrstuvwxyz012345":  true,
		"abcdefghijklmnopqrstuvwxyz-._~0A":  false,
		strings.Repeat(".", 32):             false,
		strings.Repeat("-", 32):             false,
		"":                                  false,
		sampleID + "0":                      false,
		"ff808081-86b9-6695-0186-b97922e2":  true, // 32 characters, whatever they mean
		"../../../../../../../etc/passwd0":  false,
		"ff80808186b966950186b97922e200a%":  false,
		sampleID[:31] + " ":                 false,
		"ff80808186b966950186b97922e200a\n": false,
		"ff80808186b966950186b97922e200ä":   false,
	} {
		if err := CheckJobID(id); (err == nil) != ok {
			t.Errorf("CheckJobID(%q) = %v", id, err)
		}
	}
}
