package accounts

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

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
	if err != nil || keyType(blob) != kind {
		return report.AuthorizedKey{}, errNoKey
	}
	return report.AuthorizedKey{Type: kind, Fingerprint: fingerprint(blob), Comment: strings.TrimSpace(comment)}, nil
}

// fingerprint is OpenSSH's of a key's wire form: RFC 4253, section 6.6.
func fingerprint(blob []byte) string {
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// keyType is the name that the wire form begins with.
func keyType(blob []byte) string {
	if len(blob) < 4 {
		return ""
	}
	n := binary.BigEndian.Uint32(blob)
	if n == 0 || uint64(n) > uint64(len(blob)-4) {
		return ""
	}
	return string(blob[4 : 4+n])
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
