package zuora

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const sampleID = "ff80808186b966950186b97922e200ab"

func TestDecodeJob(t *testing.T) {
	for name, tc := range map[string]struct {
		body    string
		want    DataLabelingJob
		wantErr string // a part of it
	}{
		"the documented sample": {
			body: `{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`,
			want: DataLabelingJob{Status: Completed, ObjectType: "Account", Labeled: new(int64(9)), Failed: new(int64(1)), Timeout: new(int64(1)), Total: new(int64(11))},
		},
		"absent counts are not zero": {
			body: `{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Accepted"}`,
			want: DataLabelingJob{Status: Accepted},
		},
		"null counts are not zero": {
			body: `{"jobStatus":"Accepted","progress":{"failed":null},"totalObject":null}`,
			want: DataLabelingJob{Status: Accepted},
		},
		"null progress": {
			body: `{"jobStatus":"Accepted","progress":null,"totalObject":7}`,
			want: DataLabelingJob{Status: Accepted, Total: new(int64(7))},
		},
		"empty progress": {
			body: `{"jobStatus":"Dispatched","progress":{}}`,
			want: DataLabelingJob{Status: Dispatched},
		},
		"zero counts are zero": {
			body: `{"jobStatus":"Dispatched","progress":{"failed":0,"labeled":0,"timeout":0},"totalObject":0}`,
			want: DataLabelingJob{Status: Dispatched, Labeled: new(int64(0)), Failed: new(int64(0)), Timeout: new(int64(0)), Total: new(int64(0))},
		},
		"a state that is not documented is carried":       {body: `{"jobStatus":"CANCELLED"}`, want: DataLabelingJob{Status: "CANCELLED"}},
		"the job without a state":                         {body: `{"jobId":"ff80808186b966950186b97922e200ab"}`, want: DataLabelingJob{}},
		"the id in upper case":                            {body: `{"jobId":"FF80808186B966950186B97922E200AB"}`, want: DataLabelingJob{}},
		"the id with hyphens":                             {body: `{"jobId":"ff808081-86b9-6695-0186-b97922e200ab"}`, want: DataLabelingJob{}},
		"a whole number written as a fraction":            {body: `{"jobStatus":"Completed","totalObject":11.0}`, want: DataLabelingJob{Status: Completed, Total: new(int64(11))}},
		"reasons and ids beside a job":                    {body: `{"jobStatus":"Completed","processId":"4C01","requestId":"46a3","reasons":[]}`, want: DataLabelingJob{Status: Completed}},
		"reasons that say something beside a job":         {body: `{"jobStatus":"Completed","reasons":[{"code":1,"message":"so what"}]}`, want: DataLabelingJob{Status: Completed}},
		"success:false, whatever else":                    {body: `{"jobStatus":"Completed","success":false}`, wantErr: "success is false"},
		"neither id nor state":                            {body: `{"success":true}`, wantErr: errNoJob.Error()},
		"another job's answer":                            {body: `{"jobId":"00000000000000000000000000000000","jobStatus":"Completed"}`, wantErr: "another job's"},
		"a count below zero":                              {body: `{"jobStatus":"Completed","progress":{"failed":-1}}`, wantErr: "below zero"},
		"a count that is a fraction":                      {body: `{"jobStatus":"Completed","totalObject":1.5}`, wantErr: "no whole number"},
		"a count that is a string":                        {body: `{"jobStatus":"Completed","totalObject":"11"}`, wantErr: "no whole number"},
		"a count larger than any":                         {body: `{"jobStatus":"Completed","totalObject":1e300}`, wantErr: "no whole number"},
		"a state that is a number":                        {body: `{"jobStatus":3}`, wantErr: "jobStatus is of the wrong type"},
		"progress that is a list":                         {body: `{"jobStatus":"Completed","progress":[]}`, wantErr: "progress is of the wrong type"},
		"nothing":                                         {body: ``, wantErr: "not a JSON object"},
		"null":                                            {body: `null`, wantErr: "not a JSON object"},
		"a list":                                          {body: `[]`, wantErr: "not a JSON object"},
		"HTML":                                            {body: `<html>`, wantErr: "not a JSON object"},
		"cut short":                                       {body: `{"jobStatus":"Comp`, wantErr: "not JSON"},
		"more than one answer":                            {body: `{"jobStatus":"Completed"}{}`, wantErr: "not JSON"},
		"no error quotes the body: wrong type":            {body: `{"jobStatus":["hunter2"]}`, wantErr: "wrong type"},
		"no error quotes the body: an unexpected literal": {body: `{"jobStatus":hunter2}`, wantErr: "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			job, err := decodeJob([]byte(tc.body), sampleID, secrets{})
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("error = %v, want one that says %q", err, tc.wantErr)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("error %q quotes the body", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
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
		"abcdefghijklmnopqrstuvwxyz-._~0A":  true,
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

func FuzzDecodeJob(f *testing.F) {
	for _, body := range []string{
		`{"jobId":"ff80808186b966950186b97922e200ab","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`,
		`{"jobStatus":"Accepted","progress":null,"totalObject":null}`, `{"success":false}`, `{"totalObject":1e3}`, `null`, `[`, ``,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		job, err := decodeJob(body, sampleID, secrets{})
		if (job == nil) == (err == nil) {
			t.Fatalf("job %v and error %v", job, err)
		}
		if job == nil {
			return
		}
		for _, n := range []*int64{job.Labeled, job.Failed, job.Timeout, job.Total} {
			if n != nil && *n < 0 {
				t.Errorf("a count of %d", *n)
			}
		}
	})
}
