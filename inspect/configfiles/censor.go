package configfiles

import (
	"strings"

	"github.com/assay-os/assay/inspect/section/secret"
)

// A censor takes secrets out of a text, line by line: the value of "name = value" and
// "name: value" where the name is a secret's, with the deeper lines that go on with
// it, and private keys.
type censor struct {
	// deeper is set behind a secret's name: what is indented more belongs to it.
	deeper bool
	indent int
	// key is set within a private key.
	key bool
}

// line is what may be shown of a line; shown is false where nothing is.
func (c *censor) line(line string) (rest string, shown bool) {
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	if c.key {
		c.key = !strings.Contains(line, "-----END ")
		return "", false
	}
	if i := strings.Index(line, "-----BEGIN "); i >= 0 && strings.Contains(line[i:], "PRIVATE KEY") {
		c.key = !strings.Contains(line, "-----END ")
		return line[:i] + secret.Present, true
	}
	if c.deeper && (strings.TrimSpace(line) == "" || indent > c.indent) {
		return "", false
	}
	c.deeper, c.indent = false, indent
	i := strings.IndexAny(line, "=:")
	if i < 0 {
		return line, true
	}
	name := strings.Trim(strings.TrimSpace(line[:i]), `-"' `)
	if strings.ContainsAny(name, " \t") || !secret.Named(name) {
		return line, true
	}
	c.deeper = true
	value := strings.TrimLeft(line[i+1:], " \t")
	if strings.TrimSpace(value) == "" || isSwitch(strings.TrimSpace(value)) {
		return line, true
	}
	return line[:len(line)-len(value)] + secret.Present, true
}

// isSwitch tells what is none: yes and no, small numbers.
func isSwitch(value string) bool {
	switch strings.ToLower(strings.Trim(value, `"'`)) {
	case "true", "false", "yes", "no", "on", "off", "none", "null", "[]", "{}":
		return true
	}
	return len(value) < 4 && strings.Trim(value, "0123456789") == ""
}
