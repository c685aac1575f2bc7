package secret

import (
	"regexp"
	"strings"
)

// Text is a text as a report may show it, whatever its form: a command, a line of a
// configuration, a kernel's command line, a URL. What stands where secrets do is
// [Present]: users and passwords of URLs, values of what is named as secrets are,
// credentials of HTTP, private keys and hashes of passwords. A secret that
// nothing names (an argument of its own) is not found.
func Text(text string) string {
	if !mayHold(text) {
		return text
	}
	text = privateKey.ReplaceAllString(text, Present)
	text = hash.ReplaceAllString(text, Present)
	text = userinfo.ReplaceAllString(text, "${1}"+Present+"@")
	text = credentials.ReplaceAllString(text, "${1}"+Present)
	text = userOption.ReplaceAllString(text, "${1}"+Present)
	text = replaceNamed(assigned, " \t\n,;&\"'", text)
	text = replaceNamed(argument, " \t\n\"'", text)
	return replaceNamed(flow, "\n,;{}[]\"'", text)
}

// The forms of secrets in texts.
var (
	privateKey = regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|$)`)
	// hash is that of crypt(5).
	hash = regexp.MustCompile(`\$(?:1|2[abxy]|3|5|6|7|y|gy|md5|sha1|apr1)\$[^\s:"',;]+`)
	// userinfo is RFC 3986's; iSCSI's is that of dracut.cmdline(7).
	userinfo    = regexp.MustCompile(`((?:\b[A-Za-z][A-Za-z0-9+.-]*://|\biscsi:))[^\s/@"'<>|]+@`)
	credentials = regexp.MustCompile(`((?i:authorization)["']?\s*[:=]\s*["']?(?:(?i:basic|bearer|token|digest|negotiate)\s+)?)[^\s"']+`)
	userOption  = regexp.MustCompile(`((?:^|\s)(?:-u|--user|--proxy-user)[ =]["']?[^\s:"'/]+:)[^\s"']+`)
	// The first group of these is the name; the value comes behind, to its quote, or as far as the form goes.
	assigned = regexp.MustCompile(`([A-Za-z0-9_][A-Za-z0-9_.-]*)=`)
	argument = regexp.MustCompile(`--([A-Za-z0-9][A-Za-z0-9-]*)\s+`)
	flow     = regexp.MustCompile(`[{,]\s*["']?([A-Za-z0-9_.-]+)(?:["']?:\s+|["']:)`)
)

// mayHold tells whether one of the forms can be in a text; most have none.
func mayHold(text string) bool {
	return strings.ContainsAny(text, "=@$") || strings.Contains(text, "-") &&
		(strings.Contains(text, "--") || strings.Contains(text, "-u ")) || strings.Contains(text, ": ") || strings.Contains(text, `":`)
}

// replaceNamed puts Present in the place of values whose names are those of secrets. A value
// that is not quoted ends before one of the characters in ends.
func replaceNamed(form *regexp.Regexp, ends, text string) string {
	var b strings.Builder
	shown, seen := 0, 0
	for _, m := range form.FindAllStringSubmatchIndex(text, -1) {
		name, from := text[m[2]:m[3]], m[1]
		if from < seen || !Named(name) || strings.HasPrefix(text[from:], "=") {
			continue // in a value that was looked at, or no secret
		}
		seen = valueEnd(text, from, ends)
		value := text[from:seen]
		if IsSwitch(value) || IsPlace(name, value) || strings.HasPrefix(value, Present) {
			continue
		}
		b.WriteString(text[shown:from] + Present)
		shown = seen
	}
	return b.String() + text[shown:]
}

// valueEnd is where a value ends that begins at from.
func valueEnd(text string, from int, ends string) int {
	if from < len(text) && strings.ContainsRune("\"'", rune(text[from])) {
		if i := strings.IndexByte(text[from+1:], text[from]); i >= 0 {
			return from + 1 + i + 1
		}
		return len(text)
	}
	if i := strings.IndexAny(text[from:], ends); i >= 0 {
		return from + i
	}
	return len(text)
}

// IsPlace tells whether what is just named a key says where the key is.
func IsPlace(name, value string) bool {
	return strings.HasSuffix(strings.ToLower(name), "key") && strings.HasPrefix(strings.Trim(value, `"'`), "/")
}

// IsSwitch tells what is no secret, whatever its name: yes and no, small numbers.
func IsSwitch(value string) bool {
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	switch strings.ToLower(value) {
	case "", "true", "false", "yes", "no", "on", "off", "none", "null", "[]", "{}":
		return true
	}
	return len(value) < 4 && strings.Trim(value, "0123456789") == ""
}
