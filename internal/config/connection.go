package config

import (
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

// readProxyURL reads a proxy's URL, in which there may be a password. As in
// Prometheus, an empty one is none.
func readProxyURL(v value) (promconfig.URL, error) {
	text, err := v.text()
	if err != nil || text == "" {
		return promconfig.URL{}, err
	}
	u, err := anyURL(v, "http", "https", "socks5", "socks5h")
	if err != nil {
		return promconfig.URL{}, err
	}
	// Where one of these is in a password, its beginning passes for the host
	// and the port, and they are no secret to net/http.
	if strings.Trim(u.Path, "/") != "" || strings.ContainsAny(text, "?#") {
		return promconfig.URL{}, v.errorf("must end after the host and the port; in a password, write / ? # as %%2F %%3F %%23")
	}
	return promconfig.URL{URL: u}, nil
}

// headerName is what RFC 9110 calls a token; net/http would leave out a header
// of another name without a word.
var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func readProxyConnectHeader(v value) (promconfig.ProxyHeader, error) {
	v.hidden = true
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	header := promconfig.ProxyHeader{}
	for _, e := range entries {
		if !headerName.MatchString(e.name) {
			return nil, e.key.errorf("has a key that is no name of a header")
		}
		if header[e.name], err = list(e.value, readHeaderValue); err != nil {
			return nil, err
		}
	}
	return header, nil
}

func readHeaderValue(v value) (promconfig.Secret, error) {
	text, err := v.text()
	if err == nil && strings.ContainsAny(text, "\r\n") {
		err = v.errorf("must be one line")
	}
	return promconfig.Secret(text), err
}

// readTLSConfig reads a tls_config and tries it, so that a file that is
// missing or wrong is noticed now and not at every request.
func readTLSConfig(v value) (*promconfig.TLSConfig, error) {
	// A PEM block with a wrong indentation ends up as a key.
	v.hidden = true
	c := new(promconfig.TLSConfig)
	if err := v.mapping(map[string]func(value) error{
		"ca":                   into(&c.CA, value.text),
		"cert":                 into(&c.Cert, value.text),
		"key":                  into((*string)(&c.Key), value.text),
		"ca_file":              into(&c.CAFile, value.filePath),
		"cert_file":            into(&c.CertFile, value.filePath),
		"key_file":             into(&c.KeyFile, value.filePath),
		"server_name":          into(&c.ServerName, value.text),
		"insecure_skip_verify": into(&c.InsecureSkipVerify, value.boolean),
		"min_version":          into(&c.MinVersion, readTLSVersion),
		"max_version":          into(&c.MaxVersion, readTLSVersion),
	}); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, v.errorf("%w", err)
	}
	if err := tryTLS(c); err != nil {
		return nil, v.errorf("%w", err)
	}
	return c, nil
}

func readTLSVersion(v value) (promconfig.TLSVersion, error) {
	text, err := v.text()
	if err != nil {
		return 0, err
	}
	version, known := promconfig.TLSVersions[text]
	if !known {
		return 0, v.errorf("must be one of %s", strings.Join(slices.Sorted(maps.Keys(promconfig.TLSVersions)), ", "))
	}
	return version, nil
}

// tryTLS returns what is wrong with the files or the inline texts of c. It
// quotes neither what is in them nor their paths, as a key is easily pasted
// where the name of its file should be.
func tryTLS(c *promconfig.TLSConfig) error {
	_, err := promconfig.NewTLSConfig(c)
	if err == nil {
		return nil
	}
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		key := map[string]string{c.CAFile: "ca_file", c.CertFile: "cert_file", c.KeyFile: "key_file"}[pathErr.Path]
		return errors.New("the file of " + key + " cannot be read: " + pathErr.Err.Error())
	}
	switch message := err.Error(); {
	case strings.HasPrefix(message, "tls_config.max_version"):
		return errors.New("max_version must not be below min_version")
	case strings.HasPrefix(message, "unable to use specified CA cert"):
		return errors.New("there is no certificate in PEM format in ca or ca_file")
	default:
		return errors.New("the client certificate and its key are not a pair in PEM format")
	}
}
