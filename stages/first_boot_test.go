package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestFirstBoot(t *testing.T) {
	const units = "/usr/lib/systemd/system"
	tree := func(text string) map[string]string {
		return map[string]string{
			"/etc/osbuild-first-boot":                                  `file 0644 0:0 ""`,
			units + "/default.target.wants/osbuild-first-boot.service": `link 0:0 "../osbuild-first-boot.service"`,
			units + "/osbuild-first-boot.service":                      `file 0644 0:0 "` + text + `"`,
		}
	}
	const start = `[Unit]\nDescription=OSBuild First Boot Service\nConditionPathExists=/etc/osbuild-first-boot\n`
	const service = `\n\n[Service]\nType=oneshot\n\nExecStart=/usr/bin/rm /etc/osbuild-first-boot\n`
	testChanges(t, "org.osbuild.first-boot", map[string]change{
		"none": {nil, `{"commands": []}`, tree(start + service), ""},
		"network": {
			nil, `{"commands": ["/bin/a b", "c"], "wait_for_network": true}`,
			tree(start + `Wants=network-online.target\nAfter=network-online.target` + service + `ExecStart=/bin/a b\nExecStart=c\n`), "",
		},
	})
	testRefusals(t, "org.osbuild.first-boot", []refusal{
		{nil, `{}`, "options.commands: is missing"},
		{nil, `{"commands": ["a\nExecStart=b"]}`, "options.commands[0]: "},
		{nil, `{"commands": "a"}`, "options.commands: is a string, not an array"},
		{tree(""), `{"commands": []}`, "osbuild-first-boot.service: file exists"},
	})
}
