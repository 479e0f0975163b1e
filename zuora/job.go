package zuora

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The states of a data labeling job that Zuora documents. Others may occur and
// are kept as they are.
const (
	Accepted   = "Accepted"   // taken by the system
	Dispatched = "Dispatched" // handed to the labeling service
	Completed  = "Completed"  // ended; the counts say with what success
)

// DataLabelingJob is a job's state as Zuora told it. A field that Zuora left
// out, or sent as null, is empty or nil: Zuora documents no field as required,
// and an absent count is not zero. Texts are printable and have at most 64
// characters. A job that this package returns must not be changed.
//
// Source: "Retrieve a data labeling job" in Zuora's API reference.
type DataLabelingJob struct {
	Status     string // jobStatus, as Zuora spells it
	ObjectType string // objectType: Account, User, Product, BillRun, ...
	// Counts of objects.
	Labeled, Failed, Timeout *int64
	Total                    *int64 // totalObject: objects to be labeled
	// ReceivedAt is when the answer had been read.
	ReceivedAt time.Time
}

// CheckJobID returns an error if id cannot be a data labeling job's. Zuora
// documents 32 characters; they must also be safe in a URL's path.
func CheckJobID(id string) error {
	if n := utf8.RuneCountInString(id); n != 32 {
		return fmt.Errorf("a job id has 32 characters, this one has %d", n)
	}
	for _, r := range id {
		if !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-._~", r) {
			return fmt.Errorf("a job id has letters, digits and -._~ only, not %q", r)
		}
	}
	return nil
}

// CanonicalJobID returns the form under which two spellings of one job's id
// are equal: without hyphens, in lower case.
func CanonicalJobID(id string) string {
	return strings.ToLower(strings.ReplaceAll(id, "-", ""))
}

// jobAnswer is the body of an answer that tells a job.
type jobAnswer struct {
	JobID      string `json:"jobId"`
	JobStatus  string `json:"jobStatus"`
	ObjectType string `json:"objectType"`
	Progress   struct {
		Failed  *count `json:"failed"`
		Labeled *count `json:"labeled"`
		Timeout *count `json:"timeout"`
	} `json:"progress"`
	TotalObject *count          `json:"totalObject"`
	Success     json.RawMessage `json:"success"`
}

// count is a number of objects: a JSON number, whole and not below zero.
type count int64

func (c *count) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		// 11.0 and 1e3 are whole numbers to JSON as well.
		f, ferr := strconv.ParseFloat(string(raw), 64)
		if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return errors.New("a count that is no whole number or too large")
		}
		n = int64(f)
	}
	if n < 0 {
		return errors.New("a count below zero")
	}
	*c = count(n)
	return nil
}

// errNoJob says that an answer holds no job at all.
var errNoJob = errors.New("neither jobId nor jobStatus in the answer")

// decodeJob reads the body of a 200. Its errors quote nothing of the body.
func decodeJob(body []byte, id string, known secrets) (*DataLabelingJob, error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, errors.New("not a JSON object") // null would decode without an error
	}
	var a jobAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, jsonError(err)
	}
	switch {
	case string(a.Success) == "false":
		return nil, errors.New("success is false")
	case a.JobID == "" && a.JobStatus == "":
		return nil, errNoJob
	case a.JobID != "" && a.JobID != id && CanonicalJobID(a.JobID) != CanonicalJobID(id):
		return nil, errors.New("the answer is another job's")
	}
	return &DataLabelingJob{
		Status:     known.label(a.JobStatus),
		ObjectType: known.label(a.ObjectType),
		Labeled:    (*int64)(a.Progress.Labeled),
		Failed:     (*int64)(a.Progress.Failed),
		Timeout:    (*int64)(a.Progress.Timeout),
		Total:      (*int64)(a.TotalObject),
		ReceivedAt: time.Now(),
	}, nil
}

// jsonError says what is wrong with a body without quoting it, as the errors
// of encoding/json may.
func jsonError(err error) error {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType):
		return fmt.Errorf("%s is of the wrong type", wrongType.Field)
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	}
	return err // count's own
}
