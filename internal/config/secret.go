package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
)

// No error or warning here quotes a secret, nor a path or the name of a
// variable, because a user may have put the secret itself there.

const (
	isPlaceholder = "looks like a placeholder, and the exporter replaces none"
	takesVariable = "; client_secret_env takes the name of an environment variable"
	notExpanded   = "cannot be read: ~ and $ in a path are not expanded"
	tooShort      = "fewer than 8 letters and digits: a text that repeats it is hard to recognise"
)

var (
	errNUL = errors.New("has a NUL, as text in UTF-16 does: save it as UTF-8")

	placeholder     = regexp.MustCompile(`(?s)\$\{.*\}|\$\(.*\)|\{\{.*\}\}|^ENC\[.*\]$|^vault:`)
	likePlaceholder = regexp.MustCompile(`^(\$\w+|<.*>)$`)
	quoted          = regexp.MustCompile(`(?s)^(".*"|'.*')$`)
	assignment      = regexp.MustCompile(`^(export )?([A-Z]+_[A-Z_]+|\w*(?i:secret|client|password|token|zuora)\w*) *=.`)
	shortSecret     = regexp.MustCompile(`^[^0-9A-Za-z]*([0-9A-Za-z][^0-9A-Za-z]*){0,7}$`)

	// ownParams are the parameters of the token request that the exporter sets.
	ownParams = []string{"grant_type", "client_id", "client_secret"}
)

func (d *document) checkOAuth2(at string, o *OAuth2) {
	given := 0
	for key, value := range map[string]string{
		"client_secret": string(o.ClientSecret), "client_secret_file": o.ClientSecretFile, "client_secret_env": o.ClientSecretEnv,
	} {
		if value != "" {
			o.key, given = key, given+1
		}
	}
	idPath, path := at+".client_id", at+"."+o.key
	o.place = fmt.Sprintf("%s:%d", d.name, d.line(path))
	o.ClientSecretFile = promconfig.JoinDir(filepath.Dir(d.name), o.ClientSecretFile)
	isOwn := func(name string) bool { _, set := o.EndpointParams[name]; return set }
	// What cannot be read now may be there when a token is needed.
	secret, err := within(time.Second, o.Secret, errors.New("no end of the file"))
	d.refuse(o.ClientID == "", idPath, isMissing)
	d.refuse(given == 0, at, "needs client_secret, client_secret_file or client_secret_env with a value; a text that begins with # & * or ! needs quotes")
	d.refuse(given > 1, at, "must have only one of client_secret, client_secret_file, client_secret_env")
	d.refuse(o.ClientSecretEnv != "" && !plainName.MatchString(o.ClientSecretEnv), path, "must be the name of an environment variable, without $")
	d.refuse(placeholder.MatchString(o.ClientID), idPath, isPlaceholder)
	d.refuse(placeholder.MatchString(string(o.ClientSecret)), path, isPlaceholder+takesVariable)
	d.refuse(errors.Is(err, errNUL), path, errNUL.Error())
	d.refuse(strings.Contains(o.ClientID, "\x00"), idPath, errNUL.Error())
	d.refuse(slices.ContainsFunc(ownParams, isOwn), at+".endpoint_params", "must not set grant_type, client_id or client_secret")
	d.doubt(err != nil && isUnexpanded(o.ClientSecretFile), path, notExpanded)
	d.doubtText(idPath, o.ClientID)
	d.doubtText(path, secret)
	isShort := err == nil && shortSecret.MatchString(secret)
	d.doubt(isShort, path, "has "+tooShort)
}

// doubtText warns of what a client id or secret can be, but hardly ever is.
func (d *document) doubtText(path, text string) {
	d.doubt(placeholder.MatchString(text) || likePlaceholder.MatchString(text), path, isPlaceholder)
	d.doubt(quoted.MatchString(text), path, "is in quotes, which are sent as a part of it")
	d.doubt(strings.ContainsAny(text, "\r\n"), path, "has more than one line, and all of them are sent")
	d.doubt(assignment.MatchString(text), path, "looks like NAME=value, and all of it is sent")
	d.doubt(!visibleASCII.MatchString(text), path, "has a character that is not visible ASCII, such as a space or a zero-width space")
}

func isUnexpanded(path string) bool { return strings.ContainsAny(path, "~$") }

// Secret returns the client secret of this moment. Its errors name the key and
// its place.
func (o *OAuth2) Secret() (text string, err error) {
	text, set := string(o.ClientSecret), true
	switch {
	case o.ClientSecretFile != "":
		text, err = readSecretFile(o.ClientSecretFile)
	case o.ClientSecretEnv != "":
		text, set = os.LookupEnv(o.ClientSecretEnv)
	}
	switch text = strings.TrimFunc(text, isBlank); {
	case err != nil:
	case !set:
		err = errors.New("the environment variable is not set")
	case text == "":
		err = errors.New("is empty")
	case strings.Contains(text, "\x00"):
		err = errNUL
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w (%s)", o.key, err, o.place)
	}
	return text, nil
}

func readSecretFile(path string) (string, error) {
	const limit = 64 << 10
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", errors.Unwrap(err) // without the path
	case !info.Mode().IsRegular(): // A pipe might never end.
		return "", errors.New("is not a regular file")
	case info.Size() > limit:
		return "", fmt.Errorf("is larger than %d bytes", limit)
	}
	content, err := os.ReadFile(path)
	return string(content), errors.Unwrap(err)
}

// checkTLS tries the settings: a missing or wrong file is then an error now and
// not at every request.
func (d *document) checkTLS(at string, t *Tenant) {
	c := (*promconfig.TLSConfig)(&t.TLS)
	c.SetDirectory(filepath.Dir(d.name))
	d.refuse(c.Validate() != nil, at, "takes either ca or ca_file, and a client certificate (cert or cert_file) only together with its key (key or key_file)")
	d.refuse(c.MaxVersion != 0 && c.MinVersion > c.MaxVersion, at, "max_version must not be below min_version")
	ca := c.CA
	for _, f := range []struct{ key, path string }{
		{at + ".cert_file", c.CertFile}, {at + ".key_file", c.KeyFile}, {at + ".ca_file", c.CAFile},
	} {
		if f.path == "" {
			continue
		}
		content, err := os.ReadFile(f.path)
		d.refuse(err != nil && isUnexpanded(f.path), f.key, notExpanded)
		d.refuse(err != nil, f.key, fmt.Sprint("cannot be read: ", errors.Unwrap(err)))
		if f.path == c.CAFile {
			ca = string(content)
		}
	}
	d.refuse(c.CA+c.CAFile != "" && !areCertificates(ca), at, "each block of ca or ca_file must be a certificate in PEM format")
	if d.err == nil {
		var err error
		t.transport, err = t.newTransport()
		d.refuse(err != nil, at, "the client certificate and its key are not a pair in PEM format")
	}
}

// areCertificates is false if crypto/x509 would silently leave out a part.
func areCertificates(bundle string) bool {
	good := 0
	for block, rest := pem.Decode([]byte(bundle)); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
			return false
		}
		good++
	}
	return good > 0 && strings.Count(bundle, "BEGIN CERTIFICATE") == good && strings.Count(bundle, "END CERTIFICATE") == good
}
