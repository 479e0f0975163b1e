package zuora

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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

// roundTrip is an http.RoundTripper in a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var (
	goodToken = respond(200, `{"access_token":"a-token-0123456789","expires_in":3600}`)
	goodJob   = respond(200, `{"jobId":"`+sampleID+`","jobStatus":"Completed"}`)
)

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

// inTurn gives one answer after the other, and goes on with the last. It counts
// the requests.
func inTurn(n *atomic.Int64, answers ...roundTrip) roundTrip {
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

// read reads the sample job, and wants that it fails for this reason; "" is
// that it does not.
func read(t *testing.T, c *Client, want Reason) (*DataLabelingJob, *Error) {
	t.Helper()
	return readJob(t, c, sampleID, want)
}

func readJob(t *testing.T, c *Client, id string, want Reason) (*DataLabelingJob, *Error) {
	t.Helper()
	job, err := c.DataLabelingJob(context.Background(), id)
	e := new(Error)
	if err != nil && !errors.As(err, &e) || e.Reason != want {
		t.Errorf("got the error %v, want an *Error with the reason %q", err, want)
	}
	return job, e
}

// readAll reads the sample job so many times at once.
func readAll(t *testing.T, c *Client, reads int, want Reason) {
	t.Helper()
	var group sync.WaitGroup
	for range reads {
		group.Go(func() { read(t, c, want) })
	}
	group.Wait()
}

// bubble runs a subtest with a clock of its own.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}
