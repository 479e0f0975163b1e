package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// clientSecretOf returns what the client of a tenant with these keys gets.
func clientSecretOf(t *testing.T, keys string) (string, error) {
	t.Helper()
	c := parse(t, strings.Replace(minimal, "client_secret: s3cret", keys, 1))
	return c.Tenants[0].Zuora.ClientSecret()
}

func TestClientSecret(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, content)
		return path
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	unreadable := write("unreadable", "hunter2")
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ZUORA_TEST_SECRET", " a=b+/&\n")
	t.Setenv("ZUORA_TEST_EMPTY", "")
	t.Setenv("ZUORA_TEST_BLANK", " \n")
	tests := []struct{ name, keys, want, err string }{
		{name: "inline", keys: "client_secret: s3cret", want: "s3cret"},
		{name: "inline with a dollar", keys: "client_secret: $HOME", want: "$HOME"},
		{name: "file", keys: "client_secret_file: " + write("file", " a=b+/&\n"), want: "a=b+/&"},
		{name: "file with CRLF", keys: "client_secret_file: " + write("crlf", "second\r\n"), want: "second"},
		{name: "no file", keys: "client_secret_file: " + dir + "/hunter2", err: "client_secret_file: no such file or directory"},
		{name: "empty file", keys: "client_secret_file: " + write("empty", ""), err: "client_secret_file: the file is empty"},
		{name: "blank file", keys: "client_secret_file: " + write("blank", " \n\t\n"), err: "client_secret_file: the file is empty"},
		{name: "directory", keys: "client_secret_file: " + dir, err: "client_secret_file: is a directory"},
		{name: "device", keys: "client_secret_file: " + os.DevNull, err: "client_secret_file: is not a regular file"},
		{name: "pipe", keys: "client_secret_file: " + pipe, err: "client_secret_file: is not a regular file"},
		{name: "large file", keys: "client_secret_file: " + write("large", strings.Repeat("x", 1<<20)), err: "client_secret_file: is larger than 65536 bytes"},
		{name: "unreadable file", keys: "client_secret_file: " + unreadable, err: "client_secret_file: permission denied"},
		{name: "variable", keys: "client_secret_env: ZUORA_TEST_SECRET", want: "a=b+/&"},
		{name: "no variable", keys: "client_secret_env: hunter2", err: "client_secret_env: the environment variable is not set"},
		{name: "empty variable", keys: "client_secret_env: ZUORA_TEST_EMPTY", err: "client_secret_env: the environment variable is empty"},
		{name: "blank variable", keys: "client_secret_env: ZUORA_TEST_BLANK", err: "client_secret_env: the environment variable is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "unreadable file" && os.Getuid() == 0 {
				t.Skip("root reads every file")
			}
			got, err := clientSecretOf(t, tt.keys)
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if want := tt.err + " (dir/test.yml:4)"; tt.err != "" && (err == nil || err.Error() != want) {
				t.Errorf("got error %v, want %s", err, want)
			} else if tt.err == "" && err != nil {
				t.Errorf("got error %v, want none", err)
			}
		})
	}
	if _, err := clientSecretOf(t, "client_secret_file: "+dir+"/hunter2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v, want an fs.ErrNotExist", err)
	}
}

// The secret is read for every token, so a new one needs no reload.
func TestClientSecretIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	c := parse(t, strings.Replace(minimal, "client_secret: s3cret", "client_secret_file: "+file, 1)+
		"  - {name: env, base_url: 'https://h', oauth2: {client_id: id, client_secret_env: ZUORA_TEST_SECRET}}\n")
	for _, want := range []string{"first", "second"} {
		writeFile(t, file, want)
		t.Setenv("ZUORA_TEST_SECRET", want)
		for _, tenant := range c.Tenants {
			if got, err := tenant.Zuora.ClientSecret(); got != want || err != nil {
				t.Errorf("tenant %s: got %q, %v, want %q", tenant.Name, got, err, want)
			}
		}
	}
}

func TestOAuth2Errors(t *testing.T) {
	tests := []struct{ name, oauth2, want string }{
		{name: "text", oauth2: "x", want: "4: tenants[0].oauth2: must be a mapping, not a single value"},
		{name: "no client_id", oauth2: "{client_secret: x}", want: "4: tenants[0].oauth2.client_id: is missing"},
		{name: "empty client_id", oauth2: "{client_id: ''}", want: "4: tenants[0].oauth2.client_id: must not be empty"},
		{name: "no secret", oauth2: "{client_id: x}", want: "4: tenants[0].oauth2: needs exactly one of client_secret, client_secret_file, client_secret_env; none is given"},
		{name: "two secrets", oauth2: "{client_id: x, client_secret: x, client_secret_file: x}", want: "4: tenants[0].oauth2: needs exactly one of client_secret, client_secret_file, client_secret_env; 2 are given"},
		{name: "three secrets", oauth2: "{client_id: x, client_secret: x, client_secret_file: x, client_secret_env: x}", want: "4: tenants[0].oauth2: needs exactly one of client_secret, client_secret_file, client_secret_env; 3 are given"},
		{name: "variable with a dollar", oauth2: "{client_id: x, client_secret_env: $ZUORA_SECRET}", want: "4: tenants[0].oauth2.client_secret_env: must be the name of an environment variable, without $"},
		{name: "empty variable", oauth2: "{client_id: x, client_secret_env: ''}", want: "4: tenants[0].oauth2.client_secret_env: must be the name of an environment variable, without $"},
		{name: "empty secret", oauth2: "{client_id: x, client_secret: ''}", want: "4: tenants[0].oauth2.client_secret: must not be empty"},
		{name: "null secret", oauth2: "{client_id: x, client_secret: }", want: "4: tenants[0].oauth2.client_secret: must be a single value, but nothing is given"},
		{name: "empty file", oauth2: "{client_id: x, client_secret_file: ''}", want: "4: tenants[0].oauth2.client_secret_file: must not be empty"},
		{name: "unknown key", oauth2: "\n      client_id: x\n      client_sekret: x", want: "6: tenants[0].oauth2: unknown key; the keys here are client_id, client_secret, client_secret_file, client_secret_env, token_url, scopes, endpoint_params"},
		{name: "duplicate key", oauth2: "\n      client_id: x\n      client_id: x", want: "6: tenants[0].oauth2.client_id: duplicate key, first on line 5"},
		{name: "duplicate unknown key", oauth2: "\n      client_sekret: x\n      client_sekret: x", want: "6: tenants[0].oauth2: duplicate key, first on line 5"},
		{name: "key of Prometheus", oauth2: "\n      client_id: x\n      tls_config: {}", want: "6: tenants[0].oauth2: unknown key; the keys here are client_id, client_secret, client_secret_file, client_secret_env, token_url, scopes, endpoint_params"},
		{name: "token_url with password", oauth2: "{token_url: 'https://u:p@h'}", want: "4: tenants[0].oauth2.token_url: must not have a user name or password"},
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
