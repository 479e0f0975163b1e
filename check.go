package main

import (
	"fmt"
	"io"

	"github.com/zuora-exporter/zuora_exporter/config"
)

// printCheck prints what a valid configuration would read.
func printCheck(w io.Writer, cfg *config.Config) error {
	for _, t := range cfg.Tenants {
		fmt.Fprintf(w, "tenant %s: %d jobs from %s\n", t.Name, len(t.Jobs), t.BaseURL.Host)
		if _, err := t.OAuth2.ClientSecret(); err != nil {
			fmt.Fprintf(w, "  warning: no token can be had now: %s\n", err)
		}
		for _, j := range t.Jobs {
			fmt.Fprintf(w, "  job %s", j.ID)
			for _, name := range cfg.LabelNames {
				if value, ok := j.Labels[name]; ok {
					fmt.Fprintf(w, " %s=%q", name, value)
				}
			}
			fmt.Fprintln(w)
		}
	}
	_, err := fmt.Fprintln(w, "configuration is valid")
	return err
}
