package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestModprobe(t *testing.T) {
	testChanges(t, "org.osbuild.modprobe", map[string]change{
		"both": {
			nil, `{"filename": "a.conf", "commands": [{"command": "blacklist", "modulename": "m"}, {"command": "install", "modulename": "n", "cmdline": "/bin/true x"}]}`,
			map[string]string{"/usr/lib/modprobe.d/a.conf": `file 0644 0:0 "blacklist m\ninstall n /bin/true x\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.modprobe", []refusal{
		{nil, `{"filename": "a.conf"}`, "options.commands: is missing"},
		{nil, `{"filename": "a.conf", "commands": [{"command": "blaklist", "modulename": "m"}]}`, `options.commands[0].command: is "blaklist", not one of blacklist, install; did you mean "blacklist"?`},
		{nil, `{"filename": "a.conf", "commands": [{"command": "install", "modulename": "m"}]}`, "options.commands[0].cmdline: is missing"},
		{nil, `{"filename": "a.conf", "commands": [{"command": "blacklist", "modulename": "m", "cmdline": "x"}]}`, "options.commands[0].cmdline: "},
		{nil, `{"filename": "a.conf", "commands": [{"command": "blacklist", "modulename": "m\ninstall n x"}]}`, "options.commands[0].modulename: "},
	})
}
