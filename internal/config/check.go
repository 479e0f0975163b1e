package config

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	promconfig "github.com/prometheus/common/config"

	"github.com/zuora-exporter/zuora_exporter/zuora"
)

const isMissing = "is missing or has no value"

var (
	visibleASCII   = regexp.MustCompile(`^[!-~]*$`)
	numericVersion = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	// plainName is a name of a label or of an environment variable.
	plainName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	// headerName is a token of RFC 9110.
	headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

	// ownLabels are the exporter's and those that Prometheus sets.
	ownLabels = []string{
		"code", "endpoint", "instance", "job", "job_id", "le", "object_type",
		"operation", "quantile", "reason", "status", "tenant", "type",
	}
	// targetLabels are those that the Prometheus operator sets on each target.
	targetLabels = []string{"namespace", "pod", "service", "container", "node"}
)

// check checks the values of the file, and completes them.
func (d *document) check() {
	d.refuse(len(d.config.Tenants) == 0, "tenants", "needs at least one tenant")
	line := map[string]int{} // of each name
	for i, t := range d.config.Tenants {
		at := fmt.Sprintf("tenants[%d]", i)
		_, notADate := time.Parse(time.DateOnly, t.APIVersion)
		n, reserve := t.MaxConcurrentRequests, t.RateLimitReserve
		d.refuse(t.Name == "", at+".name", isMissing)
		d.refuse(strings.ContainsFunc(t.Name, isInvisible), at+".name", "must have printable characters only")
		d.refuse(line[t.Name] > 0, at+".name", fmt.Sprintf("is also the name of the tenant on line %d", line[t.Name]))
		d.refuse(t.BaseURL.URL == nil, at+".base_url", isMissing)
		d.refuse(!visibleASCII.MatchString(t.EntityID), at+".entity_id", "must be visible ASCII characters")
		d.refuse(notADate != nil && !numericVersion.MatchString(t.APIVersion), at+".api_version", "must be a date such as 2025-08-12 or a number such as 341.0")
		d.refuse(t.RequestTimeout == 0, at+".request_timeout", "must be more than 0s")
		d.refuse(n != math.Trunc(n) || n < 1 || n > math.MaxInt32, at+".max_concurrent_requests", "must be a whole number from 1 up")
		d.refuse(!(reserve >= 0 && reserve < 1), at+".rate_limit_reserve", "must be a number from 0 to below 1, such as 0.05 for 5 %")
		line[t.Name] = d.line(at + ".name")
		if d.err != nil {
			return
		}
		d.checkURLs(at, t)
		d.checkProxy(at, t)
		d.checkOAuth2(at+".oauth2", &t.OAuth2)
		d.checkTLS(at+".tls_config", t)
		d.checkJobs(at, t.Jobs)
	}
}

func isInvisible(r rune) bool { return !unicode.IsPrint(r) }

func (d *document) checkURLs(at string, t *Tenant) {
	base, path := t.BaseURL.URL, at+".base_url"
	d.checkServer(path, base)
	base.Path, base.RawPath = strings.TrimRight(base.Path, "/"), strings.TrimRight(base.RawPath, "/")
	lower := strings.ToLower(base.Path)
	isDeep := slices.Contains(strings.Split(lower, "/"), "v1") || strings.HasSuffix(lower, "/oauth/token")
	d.refuse(base.RawQuery != "" || base.ForceQuery, path, "must not have a query (?)")
	d.refuse(isDeep, path, "must end before /v1 or /oauth/token, because the exporter adds these")
	if token := t.OAuth2.TokenURL.URL; token != nil {
		d.checkServer(at+".oauth2.token_url", token)
		return
	}
	t.OAuth2.TokenURL.URL = base.JoinPath("oauth/token")
}

// checkServer checks the URL of a server that gets the secret or a token.
func (d *document) checkServer(path string, u *url.URL) {
	isLocal := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	d.doubt(u.Scheme == "http" && !isLocal, path, "http:// sends secrets unencrypted; use https://")
	d.checkURL(path, u, "http", "https")
	// A password with a slash ends in the path.
	d.refuse(u.User != nil || strings.Contains(u.Path, "@"), path, "must not have a user name or password")
	d.refuse(u.Fragment != "", path, "must not have a fragment (#)")
}

