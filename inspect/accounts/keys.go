package accounts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-os/assay/inspect/network/sshkey"
	"github.com/assay-os/assay/inspect/section"
	"github.com/assay-os/assay/inspect/section/secret"
	"github.com/assay-os/assay/report"
)

// authorizedKeys reads the lines of an authorized_keys file: sshd(8). Lines that hold no
// key are problems; sshd steps over them.
func authorizedKeys(data []byte, name string) (keys []report.AuthorizedKey, problems []string, err error) {
	err = section.EachTableLine(data, func(n int, line string) error {
		k, err := authorizedKey(line)
		if err != nil {
			problems = append(problems, note(name, n, err))
			return nil
		}
		k.Source = fmt.Sprintf("%s:%d", name, n)
		keys = append(keys, k)
		return nil
	})
	return keys, problems, section.Within(name, err)
}

var errNoKey = errors.New("it holds no key")

// authorizedKey reads "[options] type base64 [comment]".
func authorizedKey(line string) (report.AuthorizedKey, error) {
	if k, err := keyOf(line); err == nil {
		return k, nil
	}
	options, rest := cutOptions(line)
	k, err := keyOf(rest)
	k.Options = options
	return k, err
}

// keyOf reads a line that begins with the key's type.
func keyOf(line string) (report.AuthorizedKey, error) {
	kind, rest, ok := cutSpace(strings.TrimSpace(line))
	if !ok {
		return report.AuthorizedKey{}, errNoKey
	}
	text, comment, _ := cutSpace(rest)
	blob, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return report.AuthorizedKey{}, errNoKey
	}
	k, err := sshkey.FromBlob(blob)
	if err != nil || k.Type != kind {
		return report.AuthorizedKey{}, errNoKey
	}
	return report.AuthorizedKey{Type: kind, Fingerprint: k.Fingerprint, Comment: strings.TrimSpace(comment)}, nil
}

// cutOptions takes the options from a line: up to the first space that stands in no quotes.
func cutOptions(line string) (options []string, rest string) {
	begin, quoted := 0, false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',':
			options, begin = append(options, publicOption(line[begin:i])), i+1
		case c == ' ' || c == '\t':
			return append(options, publicOption(line[begin:i])), line[i:]
		}
	}
	return options, ""
}

// publicOption shows no value of an environment, where tokens stand.
func publicOption(option string) string {
	name, value, ok := strings.Cut(option, "=")
	if !ok || !strings.EqualFold(name, "environment") {
		return option
	}
	variable, _, _ := strings.Cut(strings.Trim(value, `"`), "=")
	return name + `="` + variable + "=" + secret.Present + `"`
}
