// Package secret tells which values of a configuration are passwords and keys, by
// their names, so that no report holds one.
//
// It errs on the side of silence: a name that may hold a secret is one.
package secret

import "strings"

// Present stands in a report for a secret that is there.
const Present = "(present)"

// Named tells whether what has this name is a secret, whatever
// the case and whichever way its words are joined.
func Named(name string) bool {
	flat := strings.NewReplacer("-", "", "_", "", ".", "", " ", "").Replace(strings.ToLower(name))
	for _, open := range public() {
		if strings.HasSuffix(flat, open) {
			return false
		}
	}
	for _, word := range words() {
		if strings.Contains(flat, word) {
			return true
		}
	}
	last := lastWord(strings.ToLower(name))
	return last == "pin" || last == "key" || last == "psk" || last == "cak" || last == "pw" || last == "pass" || last == "rootpw" || strings.HasPrefix(last, "key") && digits(last[3:])
}

// Value is the value of what has this name, as a report may show it.
func Value(name, value string) string {
	if value != "" && Named(name) {
		return Present
	}
	return value
}

// words make a name a secret's wherever they stand in it.
func words() []string {
	return []string{
		"password", "passwd", "passphrase", "secret", "privatekey", "presharedkey", "token", "credential", "wpapsk",
		"wepkey", "inputkey", "outputkey", "bindpw", "mkacak", "authkey", "cryptkey", "apikey", "privkey",
	}
}

// public end names that hold a secret's word and tell none: flags, places, kinds.
func public() []string {
	return []string{
		"flags", "type", "path", "file", "permitted", "authentication", "keymgmt", "authorizedkeys", "retries", "tries", "timeout",
		"publickey", "hostkey", "usekey", "requirepassword", "keyid", "conditioncredential", "assertcredential", "importcredential", "loadcredential",
	}
}

func lastWord(name string) string {
	i := strings.LastIndexAny(name, "-_. ")
	return name[i+1:]
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}
