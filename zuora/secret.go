package zuora

import (
	"encoding/base64"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	withheld = "(withheld: it repeats a secret)"
	// maxText and maxLabel bound texts from Zuora, in characters.
	maxText  = 300
	maxLabel = 64
)

// secrets are what no text from outside may repeat: the letters and digits of
// each, folded.
type secrets []string

// with returns s and further secrets.
func (s secrets) with(more ...string) secrets {
	s = slices.Clip(s)
	for _, secret := range more {
		if folded := fold(secret); folded != "" {
			s = append(s, folded)
		}
	}
	return s
}

// fold leaves the letters and digits of a text, in lower case: punctuation is
// what encodings change.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}

// show makes a text from outside fit to be shown: printable, at most 300
// characters long, and withheld as a whole if it repeats a secret.
func (s secrets) show(text string) string {
	text = cut(text, maxText)
	if s.repeatedBy(text) {
		return withheld
	}
	return printable(text)
}

// documented has the states and the object types that Zuora's API reference
// names.
var documented = map[string]bool{
	Accepted: true, Dispatched: true, Completed: true,
	"User": true, "Account": true, "Product": true, "BillRun": true, "PaymentRun": true, "ForecastRun": true,
}

// label makes a text from Zuora fit to be a label's value. A text that repeats
// a secret counts as not sent, unless Zuora documents it.
func (s secrets) label(text string) string {
	if documented[text] {
		return text
	}
	if text = cut(text, maxLabel); s.repeatedBy(text) {
		return ""
	}
	return printable(text)
}

// maxForms bounds how many forms of a text are looked at. A text that
// still has more is treated as repeating a secret.
const maxForms = 200

// repeatedBy tells whether the text holds 8 consecutive letters or digits of a secret,
// or all of a shorter one, as it is or after undoing percent, JSON, HTML and
// base64 encoding, repeatedly and in any order.
func (s secrets) repeatedBy(text string) bool {
	forms := []string{text}
	for i := 0; i < len(forms); i++ {
		if i == maxForms || s.plainIn(forms[i]) {
			return true
		}
		for _, form := range decode(forms[i]) {
			if form != "" && !slices.Contains(forms, form) {
				forms = append(forms, form)
			}
		}
	}
	return false
}

func (s secrets) plainIn(text string) bool {
	const run = 8
	text = fold(text)
	for _, secret := range s {
		for end := min(run, len(secret)); end <= len(secret); end++ {
			if strings.Contains(text, secret[max(0, end-run):end]) {
				return true
			}
		}
	}
	return false
}

var (
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscape    = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)`)
	base64Run     = regexp.MustCompile(`[A-Za-z0-9+/_-]{4,}`)
	notBase64     = regexp.MustCompile(`[^A-Za-z0-9+/]+`)
	notBase64URL  = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
	legible       = regexp.MustCompile(`[ -~]{4,}`)
)

// urlToStd makes base64 for URLs standard base64.
var urlToStd = strings.NewReplacer("-", "+", "_", "/")

// decode returns what the text is after undoing each encoding once, wherever
// it occurs.
func decode(text string) (forms []string) {
	if strings.Contains(text, "%") {
		forms = append(forms, percentEscape.ReplaceAllStringFunc(text, func(e string) string {
			n, _ := strconv.ParseUint(e[1:], 16, 8)
			return string([]byte{byte(n)})
		}))
	}
	if strings.Contains(text, `\`) {
		forms = append(forms, jsonEscape.ReplaceAllStringFunc(text, func(e string) string {
			if n, err := strconv.ParseUint(e[2:], 16, 16); err == nil {
				return string(rune(n))
			}
			return strings.Trim(e[1:], "bfnrt") // these stand for white space
		}))
	}
	if strings.Contains(text, "&") {
		forms = append(forms, html.UnescapeString(text))
	}
	// Base64 may begin anywhere in what looks like it, and come in pieces.
	for _, runs := range [][]string{
		base64Run.FindAllString(text, -1),
		{notBase64.ReplaceAllString(text, "")},
		{notBase64URL.ReplaceAllString(text, "")},
	} {
		for offset := range 4 {
			var decoded []string
			for _, run := range runs {
				run = urlToStd.Replace(run)[min(offset, len(run)):]
				if len(run)%4 == 1 {
					run = run[:len(run)-1]
				}
				part, _ := base64.RawStdEncoding.DecodeString(run)
				// What is not legible is not what the text means.
				decoded = append(decoded, legible.FindAllString(string(part), -1)...)
			}
			forms = append(forms, strings.Join(decoded, " "))
		}
	}
	return forms
}

// cut ends a text after limit characters.
func cut(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}

// printable puts "_" for each character that cannot be printed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '_'
	}, s)
}
