package main

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// The names of what is measured, in the order of the tables.
const (
	floor        = "floor"         // reads, and drops the answers
	work         = "work"          // reads, decodes and writes
	old          = "old"           // a scrape of the -against binary
	scrape       = "scrape"        // of all jobs, configured
	probe        = "probe"         // one for each job, none configured
	jsonExporter = "json_exporter" // one probe for each job
)

// subject is a running program, and the pages that have it read each job once.
type subject struct {
	process
	transport *http.Transport
	name      string
	pages     []string
	onPage    int // the number of jobs on each page
	jobs      int // the number of jobs on all pages, and of requests to Zuora
}

//go:embed json_exporter.yml
var jsonExporterConfig string

// startSubject starts a program to read so many jobs.
func (b *bench) startSubject(ctx context.Context, name string, jobs int) (s subject, err error) {
	s = subject{
		transport: &http.Transport{MaxConnsPerHost: b.workers, MaxIdleConnsPerHost: b.workers},
		name:      name, pages: []string{"/metrics"}, onPage: jobs, jobs: jobs,
	}
	zuora := b.standIn.URL
	probeOf := func(target string) []string {
		s.onPage = 1
		urls := make([]string, jobs)
		for i := range urls {
			urls[i] = "/probe?target=" + url.QueryEscape(target+jobID(i))
		}
		return urls
	}
	switch name {
	case floor, work:
		self, err := os.Executable()
		if err != nil {
			return s, err
		}
		if name == floor {
			s.onPage = 0
		}
		s.process, err = start(ctx, ready, self, "loop", "-zuora="+zuora, fmt.Sprintf("-jobs=%d", jobs), fmt.Sprintf("-workers=%d", b.workers), fmt.Sprintf("-work=%t", name == work))
		return s, err
	case scrape:
		s.process, err = b.startExporter(ctx, b.exporter, jobs)
	case old:
		s.process, err = b.startExporter(ctx, b.old, jobs)
	case probe:
		s.process, err = b.startExporter(ctx, b.exporter, 0)
		s.pages = probeOf("")
	case jsonExporter:
		config := filepath.Join(b.dir, "json_exporter.yml")
		text := strings.NewReplacer("CLIENT_ID", zuoratest.ClientID, "CLIENT_SECRET", fmt.Sprintf("%q", zuoratest.ClientSecret), "ZUORA_URL", zuora).Replace(jsonExporterConfig)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			return s, err
		}
		s.process, err = start(ctx, "/metrics", b.jsonExporter, "--config.file="+config)
		s.pages = probeOf(zuora + "/v1/multi-organizations/data-labeling-job/")
	default:
		err = fmt.Errorf("-subjects has none called %q", name)
	}
	return s, err
}

func (b *bench) startExporter(ctx context.Context, program string, jobs int) (process, error) {
	var c strings.Builder
	fmt.Fprintf(&c, "tenants:\n- name: t\n  base_url: %s\n  oauth2: {client_id: %s, client_secret: %q}\n  max_concurrent_requests: %d\n",
		b.standIn.URL, zuoratest.ClientID, zuoratest.ClientSecret, b.workers)
	if jobs > 0 {
		c.WriteString("  jobs:\n")
	}
	for i := range jobs {
		fmt.Fprintf(&c, "  - id: %s\n", jobID(i))
	}
	config := filepath.Join(b.dir, fmt.Sprintf("zuora_exporter_%d.yml", jobs))
	if err := os.WriteFile(config, []byte(c.String()), 0o600); err != nil {
		return process{}, err
	}
	return start(ctx, ready, program, "--config.file="+config)
}

// round has each job read once, and checks that it was.
func (s subject) round(ctx context.Context, b *bench) (sample, error) {
	b.standIn.ResetCounters()
	cpu, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	var size atomic.Int64
	var last []byte
	begun := time.Now()
	err = inParallel(b.workers, len(s.pages), func(i int) error {
		page, err := get(ctx, s.transport, s.url+s.pages[i])
		size.Add(int64(len(page)))
		if i == len(s.pages)-1 {
			last = page
		}
		return err
	})
	wall := time.Since(begun)
	if err != nil {
		return sample{}, err
	}
	after, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	seen := b.standIn.Counters()
	if seen.JobRequests != s.jobs {
		return sample{}, fmt.Errorf("got %d job requests, want %d", seen.JobRequests, s.jobs)
	}
	return sample{wall, after - cpu, size.Load(), seen.TokenRequests}, s.check(last)
}

// check looks for the jobs on a page.
func (s subject) check(page []byte) error {
	if bytes.HasPrefix(page, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(bytes.NewReader(page))
		if err != nil {
			return err
		}
		if page, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	got := map[string]int{}
	for line := range bytes.Lines(page) {
		name, _, _ := bytes.Cut(line, []byte("{"))
		got[string(name)]++
	}
	for _, name := range []string{"labeled_objects", "failed_objects", "timeout_objects", "total_objects"} {
		if n := got["zuora_data_labeling_job_"+name]; n != s.onPage {
			return fmt.Errorf("got %d series %s, want %d", n, name, s.onPage)
		}
	}
	if n := got["zuora_data_labeling_job_status"]; n < s.onPage {
		return fmt.Errorf("got %d series status, want at least %d", n, s.onPage)
	}
	return nil
}

// get asks as Prometheus does. The body stays compressed.
func get(ctx context.Context, transport http.RoundTripper, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "600")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, resp.Status, page)
	}
	return page, err
}
