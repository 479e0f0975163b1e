package dashboards

import (
	"fmt"
	"maps"
	"strings"
)

// Jobs of every kind, over two hours, a value a minute. Two exporters read
// each: no panel may count anything twice.
var history = map[string]map[string]string{
	//         moves by 600 a minute, 10 a second; 36,000 of 72,000 are left
	"moves": {"Dispatched": "1x120", "total": "108000x120", "labeled": "0+599x120", "failed": "0x120", "timeout": "0+1x120"},
	"stuck": {"wave": "second", "Dispatched": "1x120", "total": "100x120", "labeled": "40x120", "failed": "0x120", "timeout": "0x120"},
	// neither may count as stuck
	"new":   {"Dispatched": "_x90 1x29", "total": "_x90 100x29", "labeled": "_x90 0x29"},
	"blind": {"Dispatched": "1x120"},
	"waits": {"Accepted": "1x120"},
	"done":  {"Completed": "1x120", "total": "100x120", "labeled": "100x120", "failed": "0x120", "timeout": "0x120"},
	// it ended five minutes ago: what deriv has left of it is no throughput
	"ended": {"Dispatched": "1x115 0x4", "Completed": "0x115 1x4", "total": "2000x120", "labeled": "0+10x115 2000x4", "failed": "0x120", "timeout": "0x120"},
	"lost":  {"Completed": "1x120", "total": "100x120", "labeled": "95x120", "failed": "3x120", "timeout": "2x120"},
	"short": {"Completed": "1x120", "total": "100x120", "labeled": "90x120", "failed": "0x120", "timeout": "0x120"},
	"odd":   {"Suspended": "1x120"},
	// It was read until 40 minutes ago: its losses are what was known then.
	"dark": {"Completed": "1x80 stale", "total": "100x80 stale", "labeled": "80x80 stale", "failed": "20x80 stale", "success": "1x80 0x39", "error": "_x81 1x39", "read": "0+60x80 4800x39"},
	// Its exporter a was replaced by b ten minutes ago, which reads other numbers.
	"replaced": {
		"Dispatched": "1x110 stale", "total": "100x110 stale", "labeled": "50x110 stale", "failed": "9x110 stale", "timeout": "0x110 stale", "success": "1x110 stale",
		"b:Completed": "_x111 1x9", "b:Dispatched": "_x111 0x9", "b:total": "_x111 100x9", "b:labeled": "_x111 100x9", "b:failed": "_x111 0x9", "b:timeout": "_x111 0x9", "b:success": "_x111 1x9",
	},
	// the last two reads failed
	"unread": {"Accepted": "1x118 stale", "total": "100x118 stale", "labeled": "50x118 stale", "success": "1x118 0x1", "error": "_x119 1x1", "read": "0+60x118 7080x1"},
	// one that a job has repaired, and one that a job repairs
	"mended":  {"Completed": "1x120", "total": "50x120", "labeled": "45x120", "failed": "5x120", "timeout": "0x120"},
	"mends":   {"Completed": "1x120", "total": "5x120", "labeled": "5x120", "failed": "0x120", "timeout": "0x120", "repairs": "mended"},
	"broken":  {"Completed": "1x120", "total": "60x120", "labeled": "50x120", "failed": "10x120", "timeout": "0x120"},
	"at work": {"Dispatched": "1x120", "total": "10x120", "labeled": "4x120", "failed": "0x120", "timeout": "0x120", "repairs": "broken"},
	// It was retired an hour ago.
	"gone": {"Completed": "1x60 stale", "total": "100x60 stale", "labeled": "100x60 stale", "failed": "0x60 stale", "timeout": "0x60 stale", "success": "1x60 stale"},
	// It left the watch an hour ago, before its end.
	"dropped": {"Dispatched": "1x60 stale", "total": "100x60 stale", "labeled": "1x60 stale", "success": "1x60 stale"},
}

var series = map[string]string{
	"total": "zuora_data_labeling_job_total_objects", "labeled": "zuora_data_labeling_job_labeled_objects",
	"failed": "zuora_data_labeling_job_failed_objects", "timeout": "zuora_data_labeling_job_timeout_objects",
	"success": "zuora_data_labeling_job_scrape_success", "error": "zuora_data_labeling_job_scrape_error",
	"read": "zuora_data_labeling_job_last_success_timestamp_seconds",
}

type inputSeries struct{ Series, Values string }

// input is what two exporters tell of jobs.
func input(jobs map[string]map[string]string) (all []inputSeries) {
	for job, kinds := range jobs {
		merged := map[string]string{"success": "1x120", "read": "0+60x120"}
		for _, state := range []string{"Accepted", "Dispatched", "Completed"} {
			merged[state] = "0x120"
		}
		// No status either, once there was nothing to read.
		for _, kind := range []string{"Accepted", "Dispatched", "Completed"} {
			if _, ended, ok := strings.Cut(kinds["total"], "x"); ok && strings.HasSuffix(ended, " stale") {
				merged[kind] = "0x" + ended
			}
		}
		maps.Copy(merged, kinds)
		wave := merged["wave"]
		if wave == "" {
			wave = "first"
		}
		base := fmt.Sprintf(`tenant="t",job_id=%q,job="zuora",wave=%q,repairs=%q`, job, wave, merged["repairs"])
		for kind, v := range merged {
			if strings.Contains(kind, ":") || kind == "wave" || kind == "repairs" {
				continue
			}
			name, labels := series[kind], base
			switch {
			case name == "":
				name, labels = "zuora_data_labeling_job_status", labels+fmt.Sprintf(`,object_type="Account",status=%q`, kind)
			case kind == "error":
				labels += `,reason="unavailable"`
			case strings.HasSuffix(name, "_objects"):
				labels += `,object_type="Account"`
			}
			for _, instance := range []string{"a", "b"} {
				if other, ok := kinds[instance+":"+kind]; ok {
					v = other
				}
				all = append(all, inputSeries{fmt.Sprintf(`%s{%s,instance=%q}`, name, labels, instance), v})
			}
		}
	}
	return all
}
