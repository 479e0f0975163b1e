package zuoratest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/zuora-exporter/zuora_exporter/internal/zuoratest"
)

// clock is a clock that moves only when told to.
type clock struct{ now time.Time }

func newClock() *clock                   { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }
func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

func TestCredentialsAreAsLongAsZuoras(t *testing.T) {
	if len(zuoratest.ClientID) != 36 || len(zuoratest.ClientSecret) != 42 || !strings.Contains(zuoratest.ClientSecret, "=") {
		t.Errorf("got a client id of %d and a secret of %d characters, want 36 and 42 with an =", len(zuoratest.ClientID), len(zuoratest.ClientSecret))
	}
}

func TestTokenAnswer(t *testing.T) {
	documented := regexp.MustCompile(`^\{"access_token":"([0-9a-f]{32})","expires_in":3599,"jti":"([0-9a-f]{32})","scope":"user\.[0-9a-f]+ entity\.[0-9a-f-]+ tenant\.19","token_type":"bearer"\}$`)
	c := newClient(t)
	first, second := documented.FindSubmatch(c.askToken().body), documented.FindSubmatch(c.askToken().body)
	if first == nil || second == nil || string(first[1]) == string(second[1]) || string(first[1]) == string(first[2]) {
		t.Errorf("got %s and %s, want two tokens", first, second)
	}
	if n := c.s.Counters(); n.TokensIssued != 3 || n.TokenRequests != 3 {
		t.Errorf("got %d tokens for %d requests, want 3 for 3", n.TokensIssued, n.TokenRequests)
	}
}

func TestBadTokenRequest(t *testing.T) {
	form := func(key, value string) url.Values {
		f := goodForm()
		f.Set(key, value)
		return f
	}
	for _, test := range []struct {
		name    string
		form    url.Values
		headers []string
		status  int
	}{
		{name: "wrong secret", form: form("client_secret", "guess"), status: 401},
		{name: "wrong id", form: form("client_id", "guess"), status: 401},
		{name: "other grant", form: form("grant_type", "password"), status: 400},
		{name: "no form", form: goodForm(), headers: []string{"Content-Type", "application/json"}, status: 400},
		{name: "Authorization header", form: goodForm(), headers: []string{"Authorization", "Bearer 1"}, status: 400},
		{name: "entity not to be sent", form: goodForm(), headers: []string{"Zuora-Entity-Ids", entityID}, status: 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newClient(t)
			c.postToken(test.form, test.headers...).wantPart(t, test.status, `{"error":`)
			if n := c.s.Counters().TokensIssued; n != 1 {
				t.Errorf("got %d tokens, want only the first", n)
			}
		})
	}
}

func TestTokenEndsWithItsLife(t *testing.T) {
	clk := newClock()
	c := newClient(t, zuoratest.WithClock(clk.Now))
	clk.advance(3599*time.Second - 1)
	c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
	clk.advance(1)
	c.job(zuoratest.SampleJobID).wantPart(t, 401, `"code":90000011`)
	c.renew()
	c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
}

func TestTokenLifeIsAnnounced(t *testing.T) {
	newClient(t, zuoratest.WithTokenLife(time.Minute)).askToken().wantPart(t, 200, `"expires_in":60,`)
}

func TestRevokedTokensAreRefused(t *testing.T) {
	c := newClient(t)
	c.s.RevokeTokens()
	c.job(zuoratest.SampleJobID).wantPart(t, 401, `"code":90000011`)
	c.renew()
	c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
}

func TestRotatedSecret(t *testing.T) {
	c := newClient(t)
	c.s.SetSecret("new=secret")
	c.askToken().wantPart(t, 401, "invalid_client")
	c.job(zuoratest.SampleJobID).want(t, 200, sampleAnswer)
	form := goodForm()
	form.Set("client_secret", "new=secret")
	c.postToken(form).wantPart(t, 200, "access_token")
}

func TestEntityIsNeededIfTokensCoverSeveral(t *testing.T) {
	c := newClient(t, zuoratest.WithEntity(entityID))
	c.askToken().wantPart(t, 400, "Zuora-Entity-Ids")
	c.askToken("Zuora-Entity-Ids", "other").wantPart(t, 400, "Zuora-Entity-Ids")
	c.token = regexp.MustCompile(`[0-9a-f]{32}`).FindString(string(c.askToken("Zuora-Entity-Ids", entityID).body))
	c.job(zuoratest.SampleJobID, "Zuora-Entity-Ids", entityID).want(t, 200, sampleAnswer)
	c.job(zuoratest.SampleJobID).wantPart(t, 400, "Zuora-Entity-Ids")
	newClient(t).job(zuoratest.SampleJobID, "Zuora-Entity-Ids", entityID).wantPart(t, 400, "Zuora-Entity-Ids")
}

func TestTokenLimitOfAnAddress(t *testing.T) {
	clk := newClock()
	c := newClient(t, zuoratest.WithClock(clk.Now), zuoratest.WithTokenLimit(2)) // It takes the first.
	c.askToken().wantPart(t, 200, "access_token")
	a := c.askToken()
	a.wantPart(t, http.StatusTooManyRequests, `"success":false`)
	if a.header.Get("X-RateLimit-Limit-minute") != "2" || a.header.Get("X-RateLimit-Remaining-minute") != "0" {
		t.Errorf("got the headers %v, want a limit of 2 with 0 remaining", a.header)
	}
	clk.advance(time.Minute)
	c.askToken().wantPart(t, 200, "access_token")
}