func (d *document) checkURL(path string, u *url.URL, schemes ...string) {
	_, badPort := strconv.ParseUint(u.Port(), 10, 16)
	d.refuse(strings.ContainsFunc(u.Host+u.Path, isInvisible), path, "has an invisible character, such as a zero-width space: type it anew")
	d.refuse(u.Hostname() == "" || u.Scheme == "", path, notURL)
	d.refuse(strings.ContainsAny(u.Host+u.Path, "<>{}$"), path, isPlaceholder)
	d.refuse(!slices.Contains(schemes, u.Scheme), path, "must begin with one of "+strings.Join(schemes, "://, ")+"://")
	d.refuse(slices.Contains(schemes, u.Hostname()), path, "has its scheme twice")
	d.refuse(badPort != nil && u.Port() != "", path, "has a port above 65535")
}

func (d *document) checkProxy(at string, t *Tenant) {
	p, path := &t.ProxyConfig, at+".proxy_url"
	err := p.Validate()
	d.refuse(err != nil, at, fmt.Sprint(err)) // it names keys only
	if u := p.ProxyURL.URL; u != nil {
		d.checkURL(path, u, "http", "https", "socks5", "socks5h")
		// If a password has one of these, net/http takes its beginning for the
		// host and the port, which it shows.
		isLong := strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != ""
		d.refuse(isLong, path, "must end after the host and the port"+inPassword)
		password, set := u.User.Password()
		d.doubt(set && shortSecret.MatchString(password), path, "has a password of "+tooShort)
	}
	isBroken := func(value promconfig.Secret) bool { return strings.ContainsAny(string(value), "\r\n") }
	for name, values := range p.ProxyConnectHeader {
		// net/http would leave it out silently.
		wrong := !headerName.MatchString(name) || slices.ContainsFunc(values, isBroken)
		d.refuse(wrong, at+".proxy_connect_header", "has a name or a value that no header can have")
	}
	environment := promconfig.ProxyConfig{ProxyFromEnvironment: true}
	proxy, _ := environment.Proxy()(&http.Request{URL: t.BaseURL.URL})
	_, isDecided := d.lines[at+".proxy_from_environment"]
	d.doubt(proxy != nil && p.ProxyURL.URL == nil && !isDecided, at, "the environment has a proxy (HTTPS_PROXY), but this tenant uses none: set proxy_from_environment to true, or to false if that is meant")
}

func (d *document) checkJobs(at string, jobs []Job) {
	line := map[string]int{} // of each job
	for i, job := range jobs {
		at, id, wrong := fmt.Sprintf("%s.jobs[%d]", at, i), zuora.CanonicalJobID(job.ID), zuora.CheckJobID(job.ID)
		d.refuse(job.ID == "", at+".id", isMissing)
		d.refuse(wrong != nil, at+".id", fmt.Sprint(wrong))
		// Zuora writes the same id with and without hyphens.
		d.refuse(line[id] > 0, at+".id", fmt.Sprintf("is the same job as on line %d", line[id]))
		line[id] = d.line(at + ".id")
		for _, name := range slices.Sorted(maps.Keys(job.Labels)) {
			path, isKnown := join(at+".labels", name), slices.Contains(d.config.LabelNames, name)
			d.refuse(!plainName.MatchString(name), path, "a label name has letters, digits and underscores, and does not begin with a digit")
			d.refuse(strings.HasPrefix(name, "__") || slices.Contains(ownLabels, name), path, "the label name is already used by the exporter or by Prometheus")
			d.doubt(slices.Contains(targetLabels, name) && !isKnown, path, "Prometheus often sets this label on each target, and then renames this one to exported_"+name)
			if !isKnown {
				d.config.LabelNames = append(d.config.LabelNames, name)
			}
		}
		// Rules and boards compare the label with the ids as they are written.
		repairs, path := job.Labels["repairs"], at+".labels.repairs"
		isRepaired := func(o Job) bool { return o.ID == repairs && o.ID != job.ID }
		repairsBack := func(o Job) bool { return isRepaired(o) && o.Labels["repairs"] == job.ID }
		d.doubt(repairs != "" && zuora.CheckJobID(repairs) != nil, path, "is not the id of a job, so it repairs nothing")
		d.doubt(repairs != "" && !slices.ContainsFunc(jobs, isRepaired), path, "no other job of this tenant has the id "+repairs+", written in this way, so it repairs nothing")
		d.doubt(slices.ContainsFunc(jobs, repairsBack), path, "the two jobs repair each other, so their objects are in no sum")
	}
}
