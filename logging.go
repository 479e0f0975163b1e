package main

import (
	"context"
	"io"
	stdlog "log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	slgk "github.com/tjhop/slog-gokit"
)

type logFlags struct{ level, format string }

// addLogFlags adds the flags that every Prometheus exporter has for its log.
func addLogFlags(app *kingpin.Application) *logFlags {
	f := &logFlags{}
	app.Flag("log.level", "Only log messages with the given severity or above. One of: [debug, info, warn, error]").
		Default("info").EnumVar(&f.level, "debug", "info", "warn", "error")
	app.Flag("log.format", "Output format of log messages. One of: [logfmt, json]").
		Default("logfmt").EnumVar(&f.format, "logfmt", "json")
	return f
}

func newLogger(f *logFlags) log.Logger {
	// net/http's transport quotes there what a server sends unasked, which may
	// hold a token; nothing else writes to it.
	stdlog.SetOutput(io.Discard)
	w := log.NewSyncWriter(os.Stderr)
	logger := log.NewLogfmtLogger(w)
	if f.format == "json" {
		logger = log.NewJSONLogger(w)
	}
	logger = log.With(logger, "ts", log.TimestampFormat(time.Now, "2006-01-02T15:04:05.000Z07:00"))
	return level.NewFilter(logger, level.Allow(level.ParseDefault(f.level, level.InfoValue())))
}

// newSlogLogger makes go-kit's logger one that exporter-toolkit takes. It lets
// everything through: go-kit's filter decides.
func newSlogLogger(logger log.Logger) *slog.Logger {
	return slog.New(withoutTime{slgk.NewGoKitHandler(logger, slog.LevelDebug)})
}

// setErrorLog puts a server's complaints into our log: net/http would print
// them in a form of its own.
func setErrorLog(srv *http.Server, logger log.Logger) {
	srv.ErrorLog = slog.NewLogLogger(newSlogLogger(logger).Handler(), slog.LevelWarn)
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
