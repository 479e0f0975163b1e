package exporter

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/config"
	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// demoJob is a job of the demo: what it answers, and the labels it has in the
// configuration.
type demoJob struct {
	id, objectType, labels, shows string
	script                        zuoratest.Script // nil if Zuora knows no such job
}

// demoJobs show, between them, all there is to see. The moving ones start over.
func demoJobs() []demoJob {
	const week = 7 * 24 * time.Hour
	constant := func(r zuoratest.Ramp) zuoratest.Script { return zuoratest.Constant(r.At(week)) }
	return []demoJob{
		// It runs for longer than any window over which a dashboard takes a rate.
		{"ff80808186b966950186b97922e20001", "Account", "wave: first", "moves fast, completes, starts over", zuoratest.Repeat(time.Hour,
			zuoratest.Ramp{Accepted: 20 * time.Second, Rate: 250, Total: 750_000}.At)},
		{"ff80808186b966950186b97922e20002", "Product", "wave: first", "moves slowly", zuoratest.Repeat(4*time.Hour,
			zuoratest.Ramp{Rate: 3, Total: 40_000, FailedShare: .002, TimeoutShare: .001}.At)},
		{"ff80808186b966950186b97922e20003", "User", "wave: second", "waits to begin", constant(zuoratest.Ramp{Accepted: 2 * week})},
		{"ff80808186b966950186b97922e20004", "BillRun", "wave: second", "is stuck, with failures", zuoratest.Constant(zuoratest.Ramp{Rate: 1, Total: 12_000, FailedShare: .01}.At(4_711 * time.Second))},
		{"ff80808186b966950186b97922e20005", "Account", "wave: first", "completed, all labeled", constant(zuoratest.Ramp{Rate: 100, Total: 25_000})},
		{"ff80808186b966950186b97922e20006", "PaymentRun", "wave: first", "completed with failures and timeouts", constant(zuoratest.Ramp{Rate: 100, Total: 3_100, FailedShare: .012, TimeoutShare: .004})},
		{"ff80808186b966950186b97922e20007", "", "wave: second", "is unknown to Zuora", nil},
		{"ff80808186b966950186b97922e20008", "ForecastRun", "wave: second", "is in a state that nobody has documented", zuoratest.Constant(zuoratest.Answer{Status: "Suspended"})},
		{"ff80808186b966950186b97922e20009", "Product", "wave: second", "is stuck, without failures", zuoratest.Constant(zuoratest.Ramp{Rate: 1, Total: 8_000}.At(6_250 * time.Second))},
		{"ff80808186b966950186b97922e20010", "PaymentRun", "wave: first, repairs: ff80808186b966950186b97922e20006", "repairs another job", zuoratest.Repeat(4*time.Hour,
			zuoratest.Ramp{Rate: .003, Total: 49}.At)},
	}
}

// StartDemo starts a stand-in for Zuora that knows the demo's jobs. It returns
// what loads the configuration that a user would write for it, and what ends it.
func StartDemo() (load func() (*config.Config, error), stop func()) {
	standIn := zuoratest.NewServer()
	standIn.SetLatency(30 * time.Millisecond)
	file := fmt.Appendf(nil, "tenants:\n- name: demo\n  base_url: %s\n  oauth2: {client_id: %q, client_secret: %q}\n  jobs:\n",
		standIn.URL, zuoratest.ClientID, zuoratest.ClientSecret)
	for _, j := range demoJobs() {
		file = fmt.Appendf(file, "  - {id: %s, labels: {%s}}\n", j.id, j.labels)
		if j.script != nil {
			standIn.SetJob(zuoratest.Job{ID: j.id, ObjectType: j.objectType, Script: j.script})
		}
	}
	return func() (*config.Config, error) { return config.Parse("demo.yml", file) }, standIn.Close
}

// PrintDemo tells where the demo listens, and what its jobs show.
func PrintDemo(w io.Writer, l net.Listener, telemetryPath string) {
	scheme := "https"
	if _, plain := l.(*net.TCPListener); plain {
		scheme = "http"
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil || net.ParseIP(host).IsUnspecified() {
		host = "localhost"
	}
	at := scheme + "://" + net.JoinHostPort(host, port)
	fmt.Fprintf(w, "This is a demo: a stand-in for Zuora runs inside the exporter.\n\n  %s%s    what Prometheus scrapes\n  %s/    the jobs, as last read\n\n", at, telemetryPath, at)
	for _, j := range demoJobs() {
		fmt.Fprintf(w, "  %s  %-11s  %s\n", j.id, j.objectType, j.shows)
	}
	fmt.Fprintln(w, "\nEnd it with Ctrl-C.")
}
