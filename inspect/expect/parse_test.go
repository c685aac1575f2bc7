package expect_test

import (
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/expect"
)

// TestParseTells: an error is in the words of the document, and says what would be right.
func TestParseTells(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "it expects nothing: it may have os, packages, logins",
		"[package]\npresent = ['a']":         "line 1: package is nothing that can be expected; what can be is os, packages",
		"[files.'/x']\nmod = '1'":            "line 2: files./x.mod is nothing that can be expected; what can be is exists, type, mode",
		"[units]\nstart = []":                "default, enabled, disabled, masked, started, not_started",
		"[packages]\npresent = 'a'":          `line 2, column 11: a TOML string, where a list of texts, like ["a", "b"] is wanted`,
		"[size]\nfiles = '30000'":            "a TOML string, where a number without quotes is wanted",
		"[selinux]\nmode = 1":                `a TOML integer, where a text, like "a" is wanted`,
		"[listening]\nallowed = ['22']":      `"22" is not like "tcp 22"`,
		"[listening]\nallowed = ['tcp/22']":  `"tcp/22" is not like "tcp 22"`,
		"[lint]\nignore = ['package-cache']": "lint.worst is missing",
	} {
		_, err := expect.Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
			continue
		}
		for _, foreign := range []string{"toml:", "struct", "expect."} {
			if strings.Contains(err.Error(), foreign) {
				t.Errorf("%q: %v says %q", text, err, foreign)
			}
		}
	}
}

// TestParseTables: each theme alone is a document.
func TestParseTables(t *testing.T) {
	for _, text := range []string{"[os]\nid = 'x'", "[logins]\nallowed = []", "[listening]\nallowed = ['udp 127.0.0.1:323', 'vsock 22']", "[size]\nfiles = 1", "[files.'/x']\nexists = true"} {
		if _, err := expect.Parse([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
