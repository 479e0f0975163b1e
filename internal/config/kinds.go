package config

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// kind is a kind of value: its name on the page, its JSON schema, and how it is
// read.
type kind[V any] struct {
	name   string
	schema object
	read   func(value) (V, error)
}

var (
	text    = kind[string]{"string", stringOf(""), value.text}
	pemText = kind[string]{"string: PEM", stringOf(""), value.text}
	filled  = kind[string]{"string", notEmpty, nonEmpty}
	path    = kind[string]{"path", notEmpty, filePath}
	scopes  = kind[[]string]{"list of strings", listOf(notEmpty), func(v value) ([]string, error) { return list(v, nonEmpty) }}

	boolean = kind[bool]{"boolean", object{"type": "boolean"}, readBoolean}
	count   = kind[int]{
		"integer from 1 up",
		object{"type": "integer", "minimum": 1},
		parsed("must be a whole number from 1 up", func(text string) (int, bool) {
			// Much less than the largest integer, because the transport adds to it.
			n, err := strconv.ParseUint(text, 10, strconv.IntSize-2)
			return int(n), err == nil && n > 0
		}),
	}
	fraction = kind[float64]{
		"number from 0 to below 1",
		object{"type": "number", "minimum": 0, "exclusiveMaximum": 1},
		parsed("must be a number from 0 to below 1", func(text string) (float64, bool) {
			f, err := strconv.ParseFloat(text, 64)
			return f, err == nil && f >= 0 && f < 1
		}),
	}
	duration = kind[time.Duration]{
		"duration",
		object{
			"if":   object{"not": object{"const": 0}}, // 0 is the only number that needs no unit.
			"then": object{"type": "string", "pattern": units + "|^0$", "minLength": 1},
		},
		parsed("must be a duration with its unit, such as 30s or 1m30s", func(text string) (time.Duration, bool) {
			d, err := model.ParseDuration(text)
			return time.Duration(d), err == nil
		}),
	}
	positiveDuration = kind[time.Duration]{
		"duration above `0s`",
		object{"type": "string", "pattern": units, "not": object{"pattern": "^[^1-9]*$"}},
		func(v value) (time.Duration, error) {
			d, err := duration.read(v)
			if err == nil && d == 0 {
				err = v.errorf("must be more than 0s")
			}
			return d, err
		},
	}

	tenantName = kind[string]{"string", notEmpty, readTenantName}
	entityID   = kind[string]{"string", stringOf(visibleASCII.String()), matching(visibleASCII, "must be visible ASCII characters")}
	apiVersion = kind[string]{
		"string: a date, or an older number", stringOf("^[0-9]{4}-[0-9]{2}-[0-9]{2}$|" + numericVersion.String()),
		parsed("must be a date such as 2025-08-12 or a number such as 341.0", func(text string) (string, bool) {
			_, err := time.Parse(time.DateOnly, text)
			return text, err == nil || numericVersion.MatchString(text)
		}),
	}
	tlsVersion = kind[promconfig.TLSVersion]{
		"`TLS10`, `TLS11`, `TLS12` or `TLS13`",
		object{"enum": []string{"TLS10", "TLS11", "TLS12", "TLS13"}},
		parsed("must be one of TLS10, TLS11, TLS12, TLS13", func(text string) (promconfig.TLSVersion, bool) {
			version, known := promconfig.TLSVersions[text]
			return version, known
		}),
	}

	params  = kind[url.Values]{"mapping of strings", mappingOf(object{"not": object{"enum": ownParams}}, stringOf("")), readParams}
	headers = kind[promconfig.ProxyHeader]{"mapping of lists of strings", mappingOf(object{"pattern": headerName.String()}, listOf(stringOf(oneLine.String()))), readHeaders}
	tenants = kind[[]*Tenant]{"list of [tenants](#a-tenant)", object{"type": "array", "items": ref("tenant"), "minItems": 1}, readTenants}
)

// stringOf accepts numbers and booleans too, because the reader takes every
// single value as text.
func stringOf(pattern string) object {
	o := object{"type": []string{"string", "number", "boolean"}}
	if pattern != "" {
		o["pattern"] = pattern
	}
	return o
}

var notEmpty = object{"type": stringOf("")["type"], "minLength": 1}

func listOf(o object) object { return object{"type": "array", "items": o} }

func mappingOf(names, values object) object {
	return object{"type": "object", "propertyNames": names, "additionalProperties": values}
}

// units are those of model.ParseDuration.
const units = "^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"

var (
	visibleASCII   = regexp.MustCompile(`^[!-~]+$`)
	numericVersion = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	oneLine        = regexp.MustCompile(`^[^\r\n]*$`)
	// headerName is a token of RFC 9110. net/http silently leaves out a header
	// with another name.
	headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

	// ownParams are the parameters of the token request that the exporter sets.
	ownParams = []string{"grant_type", "client_id", "client_secret"}
)

// parsed reads text that parse accepts. The problem is the error of other text.
func parsed[V any](problem string, parse func(string) (V, bool)) func(value) (V, error) {
	return func(v value) (V, error) {
		text, err := v.text()
		parsed, ok := parse(text)
		if err == nil && !ok {
			err = v.errorf("%s", problem)
		}
		return parsed, err
	}
}

// matching reads text that matches the pattern.
func matching(pattern *regexp.Regexp, problem string) func(value) (string, error) {
	return parsed(problem, func(text string) (string, bool) { return text, pattern.MatchString(text) })
}

var nonEmpty = matching(regexp.MustCompile(`(?s).`), "must not be empty")

// filePath returns a path; a relative one starts at the file's directory.
func filePath(v value) (string, error) {
	path, err := nonEmpty(v)
	return promconfig.JoinDir(v.doc.dir, path), err
}

func readTenantName(v value) (string, error) {
	name, err := nonEmpty(v)
	if err != nil {
		return "", err
	}
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", v.errorf("must have printable characters only")
	}
	if line := v.once(name); line > 0 {
		return "", v.errorf("is also the name of the tenant on line %d", line)
	}
	return name, nil
}

func readBoolean(v value) (bool, error) {
	text, err := v.text()
	if err == nil && v.node.ShortTag() != "!!bool" {
		err = v.errorf("must be true or false")
	}
	return strings.EqualFold(text, "true"), err
}

func readHeaders(v value) (promconfig.ProxyHeader, error) {
	line := matching(oneLine, "must be one line")
	return named(v, func(key value, name string) error {
		if !headerName.MatchString(name) {
			return key.errorf("has a key that is no name of a header")
		}
		return nil
	}, func(v value) ([]promconfig.Secret, error) {
		return list(v, func(v value) (promconfig.Secret, error) {
			text, err := line(v)
			return promconfig.Secret(text), err
		})
	})
}

func readParams(v value) (url.Values, error) {
	return named(v, func(key value, name string) error {
		if slices.Contains(ownParams, name) {
			return key.errorf("must not set grant_type, client_id or client_secret")
		}
		return nil
	}, func(v value) ([]string, error) {
		text, err := v.text()
		return []string{text}, err
	})
}
