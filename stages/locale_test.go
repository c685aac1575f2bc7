package stages_test

import "testing"

// systemd-firstboot of Fedora writes the one file, that of Debian 12 the other.
func TestLocale(t *testing.T) {
	testChanges(t, "org.osbuild.locale", map[string]change{
		"new": {nil, `{"language": "en_US.UTF-8"}`, map[string]string{"/etc/locale.conf": `file 0644 0:0 "LANG=en_US.UTF-8\n"`}, ""},
		"Debian, replaced": {
			map[string]string{
				"/etc/debian_version": `file 0644 0:0 "12.9\n"`, "/etc/locale.conf": `link 0:0 "default/locale"`, "/etc/default/locale": `file 0600 7:7 "LC_ALL=C\n"`,
			},
			`{"language": "de_DE.UTF-8"}`,
			map[string]string{
				"/etc/debian_version": `file 0644 0:0 "12.9\n"`, "/etc/locale.conf": `file 0644 0:0 "LANG=de_DE.UTF-8\n"`,
				"/etc/default/locale": `file 0644 0:0 "LANG=de_DE.UTF-8\n"`,
			}, "",
		},
	})
	testRefusals(t, "org.osbuild.locale", []refusal{
		{nil, `{}`, "options.language: is missing"},
		{nil, `{"language": "a b"}`, `options.language: "a b" is not the name of a locale`},
		{nil, `{"language": ["C"]}`, "options.language: is an array, not a string"},
	})
}
