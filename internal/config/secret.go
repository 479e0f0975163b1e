package config

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// secretSource is a key that gives the client secret.
type secretSource struct {
	key, text string
	place     string // file and line
}

// source is one of the keys that give the client secret.
func source(name string, k kind[string], text string) key[draft] {
	return key[draft]{
		keyDoc{name: name, kind: k.name, schema: k.schema, text: text},
		func(v value, d *draft) error {
			text, err := k.read(v)
			d.sources = append(d.sources, secretSource{name, text, v.place()})
			return err
		},
	}
}

var (
	clientSecret = kind[string]{"string", notEmpty, readClientSecret}
	variableName = kind[string]{
		"string",
		object{"type": "string", "pattern": isVariableName.String()},
		matching(isVariableName, "must be the name of an environment variable, without $"),
	}

	isVariableName    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	looksLikeVariable = regexp.MustCompile(`^\$(\w+|\{.*\})$`)
)

func readClientSecret(v value) (string, error) {
	secret, err := nonEmpty(v)
	if looksLikeVariable.MatchString(secret) {
		v.warn("looks like a variable, but the exporter expands none; client_secret_env takes the name of an environment variable")
	}
	return secret, err
}

func checkOAuth2(v value, d *draft) error {
	if len(d.sources) != 1 {
		return v.errorf("needs exactly one of client_secret, client_secret_file, client_secret_env; %s given",
			[]string{"none is", "", "2 are", "3 are"}[len(d.sources)])
	}
	d.secretKey, d.secret = d.sources[0].key, d.sources[0].text
	return nil
}

// secretOf returns the client secret of this moment. Its errors quote neither
// the name of a file nor that of a variable, because a user may have put the
// secret itself there.
func secretOf(key, text string) (string, error) {
	switch key {
	case "client_secret_file":
		return readSecretFile(text)
	case "client_secret_env":
		content, set := os.LookupEnv(text)
		if !set {
			return "", errors.New("the environment variable is not set")
		}
		if text = strings.TrimSpace(content); text == "" {
			return "", errors.New("the environment variable is empty")
		}
	}
	return text, nil
}

func readSecretFile(path string) (string, error) {
	const limit = 64 << 10
	info, err := os.Stat(path)
	if err != nil {
		return "", errors.Unwrap(err) // without the path
	}
	switch {
	case info.IsDir():
		return "", errors.New("is a directory")
	case !info.Mode().IsRegular(): // A pipe might never end.
		return "", errors.New("is not a regular file")
	case info.Size() > limit:
		return "", fmt.Errorf("is larger than %d bytes", limit)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", errors.New("the file is empty")
	}
	return secret, nil
}
