package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zuora-exporter/zuora_exporter/internal/testutil"
)

// A look at the secret's file, when the configuration is read, finds what Zuora
// would only answer with 401: it is refused or warned of. What is missing may
// come later.
func TestClientSecretFile(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	files := 0
	file := func(content string) string {
		files++
		return testutil.Write(t, dir, fmt.Sprintf("hunter2-%d", files), content)
	}
	unreadable := file("hunter2")
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	const refused, fails = "zuora.yml:4: tenants[0].oauth2.client_secret_file: ", "client_secret_file: %s (zuora.yml:4)"
	for _, tt := range []struct{ name, path, want string }{
		{"white space", file(" a-good-secret=b+/&\r\n"), "a-good-secret=b+/&"},
		{"byte order mark", file("\ufeffthe-third-secret\ufeff\n"), "the-third-secret"},
		{"UTF-16", file("\xff\xfeh\x00u\x00n\x00t\x00e\x00r\x002\x00"), refused + "has a NUL, as text in UTF-16 does: save it as UTF-8"},
		{"quotes", file("'hunter2hunter2'"), "warning: " + refused + "is in quotes, which are sent as a part of it"},
		{"blank", file(" \n\t\n"), fmt.Sprintf(fails, "is empty")},
		{"no file", dir + "/hunter2", fmt.Sprintf(fails, "no such file or directory")},
		{"unreadable file", unreadable, fmt.Sprintf(fails, "permission denied")},
		{"directory", dir, fmt.Sprintf(fails, "is not a regular file")},
		{"pipe", pipe, fmt.Sprintf(fails, "is not a regular file")},
		{"large file", file(strings.Repeat("x", 1<<20)), fmt.Sprintf(fails, "is larger than 65536 bytes")},
	} {
		if tt.path == unreadable && os.Getuid() == 0 {
			continue // root reads every file
		}
		c, got := said("zuora.yml", fileOf("oauth2: {client_id: id, client_secret_file: "+tt.path+"}"))
		if got == "" {
			secret, err := c.Tenants[0].OAuth2.Secret()
			if got = secret; err != nil {
				got = err.Error()
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// The secret is read for every token, so a new one needs no reload. The path is
// relative to the configuration file.
func TestClientSecretIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	c, _ := said(dir+"/zuora.yml", fileOf("oauth2: {client_id: id, client_secret_file: secret}")+
		"  - {name: env, base_url: 'https://h', oauth2: {client_id: id, client_secret_env: ZUORA_TEST_SECRET}}\n")
	_, err := c.Tenants[1].OAuth2.Secret()
	if want := "client_secret_env: the environment variable is not set (" + dir + "/zuora.yml:5)"; fmt.Sprint(err) != want {
		t.Errorf("no variable: got %v, want %s", err, want)
	}
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
