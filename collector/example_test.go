package collector_test

import (
	"context"
	"os"
	"time"

	"github.com/go-kit/log"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/zuora-exporter/zuora_exporter/collector"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// reader is a Reader that needs no Zuora. A *zuora.Client is another.
type reader struct{}

func (reader) DataLabelingJob(context.Context, string) (*zuora.DataLabelingJob, error) {
	labeled, total := int64(9), int64(11)
	return &zuora.DataLabelingJob{Status: zuora.Dispatched, ObjectType: "Account", Labeled: &labeled, Total: &total}, nil
}

func ExampleCollector() {
	c := collector.New([]collector.Tenant{{
		Name:                  "prod-us",
		Reader:                reader{},
		Metrics:               collector.NewAPIMetrics("prod-us"),
		MaxConcurrentRequests: 10,
		Jobs:                  []collector.ConfiguredJob{{ID: "ff80808186b966950186b97922e200ab", Labels: map[string]string{"wave": "first"}}},
	}}, []string{"wave"}, log.NewNopLogger(), nil)

	// One scrape, which ends within 10 s.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c.Scrape(ctx))
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "zuora_data_labeling_job_labeled_objects", "zuora_data_labeling_job_total_objects", "zuora_up":
			f.Help = nil // to be short
			if _, err := expfmt.MetricFamilyToText(os.Stdout, f); err != nil {
				panic(err)
			}
		}
	}
	// Output:
	// # TYPE zuora_data_labeling_job_labeled_objects gauge
	// zuora_data_labeling_job_labeled_objects{job_id="ff80808186b966950186b97922e200ab",object_type="Account",tenant="prod-us",wave="first"} 9
	// # TYPE zuora_data_labeling_job_total_objects gauge
	// zuora_data_labeling_job_total_objects{job_id="ff80808186b966950186b97922e200ab",object_type="Account",tenant="prod-us",wave="first"} 11
	// # TYPE zuora_up gauge
	// zuora_up{tenant="prod-us"} 1
}
