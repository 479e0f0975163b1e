package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	promconfig "github.com/prometheus/common/config"
)

func readTenants(v value) ([]*Tenant, error) {
	tenants, err := list(v, readTenant)
	if err == nil && len(tenants) == 0 {
		err = v.errorf("must have at least one tenant")
	}
	return tenants, err
}

func readTenant(v value) (*Tenant, error) {
	var d draft
	if err := tenantKeys.read(v, &d); err != nil {
		return nil, err
	}
	t, c, place := d.Tenant, d.connection, d.sources[0].place
	c.name, c.maxConcurrentRequests = t.Name, t.MaxConcurrentRequests
	t.connection = func() connection { return c }
	t.Zuora = c.zuora
	t.Zuora.ClientSecret = func() (string, error) {
		secret, err := secretOf(c.secretKey, c.secret)
		if err != nil {
			err = fmt.Errorf("%s: %w (%s)", c.secretKey, err, place)
		}
		return secret, err
	}
	return &t, nil
}

func checkTenant(v value, d *draft) error {
	if err := d.proxy.Validate(); err != nil {
		return v.errorf("%w", err)
	}
	if d.zuora.TokenURL == nil {
		d.zuora.TokenURL = defaultTokenURL(d.zuora.BaseURL)
	}
	return nil
}

// checkTLS tries the settings: a missing or wrong file is then an error now and
// not at every request.
func checkTLS(v value, d *draft) error {
	c := &d.tls
	if err := c.Validate(); err != nil {
		return v.errorf("%w", err)
	}
	_, err := promconfig.NewTLSConfig(c)
	if err == nil {
		return nil
	}
	// A key is easily pasted where the name of its file should be, so neither
	// the content nor the path is quoted.
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		key := map[string]string{c.CAFile: "ca_file", c.CertFile: "cert_file", c.KeyFile: "key_file"}[pathErr.Path]
		return v.errorf("the file of %s cannot be read: %w", key, pathErr.Err)
	}
	switch message := err.Error(); {
	case strings.HasPrefix(message, "tls_config.max_version"):
		return v.errorf("max_version must not be below min_version")
	case strings.HasPrefix(message, "unable to use specified CA cert"):
		return v.errorf("there is no certificate in PEM format in ca or ca_file")
	default:
		return v.errorf("the client certificate and its key are not a pair in PEM format")
	}
}
