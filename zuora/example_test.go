package zuora_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

func ExampleClient() {
	standIn := zuoratest.NewServer()
	defer standIn.Close()
	standIn.SetSampleJob()

	base, err := url.Parse(standIn.URL) // such as https://rest.na.zuora.com
	if err != nil {
		panic(err)
	}
	client := zuora.NewClient(zuora.Config{
		BaseURL:        base,
		TokenURL:       base.JoinPath("oauth/token"),
		ClientID:       zuoratest.ClientID,
		ClientSecret:   func() (string, error) { return zuoratest.ClientSecret, nil },
		APIVersion:     "2025-08-12",
		UserAgent:      "example",
		RequestTimeout: 5 * time.Second,
		Transport:      http.DefaultTransport,
	})

	job, err := client.DataLabelingJob(context.Background(), zuoratest.SampleJobID)
	if err != nil {
		panic(err)
	}
	fmt.Println(job.Status, *job.Labeled, "of", *job.Total)

	_, err = client.DataLabelingJob(context.Background(), "ff80808186b966950186b97922e20000")
	if failure, ok := errors.AsType[*zuora.Error](err); ok {
		fmt.Println(failure.Reason, failure.StatusCode)
	}
	// Output:
	// Completed 9 of 11
	// not_found 404
}
