package stages_test

import "testing"

// The trees are what upstream's stage leaves, with systemd-firstboot 252.
func TestKeymap(t *testing.T) {
	const xkb = `# Created by osbuild. Do not edit manually, use localectl(1).\nSection \"InputClass\"\n        Identifier \"system-keyboard\"\n` +
		`        MatchIsKeyboard \"on\"\n        Option \"XkbLayout\" \"de,us\"\nEndSection\n`
	testChanges(t, "org.osbuild.keymap", map[string]change{
		"console": {
			map[string]string{"/etc/vconsole.conf": `file 0600 0:0 "KEYMAP=us\n"`},
			`{"keymap": "de-latin1"}`,
			map[string]string{"/etc/vconsole.conf": `file 0644 0:0 "KEYMAP=de-latin1\n"`}, "",
		},
		"all": {
			nil, `{"keymap": "de-latin1", "x11-keymap": {"layouts": ["de", "us"]}, "font": "eurlatgr"}`,
			map[string]string{
				"/etc/vconsole.conf":                    `file 0644 0:0 "KEYMAP=de-latin1\nFONT=eurlatgr\n"`,
				"/etc/X11/xorg.conf.d/00-keyboard.conf": `file 0644 0:0 "` + xkb + `"`,
			}, "",
		},
	})
	testRefusals(t, "org.osbuild.keymap", []refusal{
		{nil, `{}`, "options.keymap: is missing"},
		{nil, `{"keymap": "us", "x11-keymap": {}}`, "options.x11-keymap.layouts: is missing"},
		{nil, `{"keymap": "us", "x11-keymap": {"layouts": []}}`, "options.x11-keymap.layouts: has 0 items, and must have at least 1"},
		{nil, `{"keymap": "us", "x11-keymap": {"layouts": ["de\"\nEndSection"]}}`, "options.x11-keymap.layouts[0]: "},
		{nil, `{"keymap": "us", "font": "a\nb"}`, "options.font: "},
	})
}
