package zuora

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sampleID = zuoratest.SampleJobID

// newServer starts a stand-in that has the documented sample job.
func newServer(t *testing.T) *zuoratest.Server {
	s := zuoratest.NewServer()
	t.Cleanup(s.Close)
	s.SetSampleJob()
	return s
}

// newClient returns a client of the server, after the changes.
func newClient(t testing.TB, address string, changes ...func(*Config)) *Client {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		BaseURL: base, TokenURL: base.JoinPath("oauth/token"),
		ClientID: zuoratest.ClientID, ClientSecret: func() (string, error) { return zuoratest.ClientSecret, nil },
		APIVersion: "2025-08-12", UserAgent: "zuora_exporter/test",
		RequestTimeout: 5 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 20},
	}
	for _, change := range changes {
		change(&c)
	}
	client := NewClient(c)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// roundTrip is an http.RoundTripper in a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond answers with a status, a body, and headers: names and values in turn.
func respond(status int, body string, headers ...string) roundTrip {
	return func(*http.Request) (*http.Response, error) {
		h := http.Header{}
		for pair := range slices.Chunk(headers, 2) {
			h.Set(pair[0], pair[1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// inTurn gives one answer after the other, and goes on with the last.
func inTurn(answers ...roundTrip) roundTrip {
	var n atomic.Int64
	return func(r *http.Request) (*http.Response, error) {
		return answers[min(int(n.Add(1)), len(answers))-1](r)
	}
}

// after answers late.
func after(d time.Duration, answer roundTrip) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return answer(r)
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

// counted counts the requests.
func counted(n *atomic.Int64, answer roundTrip) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		n.Add(1)
		return answer(r)
	}
}

var (
	goodToken = respond(200, `{"access_token":"a-token-0123456789","expires_in":3600}`)
	goodJob   = respond(200, `{"jobId":"`+sampleID+`","jobStatus":"Completed"}`)
)

// newFakeClient returns a client whose requests are answered by functions.
func newFakeClient(t testing.TB, token, job roundTrip, changes ...func(*Config)) *Client {
	t.Helper()
	return newClient(t, "https://rest.example.com", slices.Concat([]func(*Config){func(c *Config) {
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/oauth/token" {
				return token(r)
			}
			return job(r)
		})
	}}, changes)...)
}

// read reads the sample job.
func read(t *testing.T, c *Client) (*DataLabelingJob, *Error) {
	t.Helper()
	job, err := c.DataLabelingJob(context.Background(), sampleID)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("got the error %v, want an *Error", err)
	}
	return job, e
}

// mustRead reads the sample job. It must be there.
func mustRead(t *testing.T, c *Client) *DataLabelingJob {
	t.Helper()
	job, err := read(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// readFails reads the sample job, which must fail.
func readFails(t *testing.T, c *Client, want Reason) *Error {
	t.Helper()
	_, err := read(t, c)
	expectReason(t, err, want)
	return err
}

// bubble runs a subtest with a clock of its own.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func expectReason(t *testing.T, err *Error, want Reason) {
	t.Helper()
	if err == nil || err.Reason != want {
		t.Errorf("got %v, want the reason %s", err, want)
	}
}
