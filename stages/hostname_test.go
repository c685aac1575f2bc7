package stages_test

import "testing"

// The trees are what upstream's stage leaves, with systemd-firstboot 252.
func TestHostname(t *testing.T) {
	testChanges(t, "org.osbuild.hostname", map[string]change{
		"new":          {nil, `{"hostname": "web1"}`, map[string]string{"/etc/hostname": `file 0644 0:0 "web1\n"`}, ""},
		"trailing dot": {nil, `{"hostname": "web1.example.com."}`, map[string]string{"/etc/hostname": `file 0644 0:0 "web1.example.com\n"`}, ""},
		"replaces a symlink": {
			map[string]string{"/etc/hostname": `link 0:0 "/run/hostname"`, "/run/hostname": `file 0600 0:0 "old\n"`},
			`{"hostname": "a"}`,
			map[string]string{"/etc/hostname": `file 0644 0:0 "a\n"`, "/run/hostname": `file 0600 0:0 "old\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.hostname", []refusal{
		{nil, `{}`, "options.hostname: is missing"},
		{nil, `{"hostname": 3}`, "options.hostname: is a number, not a string"},
		{nil, `{"hostname": ""}`, "options.hostname: is empty"},
		{nil, `{"hostname": "we_b1"}`, `options.hostname: "we_b1" is no hostname`},
		{nil, `{"hostname": "a..b"}`, "options.hostname: "},
		{nil, `{"hostname": "-a"}`, "options.hostname: "},
		{nil, `{"hostname": "a-.b"}`, "options.hostname: "},
		{nil, `{"hostname": "a."}`, "options.hostname: "},
		{nil, `{"hostname": "a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.abcde"}`, "options.hostname: "},
		{nil, `{"hostnam": "a"}`, `options.hostnam: is no known option; did you mean "hostname"?`},
	})
}
