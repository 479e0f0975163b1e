package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// secretOf returns the client secret of a tenant with the key, or what is said
// of it: refused, warned of, or failing when a token is needed. All of these
// name the key and its place.
func secretOf(t *testing.T, key, value string) string {
	t.Helper()
	place := "zuora.yml:4: tenants[0].oauth2." + key + ": "
	c, err := Parse("zuora.yml", []byte(fileOf("oauth2: {client_id: id, "+key+": "+value+"}")))
	if err != nil {
		return strings.Replace(err.Error(), place, "refused: ", 1)
	}
	if len(c.Warnings) > 0 {
		return strings.Replace(strings.Join(c.Warnings, "\n"), place, "warned: ", 1)
	}
	secret, err := c.Tenants[0].OAuth2.Secret()
	if err != nil {
		text := strings.Replace(err.Error(), key+": ", "fails: ", 1)
		return strings.Replace(text, " (zuora.yml:4)", "", 1)
	}
	return secret
}

// A look at files and variables, when the configuration is read, finds what
// Zuora would only answer with 401. What is missing may come later, and what
// changes needs no reload.
func TestClientSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hunter2")
	for _, tt := range []struct{ name, content, want string }{
		{"good", "a-secret=b+/&", "a-secret=b+/&"},
		{"white space", " a-good-secret=\r\n", "a-good-secret="},
		{"byte order mark", "\ufeffthe-third-secret\ufeff\n", "the-third-secret"},
		{"empty", "", "fails: is empty"},
		{"blank", " \n\t\n", "fails: is empty"},
		{"UTF-16", "\xff\xfeh\x00u\x00n\x00t\x00e\x00r\x002\x00", "refused: has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{"NUL", "hunter2hunter2\x00", "refused: has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{"quotes", "'hunter2hunter2'", "warned: is in quotes, which are sent as a part of it"},
		{"name", "export ZUORA_SECRET=hunter2", "warned: looks like NAME=value, and all of it is sent"},
		{"two lines", "hunter2hunter2\nhunter2", "warned: has more than one line, and all of them are sent"},
		{"placeholder", "${hunter2}", "warned: looks like a placeholder, and the exporter replaces none"},
		{"zero-width space", "hunter2\u200bhunter2", "warned: has a character that is not visible ASCII, such as a space or a zero-width space"},
	} {
		testutil.Write(t, filepath.Dir(file), "hunter2", tt.content)
		if got := secretOf(t, "client_secret_file", file); got != tt.want {
			t.Errorf("%s, file: got %q, want %q", tt.name, got, tt.want)
		}
		if strings.Contains(tt.content, "\x00") { // which no variable can have
			continue
		}
		t.Setenv("HUNTER2", tt.content)
		if got := secretOf(t, "client_secret_env", "HUNTER2"); got != tt.want {
			t.Errorf("%s, variable: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestClientSecretThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	unreadable := testutil.Write(t, dir, "unreadable", "hunter2")
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, key, value, want string }{
		{"no file", "client_secret_file", dir + "/hunter2", "fails: no such file or directory"},
		{"unreadable file", "client_secret_file", unreadable, "fails: permission denied"},
		{"directory", "client_secret_file", dir, "fails: is not a regular file"},
		{"pipe", "client_secret_file", pipe, "fails: is not a regular file"},
		{"large file", "client_secret_file", testutil.Write(t, dir, "large", strings.Repeat("x", 1<<20)), "fails: is larger than 65536 bytes"},
		{"no variable", "client_secret_env", "hunter2", "fails: the environment variable is not set"},
	} {
		if tt.value == unreadable && os.Getuid() == 0 {
			continue // root reads every file
		}
		if got := secretOf(t, tt.key, tt.value); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The secret is read for every token, so a new one needs no reload.
func TestClientSecretIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	c := parse(t, fileOf("oauth2: {client_id: id, client_secret_file: "+dir+"/secret}")+
		"  - {name: env, base_url: 'https://h', oauth2: {client_id: id, client_secret_env: ZUORA_TEST_SECRET}}\n")
	for _, want := range []string{"first", "second"} {
		testutil.Write(t, dir, "secret", want)
		t.Setenv("ZUORA_TEST_SECRET", want)
		for _, tenant := range c.Tenants {
			if got, err := tenant.OAuth2.Secret(); got != want || err != nil {
				t.Errorf("tenant %s: got %q, %v, want %q", tenant.Name, got, err, want)
			}
		}
	}
}
