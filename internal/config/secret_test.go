package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// clientSecretOf returns what the client of a tenant with these keys gets.
func clientSecretOf(t *testing.T, keys string) (string, error) {
	t.Helper()
	c := parse(t, strings.Replace(minimal, "client_secret: a-secret-of-prod", keys, 1))
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
		{name: "file with a byte order mark", keys: "client_secret_file: " + write("bom", "\ufeffthird\ufeff\n"), want: "third"},
		{name: "no file", keys: "client_secret_file: " + dir + "/hunter2", err: "client_secret_file: no such file or directory"},
		{name: "empty file", keys: "client_secret_file: " + write("empty", ""), err: "client_secret_file: is empty"},
		{name: "blank file", keys: "client_secret_file: " + write("blank", " \n\t\n"), err: "client_secret_file: is empty"},
		{name: "directory", keys: "client_secret_file: " + dir, err: "client_secret_file: is a directory"},
		{name: "device", keys: "client_secret_file: " + os.DevNull, err: "client_secret_file: is not a regular file"},
		{name: "pipe", keys: "client_secret_file: " + pipe, err: "client_secret_file: is not a regular file"},
		{name: "large file", keys: "client_secret_file: " + write("large", strings.Repeat("x", 1<<20)), err: "client_secret_file: is larger than 65536 bytes"},
		{name: "unreadable file", keys: "client_secret_file: " + unreadable, err: "client_secret_file: permission denied"},
		{name: "variable", keys: "client_secret_env: ZUORA_TEST_SECRET", want: "a=b+/&"},
		{name: "no variable", keys: "client_secret_env: hunter2", err: "client_secret_env: the environment variable is not set"},
		{name: "empty variable", keys: "client_secret_env: ZUORA_TEST_EMPTY", err: "client_secret_env: is empty"},
		{name: "blank variable", keys: "client_secret_env: ZUORA_TEST_BLANK", err: "client_secret_env: is empty"},
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
	c := parse(t, strings.Replace(minimal, "client_secret: a-secret-of-prod", "client_secret_file: "+file, 1)+
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

// A look at files and variables, when the configuration is read, finds what
// Zuora would only answer with 401. What is missing may come later.
func TestSecretIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, content, warning, refused string }{
		{name: "good", content: "a-good-secret=\n"},
		{name: "byte order mark", content: "\ufeffa-good-secret\r\n"},
		{name: "empty", content: "\n"},
		{name: "UTF-16", content: "\xff\xfeh\x00u\x00n\x00t\x00e\x00r\x002\x00", refused: "has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{name: "NUL", content: "hunter2hunter2\x00", refused: "has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{name: "quotes", content: "'hunter2hunter2'", warning: "is in quotes, which are sent as a part of it"},
		{name: "name", content: "export ZUORA_SECRET=hunter2", warning: "looks like NAME=value, and all of it is sent"},
		{name: "two lines", content: "hunter2hunter2\nhunter2", warning: "has more than one line, and all of them are sent"},
		{name: "placeholder", content: "${hunter2}", warning: isPlaceholder},
		{name: "zero-width space", content: "hunter2\u200bhunter2", warning: "has a character that is not visible ASCII, such as a space or a zero-width space"},
	} {
		file := testutil.Write(t, dir, "hunter2", tt.content)
		keys := []string{"client_secret_file: " + file}
		if !strings.Contains(tt.content, "\x00") { // which no variable can have
			t.Setenv("HUNTER2", tt.content)
			keys = append(keys, "client_secret_env: HUNTER2")
		}
		for _, key := range keys {
			t.Run(tt.name+", "+key, func(t *testing.T) {
				c, err := Parse("zuora.yml", []byte(fileOf("oauth2: {client_id: id, "+key+"}")))
				name, _, _ := strings.Cut(key, ":")
				at := "zuora.yml:4: tenants[0].oauth2." + name + ": "
				if tt.refused != "" {
					if err == nil || err.Error() != at+tt.refused {
						t.Errorf("\n got %v\nwant %s", err, at+tt.refused)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := strings.Join(c.Warnings, "\n"); tt.warning == "" && got != "" || tt.warning != "" && got != at+tt.warning {
					t.Errorf("got the warnings %q, want %q", got, tt.warning)
				}
			})
		}
	}
}
