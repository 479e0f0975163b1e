package zuora

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// BenchmarkRead reads the documented sample, over a transport that costs little.
func BenchmarkRead(b *testing.B) {
	answer := respond(200, sampleJob,
		headerRequestID, zuorasID, "RateLimit-Limit", "2250000, 50000;w=60", "RateLimit-Remaining", "2240000", "RateLimit-Reset", "60",
		"Concurrency-Limit-Type", "Default", "Concurrency-Limit-Limit", "40", "Concurrency-Limit-Remaining", "38")
	c := newFakeClient(b, goodToken, answer)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.DataLabelingJob(b.Context(), sampleID); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkShow looks for a token of 1,800 characters in texts that a scrape's
// errors may have, one per job.
func BenchmarkShow(b *testing.B) {
	token := make([]byte, 1800)
	for i := range token {
		token[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"[rand.IntN(65)]
	}
	var s secrets
	s.add("a-client-secret", string(token))
	for name, text := range map[string]string{
		"plain":     "The job does not exist",
		"encodings": strings.Repeat(`%25253C\\u003c&amp;lt;UGxlYXNl `, 10),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s.show(text) == withheld {
					b.Fatal("withheld")
				}
			}
		})
	}
}
