package zuoratest

import "time"

// WithClock replaces time.Now for tokens, jobs, limits and the request log.
func WithClock(now func() time.Time) Option { return func(s *Server) { s.clock = now } }
