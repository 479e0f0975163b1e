package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

var (
	jobs   = kind[[]Job]{"list of [jobs](#a-job)", listOf(ref("job")), readJobs}
	jobID  = kind[string]{"string of 32 characters", object{"type": []string{"string", "number"}, "pattern": "^[0-9A-Za-z._~-]{32}$"}, readJobID}
	labels = kind[map[string]string]{"mapping of strings", mappingOf(object{
		"pattern": labelName.String(), "not": object{"anyOf": []object{{"pattern": "^__"}, {"enum": reservedLabels}}},
	}, stringOf("")), readLabels}

	labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// reservedLabels are the exporter's own and those that Prometheus sets.
	reservedLabels = []string{
		"code", "endpoint", "instance", "job", "job_id", "le", "object_type",
		"operation", "quantile", "reason", "status", "tenant", "type",
	}
)

func readJobs(v value) ([]Job, error) {
	return list(v, func(v value) (job Job, err error) {
		err = jobKeys.read(v, &job)
		return job, err
	})
}

func readJobID(v value) (string, error) {
	id, err := v.text()
	if err != nil {
		return "", err
	}
	if err := zuora.CheckJobID(id); err != nil {
		return "", v.errorf("%w", err)
	}
	// Zuora writes the same id with and without hyphens.
	if line := v.once(zuora.CanonicalJobID(id)); line > 0 {
		return "", v.errorf("is the same job as on line %d", line)
	}
	return id, nil
}

func readLabels(v value) (map[string]string, error) {
	return named(v, func(key value, name string) error {
		switch {
		case !labelName.MatchString(name):
			return key.errorf("a label name has letters, digits and underscores, and does not begin with a digit")
		case strings.HasPrefix(name, "__"):
			return key.errorf("label names that begin with __ belong to Prometheus")
		case slices.Contains(reservedLabels, name):
			return key.errorf("the label name is already used by the exporter or by Prometheus")
		}
		return nil
	}, value.text)
}
