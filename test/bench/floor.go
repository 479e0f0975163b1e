package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// floor is the process that does the least that asking can cost: it reads each
// job by one of its workers, with one token and one transport, and drops the
// body. Its command, whatever it is, is a round; the answer is how long it took.
func floor(base string, jobs, workers int) error {
	transport := &http.Transport{MaxConnsPerHost: workers, MaxIdleConnsPerHost: workers}
	token, err := floorToken(transport, base)
	if err != nil {
		return err
	}
	header := http.Header{"Authorization": {"Bearer " + token}, "Zuora-Version": {"2025-08-12"}}
	paths := make([]*url.URL, jobs)
	for i := range paths {
		if paths[i], err = url.Parse(base + "/v1/multi-organizations/data-labeling-job/" + jobID(i)); err != nil {
			return err
		}
	}
	read := func(u *url.URL) error {
		resp, err := transport.RoundTrip(&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the stand-in answers %s", resp.Status)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return obey(true, func(string) (any, error) {
		begun := time.Now()
		err := inParallel(workers, jobs, func(i int) error { return read(paths[i]) })
		return time.Since(begun), err
	})
}

func floorToken(transport http.RoundTripper, base string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {zuoratest.ClientID}, "client_secret": {zuoratest.ClientSecret}}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	return answer.Token, json.NewDecoder(resp.Body).Decode(&answer)
}

// inParallel calls do for 0 to n-1 by that many workers, and returns one of
// the errors, if any.
func inParallel(workers, n int, do func(int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n) && errs[w] == nil; i = next.Add(1) - 1 {
				errs[w] = do(int(i))
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
