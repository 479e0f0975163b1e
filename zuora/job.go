package zuora

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
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
// documents 32 characters, and calls them a uuid: letters, digits and hyphens,
// which are safe in a URL's path.
func CheckJobID(id string) error {
	if n := utf8.RuneCountInString(id); n != 32 {
		return fmt.Errorf("a job id has 32 characters, this one has %d", n)
	}
	if !jobID.MatchString(id) {
		return errors.New("a job id has letters, digits and hyphens only")
	}
	return nil
}

var jobID = regexp.MustCompile(`^[0-9A-Za-z-]*[0-9A-Za-z][0-9A-Za-z-]*$`)

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

// count is a number of objects: a JSON number or text of digits, whole and not
// below zero.
type count int64

func (c *count) UnmarshalJSON(raw []byte) error {
	number := string(raw)
	if quoted := strings.Trim(number, `"`); quoted != number && digits.MatchString(quoted) {
		number = quoted
	}
	n, err := strconv.ParseFloat(number, 64) // 11.0 and 1e3 are whole numbers to JSON
	switch {
	case err != nil || n != math.Trunc(n) || n > 1<<53:
		return errors.New("a count that is no whole number or too large")
	case n < 0:
		return errBelowZero
	}
	*c = count(n)
	return nil
}

// These are wrong whatever else the answer tells.
var (
	errBelowZero = errors.New("a count below zero")
	errOtherJob  = errors.New("the answer is another job's")
)

// job decodes the answer to a job request.
func (a *answer) job(id string) (*DataLabelingJob, *Error) {
	var wrong error // with the body of a 2xx
	if a.ok() && a.broken == nil {
		job, err := a.decodeJob(id)
		if err == nil {
			return job, nil
		}
		wrong = err
	}
	// Versions before 2024-05-20 tell errors with status 200. An error that Zuora
	// tells goes before what is wrong with the body.
	f := a.failure()
	e := f.refusal()
	switch {
	case e.Reason == ReasonRefused && (errors.Is(wrong, errBelowZero) || errors.Is(wrong, errOtherJob)):
		return nil, a.error(ReasonInvalidResponse, wrong.Error())
	case e.Reason == ReasonInvalidResponse && wrong != nil:
		message := wrong.Error()
		if !f.job && e.Message != "" {
			message += ": " + e.Message
		}
		e.Message = printable(message, maxText)
	}
	return nil, e
}

// decodeJob reads the body of a 2xx. Its errors quote nothing of the body, as
// those of encoding/json may.
func (a *answer) decodeJob(id string) (*DataLabelingJob, error) {
	if !bytes.HasPrefix(bytes.TrimLeft(a.body, " \t\r\n"), []byte("{")) {
		return nil, errors.New("not a JSON object") // null would decode without an error
	}
	var job jobAnswer
	err := json.Unmarshal(a.body, &job)
	odd, isOdd := errors.AsType[*json.UnmarshalTypeError](err)
	broken, isBroken := errors.AsType[*json.SyntaxError](err)
	switch {
	case isOdd:
		return nil, fmt.Errorf("%s is of the wrong type", odd.Field)
	case isBroken:
		return nil, fmt.Errorf("not JSON at byte %d", broken.Offset)
	case err != nil:
		return nil, err // count's own
	case job.JobID != "" && job.JobID != id && CanonicalJobID(job.JobID) != CanonicalJobID(id):
		return nil, errOtherJob
	case string(job.Success) == "false":
		return nil, errors.New("success is false")
	case job.JobID == "" && job.JobStatus == "":
		return nil, errors.New("neither jobId nor jobStatus in the answer")
	}
	return &DataLabelingJob{
		Status:     a.secrets.label(state(job.JobStatus), states...),
		ObjectType: a.secrets.label(job.ObjectType, "User", "Account", "Product", "BillRun", "PaymentRun", "ForecastRun"),
		Labeled:    (*int64)(job.Progress.Labeled),
		Failed:     (*int64)(job.Progress.Failed),
		Timeout:    (*int64)(job.Progress.Timeout),
		Total:      (*int64)(job.TotalObject),
		ReceivedAt: time.Now(),
	}, nil
}

// state returns a state as Zuora documents it, if it differs only in case and
// white space.
func state(told string) string {
	dense := strings.Join(strings.Fields(told), "")
	for _, documented := range states {
		if strings.EqualFold(dense, documented) {
			return documented
		}
	}
	return told
}

var states = []string{Accepted, Dispatched, Completed}
