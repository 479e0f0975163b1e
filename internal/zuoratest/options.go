package zuoratest

import "time"

// The credentials that a server accepts until SetSecret changes them. They are
// as long as Zuora's can be, and the secret holds every character that a form
// must escape.
const (
	ClientID     = "6a8a6e2f-0c1d-4e5f-8a9b-0c1d2e3f4a5b"
	ClientSecret = "zT4+q/9W=b&Rk2vN8xYpL0cJ5dG7hM1sF3uA6eQi+="
)

// Option changes how a Server behaves from its start.
type Option func(*Server)

// WithEntity sets the id that each request, also the one for a token, must
// have in Zuora-Entity-Ids, as if the token covered several entities. Without
// the option the header is refused: it is "otherwise not to be sent".
func WithEntity(id string) Option { return func(s *Server) { s.entity = id } }

// WithTokenLife sets how long a token is good for, by the server's clock, and
// what expires_in says. The default is 3599 s, as in Zuora's sample.
func WithTokenLife(d time.Duration) Option { return func(s *Server) { s.tokenLife = d } }

// WithTokenLimit allows that many token requests a minute and address; Zuora
// allows 100. The default is no limit.
func WithTokenLimit(perMinute int) Option { return func(s *Server) { s.tokens.perMinute = perMinute } }

// WithLatency is SetLatency from the start.
func WithLatency(d time.Duration) Option { return func(s *Server) { s.SetLatency(d) } }

// WithDefaultVersion sets the Zuora-Version of requests that name none.
// Without it the tenant was never upgraded, and its errors are HTTP 200.
func WithDefaultVersion(version string) Option { return func(s *Server) { s.defaultVersion = version } }

// WithRateLimits is SetRateLimits from the start. The default is what Zuora
// allows a production tenant, 50,000 a minute, which a benchmark exceeds.
// Without limits there are no RateLimit headers.
func WithRateLimits(limits ...RateLimit) Option {
	return func(s *Server) { s.SetRateLimits(limits...) }
}

// WithConcurrencyLimit sets how many job requests may be in progress at once.
// The default is 40, Zuora's limit for this class of requests; 0 means no
// limit and no Concurrency-Limit headers.
func WithConcurrencyLimit(n int) Option { return func(s *Server) { s.limits.concurrent = n } }

// WithRequestLog keeps the last n requests for Requests. The default is none.
func WithRequestLog(n int) Option { return func(s *Server) { s.counters.logSize = n } }
