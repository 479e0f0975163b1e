package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// loop serves /metrics as plainly as can be, in a process of its own. It reads
// each job by one of its workers, with one token and one transport. With -work
// it decodes the answers and writes the ten series of each job as gzip;
// otherwise it drops them and the page is empty.
func loop(args []string) error {
	flags := flag.NewFlagSet("loop", flag.ExitOnError)
	base := flags.String("zuora", "", "")
	jobs := flags.Int("jobs", 0, "")
	workers := flags.Int("workers", 0, "")
	work := flags.Bool("work", false, "")
	address := flags.String("web.listen-address", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	transport := &http.Transport{MaxConnsPerHost: *workers, MaxIdleConnsPerHost: *workers}
	token, err := getToken(transport, *base)
	if err != nil {
		return err
	}
	header := http.Header{"Authorization": {"Bearer " + token}, "Zuora-Version": {"2025-08-12"}}
	urls := make([]*url.URL, *jobs)
	for i := range urls {
		if urls[i], err = url.Parse(*base + "/v1/multi-organizations/data-labeling-job/" + jobID(i)); err != nil {
			return err
		}
	}
	read := func(u *url.URL, answer *job) error {
		resp, err := transport.RoundTrip(&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: header})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("the stand-in answers %s", resp.Status)
		}
		if !*work {
			_, err = io.Copy(io.Discard, resp.Body)
			return err
		}
		var body bytes.Buffer
		if _, err := body.ReadFrom(resp.Body); err != nil {
			return err
		}
		return json.Unmarshal(body.Bytes(), answer)
	}
	http.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		answers := make([]job, *jobs)
		err := inParallel(*workers, *jobs, func(i int) error { return read(urls[i], &answers[i]) })
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case *work:
			writePage(w, answers)
		}
	})
	http.HandleFunc(ready, func(http.ResponseWriter, *http.Request) {})
	return http.ListenAndServe(*address, nil)
}

// job is Zuora's answer.
type job struct {
	JobID, JobStatus, ObjectType string
	Progress                     struct{ Labeled, Failed, Timeout int64 }
	TotalObject                  int64
}

// writePage writes ten series for each job, as the exporter does.
func writePage(w http.ResponseWriter, jobs []job) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	defer z.Close()
	out := bufio.NewWriter(z)
	defer out.Flush()
	var line []byte
	gauge := func(name, label string, value func(*job) int64) {
		for i := range jobs {
			j := &jobs[i]
			line = append(line[:0], "zuora_data_labeling_job_"...)
			line = append(line, name...)
			line = append(append(line, `{tenant="t",job_id="`...), j.JobID...)
			line = append(append(line, `",object_type="`...), j.ObjectType...)
			line = append(append(line, `"`...), label...)
			line = strconv.AppendInt(append(line, "} "...), value(j), 10)
			_, _ = out.Write(append(line, '\n')) // Flush has the error, and the reader counts the series.
		}
	}
	one := func(*job) int64 { return 1 }
	gauge("labeled_objects", "", func(j *job) int64 { return j.Progress.Labeled })
	gauge("failed_objects", "", func(j *job) int64 { return j.Progress.Failed })
	gauge("timeout_objects", "", func(j *job) int64 { return j.Progress.Timeout })
	gauge("total_objects", "", func(j *job) int64 { return j.TotalObject })
	for _, status := range []string{"Accepted", "Dispatched", "Completed"} {
		gauge("status", `,status="`+status+`"`, func(j *job) int64 {
			if j.JobStatus == status {
				return 1
			}
			return 0
		})
	}
	gauge("scrape_success", "", one)
	gauge("scrape_duration_seconds", "", one)
	gauge("last_success_timestamp_seconds", "", one)
}

func getToken(transport http.RoundTripper, base string) (string, error) {
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
	errs := make(chan error, workers)
	for range workers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if err := do(int(i)); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	return <-errs
}
