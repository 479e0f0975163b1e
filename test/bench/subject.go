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

	"github.com/zuora-exporter/zuora_exporter/zuora/zuoratest"
)

// subject is one of those that are measured side by side.
type subject struct {
	name string
	process
	round func() (wall time.Duration, size int64, err error) // reads all jobs once
}

//go:embed json_exporter.yml
var jsonExporterConfig string

// subjects starts all that read jobs from the stand-in at base.
func (b *bench) subjects(ctx context.Context, base string, jobs int) (all []subject, err error) {
	defer func() {
		if err != nil {
			stop(all)
		}
	}()
	f, err := startChild(ctx, new(bool), "floor", base, fmt.Sprint(jobs), fmt.Sprint(b.workers))
	if err != nil {
		return all, err
	}
	all = append(all, subject{floorName, f.process, func() (wall time.Duration, size int64, err error) {
		err = f.ask(&wall, "round")
		return wall, 0, err
	}})

	ours, err := b.startOurs(ctx, base, jobs)
	if err != nil {
		return all, err
	}
	all = append(all, subject{oursName, ours.process, func() (time.Duration, int64, error) { return b.scrape(ctx, ours, jobs) }})

	probed, err := b.startOurs(ctx, base, 0)
	if err != nil {
		return all, err
	}
	all = append(all, b.probes(ctx, probedName, probed, jobs, func(id string) string { return id }))

	if b.jsonExporter == "" {
		return all, nil
	}
	config, err := b.write("json_exporter.yml", strings.NewReplacer(
		"CLIENT_ID", zuoratest.ClientID, "CLIENT_SECRET", fmt.Sprintf("%q", zuoratest.ClientSecret), "ZUORA_URL", base).Replace(jsonExporterConfig))
	if err != nil {
		return all, err
	}
	other, err := startWeb(ctx, "/metrics", b.jsonExporter, "--config.file="+config)
	if err != nil {
		return all, err
	}
	target := func(id string) string { return base + "/v1/multi-organizations/data-labeling-job/" + id }
	return append(all, b.probes(ctx, jsonName, other, jobs, target)), nil
}

func stop(all []subject) {
	for _, s := range all {
		s.stop()
	}
}

// startOurs starts the exporter with that many jobs configured.
func (b *bench) startOurs(ctx context.Context, base string, jobs int, flags ...string) (*web, error) {
	var c strings.Builder
	fmt.Fprintf(&c, "tenants:\n- name: t\n  base_url: %s\n  oauth2: {client_id: %s, client_secret: %q}\n  max_concurrent_requests: %d\n  jobs:%s\n",
		base, zuoratest.ClientID, zuoratest.ClientSecret, b.workers, map[bool]string{true: " []"}[jobs == 0])
	for i := range jobs {
		fmt.Fprintf(&c, "  - id: %s\n", jobID(i))
	}
	config, err := b.write(fmt.Sprintf("zuora_exporter_%d.yml", jobs), c.String())
	if err != nil {
		return nil, err
	}
	return startWeb(ctx, "/-/ready", b.exporter, append(flags, "--config.file="+config)...)
}

func (b *bench) write(name, content string) (path string, err error) {
	path = filepath.Join(b.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// scrape asks for the page as Prometheus does, and looks whether all jobs are
// on it once the clock stands.
func (b *bench) scrape(ctx context.Context, w *web, jobs int) (time.Duration, int64, error) {
	begun := time.Now()
	page, err := get(ctx, http.DefaultTransport, w.URL+"/metrics")
	wall := time.Since(begun)
	if err != nil {
		return 0, 0, err
	}
	text, err := unpack(page)
	if good := bytes.Count(text, []byte("_scrape_success{")) - bytes.Count(text, []byte("_scrape_error{")); err == nil && good != jobs {
		err = fmt.Errorf("%d of %d jobs on the page", good, jobs)
	}
	return wall, int64(len(page)), err
}

// probes returns a subject that has each job probed, by all workers at once.
func (b *bench) probes(ctx context.Context, name string, w *web, jobs int, target func(id string) string) subject {
	transport := &http.Transport{MaxConnsPerHost: b.workers, MaxIdleConnsPerHost: b.workers}
	urls := make([]string, jobs)
	for i := range urls {
		urls[i] = w.URL + "/probe?target=" + url.QueryEscape(target(jobID(i)))
	}
	return subject{name, w.process, func() (time.Duration, int64, error) {
		var size atomic.Int64
		var last atomic.Value
		begun := time.Now()
		err := inParallel(b.workers, jobs, func(i int) error {
			page, err := get(ctx, transport, urls[i])
			size.Add(int64(len(page)))
			if i == jobs-1 {
				last.Store(page)
			}
			return err
		})
		wall := time.Since(begun)
		if err != nil {
			return 0, 0, err
		}
		text, err := unpack(last.Load().([]byte))
		for _, series := range []string{"labeled_objects", "failed_objects", "timeout_objects", "total_objects", "status"} {
			if err == nil && !bytes.Contains(text, []byte("\nzuora_data_labeling_job_"+series+"{")) {
				err = fmt.Errorf("%s gives no %s on\n%s", name, series, text)
			}
		}
		return wall, size.Load(), err
	}}
}

// get asks as Prometheus does. The transport leaves a body packed for whom
// asks for gzip.
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

func unpack(page []byte) ([]byte, error) {
	if !bytes.HasPrefix(page, []byte("\x1f\x8b")) {
		return page, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(page))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
