package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClientSecret(t *testing.T) {
	inline := OAuth2{Secret: NewSecret("s3cret")}
	if got, err := inline.ClientSecret(); got != "s3cret" || err != nil {
		t.Errorf("inline: got %q, %v", got, err)
	}

	file := filepath.Join(t.TempDir(), "hunter2")
	o := OAuth2{SecretFile: file}
	_, err := o.ClientSecret()
	if err == nil || err.Error() != "client_secret_file: no such file or directory" {
		t.Errorf("missing: got %v", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v is not fs.ErrNotExist", err)
	}
	for _, tt := range []struct{ name, content, want, err string }{
		{name: "first", content: " a=b+/&\n", want: "a=b+/&"},
		{name: "rotated", content: "second\r\n", want: "second"},
		{name: "empty", content: "", err: "client_secret_file is empty"},
		{name: "blank", content: " \n\t\n", err: "client_secret_file is empty"},
		{name: "again", content: "third", want: "third"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := o.ClientSecret()
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || err.Error() != tt.err) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}

	o.SecretFile = filepath.Dir(file)
	if _, err := o.ClientSecret(); err == nil || err.Error() != "client_secret_file: is a directory" {
		t.Errorf("directory: got %v", err)
	}
	o.SecretFile = os.DevNull
	if _, err := o.ClientSecret(); err == nil || err.Error() != "client_secret_file: is no regular file" {
		t.Errorf("device: got %v", err)
	}
	o.SecretFile = file
	if err := os.Truncate(file, 1<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ClientSecret(); err == nil || err.Error() != "client_secret_file: is larger than 65536 bytes" {
		t.Errorf("large: got %v", err)
	}
	if os.Getuid() != 0 {
		if err := os.Chmod(file, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := o.ClientSecret(); err == nil || err.Error() != "client_secret_file: permission denied" {
			t.Errorf("unreadable: got %v", err)
		}
	}
}

func TestOAuth2Errors(t *testing.T) {
	tests := []struct{ name, oauth2, want string }{
		{name: "text", oauth2: "x", want: "4: tenants[0].oauth2: must be a mapping, not a single value"},
		{name: "no client_id", oauth2: "{client_secret: x}", want: "4: tenants[0].oauth2.client_id: is missing"},
		{name: "empty client_id", oauth2: "{client_id: ''}", want: "4: tenants[0].oauth2.client_id: must not be empty"},
		{name: "no secret", oauth2: "{client_id: x}", want: "4: tenants[0].oauth2: must have either client_secret or client_secret_file"},
		{name: "two secrets", oauth2: "{client_id: x, client_secret: x, client_secret_file: x}", want: "4: tenants[0].oauth2: must have either client_secret or client_secret_file"},
		{name: "empty secret", oauth2: "{client_id: x, client_secret: ''}", want: "4: tenants[0].oauth2.client_secret: must not be empty"},
		{name: "null secret", oauth2: "{client_id: x, client_secret: }", want: "4: tenants[0].oauth2.client_secret: must be a single value, but nothing is given"},
		{name: "empty file", oauth2: "{client_id: x, client_secret_file: ''}", want: "4: tenants[0].oauth2.client_secret_file: must not be empty"},
		{name: "unknown key", oauth2: "\n      client_id: x\n      client_sekret: x", want: "6: tenants[0].oauth2: unknown key"},
		{name: "duplicate key", oauth2: "\n      client_id: x\n      client_id: x", want: "6: tenants[0].oauth2.client_id: duplicate key, first on line 5"},
		{name: "duplicate unknown key", oauth2: "\n      client_sekret: x\n      client_sekret: x", want: "6: tenants[0].oauth2: duplicate key, first on line 5"},
		{name: "key of Prometheus", oauth2: "\n      client_id: x\n      tls_config: {}", want: "6: tenants[0].oauth2.tls_config: is not supported here"},
		{name: "token_url with password", oauth2: "{token_url: 'https://u:p@h'}", want: "4: tenants[0].oauth2.token_url: must not hold a user name or password"},
		{name: "scopes as text", oauth2: "{scopes: a b}", want: "4: tenants[0].oauth2.scopes: must be a list, not a single value"},
		{name: "empty scope", oauth2: "{scopes: [a, '']}", want: "4: tenants[0].oauth2.scopes[1]: must not be empty"},
		{name: "parameter null", oauth2: "{endpoint_params: {a: }}", want: "4: tenants[0].oauth2.endpoint_params: must be a single value, but nothing is given"},
		{name: "parameter grant_type", oauth2: "{endpoint_params: {grant_type: x}}", want: "4: tenants[0].oauth2.endpoint_params: must not set grant_type, client_id or client_secret"},
		{name: "parameter client_id", oauth2: "{endpoint_params: {client_id: x}}", want: "4: tenants[0].oauth2.endpoint_params: must not set grant_type, client_id or client_secret"},
		{name: "parameter client_secret", oauth2: "{endpoint_params: {client_secret: x}}", want: "4: tenants[0].oauth2.endpoint_params: must not set grant_type, client_id or client_secret"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("test.yml", []byte(strings.Replace(minimal, "{client_id: id, client_secret: s3cret}", tt.oauth2, 1)))
			if want := "test.yml:" + tt.want; err == nil || err.Error() != want {
				t.Errorf("\n got %v\nwant %s", err, want)
			}
		})
	}
}
