package zuora

import "testing"

// BenchmarkDecodeJob decodes the documented sample.
func BenchmarkDecodeJob(b *testing.B) {
	const id = "ff80808186b966950186b97922e200ab"
	body := []byte(`{"jobId":"` + id + `","jobStatus":"Completed","objectType":"Account","progress":{"failed":1,"labeled":9,"timeout":1},"success":true,"totalObject":11}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeJob(body, id, secrets{}); err != nil {
			b.Fatal(err)
		}
	}
}
