package main

import (
	"context"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	slgk "github.com/tjhop/slog-gokit"
)

func newLogger(allowed, format string) log.Logger {
	// net/http's transport quotes there what a server sends unasked, which may
	// hold a token; nothing else writes to it.
	stdlog.SetOutput(io.Discard)
	w := log.NewSyncWriter(os.Stderr)
	logger := log.NewLogfmtLogger(w)
	if format == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = log.With(logger, "ts", log.TimestampFormat(time.Now, "2006-01-02T15:04:05.000Z07:00"))
	return level.NewFilter(logger, level.Allow(level.ParseDefault(allowed, level.InfoValue())))
}

// newSlogLogger makes go-kit's logger one that exporter-toolkit takes. It lets
// everything through: go-kit's filter decides.
func newSlogLogger(logger log.Logger) *slog.Logger {
	return slog.New(withoutTime{slgk.NewGoKitHandler(logger, slog.LevelDebug)})
}

// newErrorLog puts a server's complaints into our log: net/http would print them
// in a form of its own.
func newErrorLog(logger log.Logger) *stdlog.Logger {
	return slog.NewLogLogger(newSlogLogger(logger).Handler(), slog.LevelWarn)
}

// withoutTime drops slog's own time, as the logger beneath gives one already.
type withoutTime struct{ slog.Handler }

func (h withoutTime) Handle(ctx context.Context, r slog.Record) error {
	r.Time = time.Time{}
	// A health check by TCP connects to a TLS port and leaves.
	if strings.Contains(r.Message, "TLS handshake error") && (strings.HasSuffix(r.Message, "EOF") || strings.HasSuffix(r.Message, "reset by peer")) {
		r.Level = slog.LevelDebug
	}
	return h.Handler.Handle(ctx, r)
}
