package stages_test

import "testing"

// The links are what upstream's stage leaves, with systemd-firstboot 252.
func TestTimezone(t *testing.T) {
	zones := map[string]string{
		"/usr/share/zoneinfo/Europe/Berlin": `file 0644 0:0 "TZif"`, "/usr/share/zoneinfo/UTC": `file 0644 0:0 "TZif"`,
		"/etc/localtime": `file 0644 0:0 "TZif"`,
	}
	testChanges(t, "org.osbuild.timezone", map[string]change{
		"no zone files": {nil, `{"zone": "Europe/Berlin"}`, map[string]string{"/etc/localtime": `link 0:0 "../usr/share/zoneinfo/Europe/Berlin"`}, ""},
		"replaced": {
			zones, `{"zone": "UTC"}`,
			map[string]string{
				"/usr/share/zoneinfo/Europe/Berlin": `file 0644 0:0 "TZif"`, "/usr/share/zoneinfo/UTC": `file 0644 0:0 "TZif"`,
				"/etc/localtime": `link 0:0 "../usr/share/zoneinfo/UTC"`,
			}, "",
		},
	})
	testRefusals(t, "org.osbuild.timezone", []refusal{
		{nil, `{}`, "options.zone: is missing"},
		{nil, `{"zone": "../../etc/shadow"}`, "options.zone: "},
		{nil, `{"zone": "/UTC"}`, "options.zone: "},
		{zones, `{"zone": "Europe/Brlin"}`, `options.zone: "Europe/Brlin" is no time zone of the tree; did you mean "Europe/Berlin"?`},
		{zones, `{"zone": "Europe"}`, `options.zone: "Europe" is no time zone of the tree`},
	})
}
