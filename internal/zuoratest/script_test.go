package zuoratest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

func of1000(status string, labeled, failed, timeout int64) zuoratest.Answer {
	return zuoratest.Answer{Status: status, Labeled: &labeled, Failed: &failed, Timeout: &timeout, Total: new(int64(1000))}
}

func TestScripts(t *testing.T) {
	accepted := zuoratest.Answer{Status: "Accepted", RawProgress: "null", RawTotal: "null"}
	ramp := zuoratest.Ramp{Accepted: time.Minute, Rate: 10, Total: 1000, FailedShare: 0.1, TimeoutShare: 0.05}
	stuck := ramp
	stuck.StuckAt = 500
	still := ramp
	still.Rate = 0
	for _, test := range []struct {
		name    string
		script  zuoratest.Script
		elapsed time.Duration
		want    zuoratest.Answer
	}{
		{"constant", zuoratest.Constant(accepted), time.Hour, accepted},
		{"new", ramp.At, 0, accepted},
		{"not yet dispatched", ramp.At, time.Minute - 1, accepted},
		{"dispatched", ramp.At, time.Minute, of1000("Dispatched", 0, 0, 0)},
		{"moving", ramp.At, 100 * time.Second, of1000("Dispatched", 340, 40, 20)},
		{"nearly done", ramp.At, 160*time.Second - 1, of1000("Dispatched", 851, 99, 49)},
		{"done", ramp.At, 160 * time.Second, of1000("Completed", 850, 100, 50)},
		{"long done", ramp.At, 1 << 62, of1000("Completed", 850, 100, 50)},
		{"on its way to be stuck", stuck.At, 100 * time.Second, of1000("Dispatched", 340, 40, 20)},
		{"stuck", stuck.At, time.Hour, of1000("Dispatched", 425, 50, 25)},
		{"never moving", still.At, time.Hour, of1000("Dispatched", 0, 0, 0)},
		{"first period", zuoratest.Repeat(200*time.Second, ramp.At), 160 * time.Second, of1000("Completed", 850, 100, 50)},
		{"second period", zuoratest.Repeat(200*time.Second, ramp.At), 300 * time.Second, of1000("Dispatched", 340, 40, 20)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.script(test.elapsed)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
