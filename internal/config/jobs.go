package config

import (
	"regexp"
	"strings"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func readJobs(v value) ([]Job, error) {
	seen := map[string]int{}
	return list(v, func(v value) (Job, error) { return readJob(v, seen) })
}

// readJob reads one job. It adds it to seen, which has the lines of those
// before in the same tenant.
func readJob(v value, seen map[string]int) (Job, error) {
	var job Job
	readID := func(v value) (err error) {
		if job.ID, err = v.text(); err != nil {
			return err
		}
		if err := zuora.CheckJobID(job.ID); err != nil {
			return v.errorf("%w", err)
		}
		// Zuora itself writes one id with and without hyphens.
		plain := zuora.CanonicalJobID(job.ID)
		if line, twice := seen[plain]; twice {
			return v.errorf("is the same job as on line %d", line)
		}
		seen[plain] = v.line
		return nil
	}
	err := v.mapping(map[string]func(value) error{
		"id":     readID,
		"labels": into(&job.Labels, readLabels),
	}, "id")
	return job, err
}

var (
	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// The exporter's own labels, and those that Prometheus sets.
	reservedLabels = set("job", "instance", "tenant", "job_id", "object_type", "status",
		"reason", "endpoint", "operation", "code", "type", "le", "quantile")
)

func readLabels(v value) (map[string]string, error) {
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	labels := make(map[string]string, len(entries))
	for _, e := range entries {
		switch {
		case !labelName.MatchString(e.name):
			return nil, e.key.errorf("a label name is letters, digits and underscores, and begins with no digit")
		case strings.HasPrefix(e.name, "__"):
			return nil, e.key.errorf("label names that begin with __ belong to Prometheus")
		case reservedLabels[e.name]:
			return nil, e.key.errorf("the label name is already used by the exporter or by Prometheus")
		}
		if labels[e.name], err = e.value.text(); err != nil {
			return nil, err
		}
	}
	return labels, nil
}
