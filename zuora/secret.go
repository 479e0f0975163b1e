package zuora

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	withheld = "(withheld: it repeats a secret)"
	// maxText and maxLabel bound texts from Zuora, in characters.
	maxText  = 300
	maxLabel = 64
	// secretRun is how many consecutive letters or digits of a secret a text
	// must not have.
	secretRun = 8
)

// secrets are what no text from outside may repeat. The zero value has none.
type secrets struct {
	runs  map[string]bool  // of secretRun letters and digits, folded
	short []*regexp.Regexp // secrets that have no such run, as whole words
}

// add adds secrets. It must not be called once others may use s.
func (s *secrets) add(more ...string) {
	if s.runs == nil {
		s.runs = make(map[string]bool)
	}
	for _, secret := range more {
		folded := fold(secret)
		for _, form := range []string{folded, fold(url.QueryEscape(secret))} { // as it is, and as a form sends it
			for i := range len(form) - secretRun + 1 {
				s.runs[form[i:i+secretRun]] = true
			}
		}
		if len(folded) >= secretRun || secret == "" {
			continue
		}
		words := []string{regexp.QuoteMeta(secret), regexp.QuoteMeta(url.QueryEscape(secret))}
		if folded != "" {
			words = append(words, strings.Join(strings.Split(folded, ""), `[^\pL\pN]*`))
		}
		s.short = append(s.short, regexp.MustCompile(`(?i)(^|[^\pL\pN])(`+strings.Join(words, "|")+`)($|[^\pL\pN])`))
	}
}

// repeatedBy tells whether the text holds a part of a secret.
func (s secrets) repeatedBy(text string) bool {
	folded := fold(text)
	for i := range len(folded) - secretRun + 1 {
		if s.runs[folded[i:i+secretRun]] {
			return true
		}
	}
	return slices.ContainsFunc(s.short, func(word *regexp.Regexp) bool { return word.MatchString(text) })
}

// fold leaves the letters and digits of a text, in lower case: a secret stays
// one, whatever stands between them. Secrets are ASCII; other letters stand
// between.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// show makes a text from outside fit to be shown: printable, at most 300
// characters long, and withheld as a whole if it repeats a secret.
func (s secrets) show(text string) string {
	if text = printable(text, maxText); s.repeatedBy(text) {
		return withheld
	}
	return text
}

// label makes a text from Zuora fit to be a label's value. A text that repeats
// a secret counts as not sent, unless Zuora documents it.
func (s secrets) label(text string, documented ...string) string {
	if text = printable(text, maxLabel); !slices.Contains(documented, text) && s.repeatedBy(text) {
		return ""
	}
	return text
}

// What may be shown of the answer to a token request, whose other side has seen
// the client secret in a form that we cannot foresee.
var (
	errorWord   = regexp.MustCompile(`^[a-z_]{1,40}$`)
	digits      = regexp.MustCompile(`^[0-9]+$`)
	hexadecimal = regexp.MustCompile(`^[0-9A-Fa-f-]+$`)
)

// show makes a text of the answer fit to be shown. That of a token's answer is
// empty unless it has the form that is given, and if it repeats a secret.
func (a *answer) show(text string, form *regexp.Regexp) string {
	if a.operation != OperationToken {
		return a.secrets.show(text)
	}
	if text = printable(text, maxText); !form.MatchString(text) || a.secrets.repeatedBy(text) {
		return ""
	}
	return text
}

// printable ends a text after limit characters, and puts "_" for each that
// cannot be printed.
func printable(text string, limit int) string {
	n := 0
	return strings.Map(func(r rune) rune {
		switch n++; {
		case n > limit:
			return -1
		case unicode.IsPrint(r):
			return r
		}
		return '_'
	}, text)
}
