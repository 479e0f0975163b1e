package zuora_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
	"github.com/zuora-exporter/zuora_exporter/zuora"
)

// Each job request has a track id of its own, which a failure names.
func TestTrackID(t *testing.T) {
	s := newServer(t, zuoratest.WithRequestLog(10))
	s.SetFault(zuoratest.SampleJobID, zuoratest.Respond(503, "text/plain", "no"))
	_, err := readSample(t, newClient(t, s))
	var ids []string
	for _, r := range s.Requests() {
		if strings.Contains(r.Path, "data-labeling-job") {
			ids = append(ids, r.Header.Get("Zuora-Track-Id"))
		} else if id := r.Header.Get("Zuora-Track-Id"); id != "" {
			t.Errorf("got the track id %q on %s, want none", id, r.Path)
		}
	}
	if len(ids) != 2 || ids[0] == ids[1] || err.TrackID != ids[1] {
		t.Errorf("got the track ids %q and %q in the error, want two, and the last in the error", ids, err.TrackID)
	}
	for _, id := range ids {
		if id == "" || len(id) > 64 || strings.ContainsAny(id, `:;"'`) {
			t.Errorf("got the track id %q, want at most 64 characters without : ; \" '", id)
		}
	}
}

// A secret file on a hung file system keeps neither a read nor Close waiting.
func TestSecretThatHangs(t *testing.T) {
	s := newServer(t)
	hung := make(chan struct{})
	c := newClient(t, s, func(c *zuora.Config) {
		c.ClientSecret = func() (string, error) {
			<-hung
			return zuoratest.ClientSecret, nil
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.DataLabelingJob(ctx, zuoratest.SampleJobID); err == nil || !strings.Contains(err.Error(), "no token before the deadline") {
		t.Errorf("got %v, want no token before the deadline", err)
	}
	close(hung)
}
