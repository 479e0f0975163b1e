package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// OAuth2 says how a tenant's tokens are obtained. None of it is ever printed
// or quoted in an error.
type OAuth2 struct {
	ClientID string
	// Secret is the client_secret of the file; empty where SecretFile is set.
	Secret Secret
	// SecretFile is the path of the file with the secret, which need not
	// exist before a token is needed; empty where Secret is set.
	SecretFile string
	// TokenURL is http or https; its default is <base_url>/oauth/token.
	TokenURL *url.URL
	// Scopes may be empty.
	Scopes []string
	// EndpointParams are further parameters of the token request. They hold
	// none of grant_type, client_id and client_secret.
	EndpointParams url.Values
}

// ClientSecret returns the inline secret or what is in SecretFile at this
// moment, without the white space around it. Its error names
// client_secret_file and the cause, but neither path nor content.
func (o *OAuth2) ClientSecret() (string, error) {
	if o.SecretFile == "" {
		return o.Secret.Reveal(), nil
	}
	content, err := readRegular(o.SecretFile, 64<<10)
	if err != nil {
		cause := errors.New("cannot be read")
		// The path may be a secret that was put under the wrong key, so
		// only what the system says about it is kept.
		if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
			cause = pathErr.Err
		}
		return "", fmt.Errorf("client_secret_file: %w", cause)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", errors.New("client_secret_file is empty")
	}
	return secret, nil
}

// readRegular reads a file that is a file: a pipe could keep us waiting for ever.
func readRegular(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() && !info.IsDir(): // of a directory the system says so
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is no regular file")}
	case info.Size() > limit:
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is larger than %d bytes", limit)}
	}
	return os.ReadFile(name)
}

// Format writes "<secret>" for every verb: even a client id or a parameter
// is more than a log should know.
func (OAuth2) Format(f fmt.State, _ rune) {
	io.WriteString(f, hidden)
}

// MarshalText returns "<secret>", as Format does.
func (OAuth2) MarshalText() ([]byte, error) {
	return []byte(hidden), nil
}

func readOAuth2(v value) (OAuth2, error) {
	v.hidden = true
	var o OAuth2
	readSecret := func(v value) error {
		secret, err := v.nonEmpty()
		o.Secret = NewSecret(secret)
		return err
	}
	fields := map[string]func(value) error{
		"client_id":          into(&o.ClientID, value.nonEmpty),
		"client_secret":      readSecret,
		"client_secret_file": into(&o.SecretFile, value.filePath),
		"token_url":          into(&o.TokenURL, readURL),
		"scopes":             into(&o.Scopes, readScopes),
		"endpoint_params":    into(&o.EndpointParams, readEndpointParams),
	}
	// The names that Prometheus knows beside these are no secrets, so those
	// who bring them along are told which one to remove.
	for _, key := range []string{
		"client_secret_ref", "client_certificate_key_id", "client_certificate_key",
		"client_certificate_key_file", "client_certificate_key_ref", "grant_type",
		"signature_algorithm", "iss", "audience", "claims", "tls_config", "proxy_url",
		"no_proxy", "proxy_from_environment", "proxy_connect_header",
	} {
		fields[key] = nil
	}
	if err := v.mapping(fields, "client_id"); err != nil {
		return OAuth2{}, err
	}
	if inline := o.Secret != (Secret{}); inline == (o.SecretFile != "") {
		return OAuth2{}, v.errorf("must have either client_secret or client_secret_file")
	}
	return o, nil
}

func readScopes(v value) ([]string, error) {
	return list(v, value.nonEmpty)
}

func readEndpointParams(v value) (url.Values, error) {
	entries, err := v.entries()
	if err != nil {
		return nil, err
	}
	params := url.Values{}
	for _, e := range entries {
		switch e.name {
		case "grant_type", "client_id", "client_secret":
			return nil, e.key.errorf("must not set grant_type, client_id or client_secret")
		}
		param, err := e.value.text()
		if err != nil {
			return nil, err
		}
		params.Set(e.name, param)
	}
	return params, nil
}
