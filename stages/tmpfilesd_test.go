package stages_test

import "testing"

// The trees are what upstream's stage leaves.
func TestTmpfilesd(t *testing.T) {
	before := map[string]string{"/usr/lib/tmpfiles.d": "dir 0755 0:0"}
	testChanges(t, "org.osbuild.tmpfilesd", map[string]change{
		"all": {
			before, `{"filename": "a.conf", "config": [{"type": "d", "path": "/x"}, {"type": "L+", "path": "/y", "argument": "../z"}, {"type": "d", "path": "/w", "mode": "0755", "group": "g"}]}`,
			map[string]string{"/usr/lib/tmpfiles.d/a.conf": `file 0644 0:0 "d /x\nL+ /y - - - - ../z\nd /w 0755 - g\n"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.tmpfilesd", []refusal{
		{nil, `{"filename": "a.conf", "config": [{"type": "d", "path": "/x"}]}`, "options.filename: there is no directory /usr/lib/tmpfiles.d"},
		{before, `{"filename": "a.conf", "config": [{"type": "k", "path": "/x"}]}`, `options.config[0].type: "k" is not a type of tmpfiles.d(5)`},
		{before, `{"filename": "a.conf", "config": [{"type": "d", "path": "/x", "mode": "755"}]}`, `options.config[0].mode: "755" is not four octal digits`},
		{before, `{"filename": "a.conf", "config": [{"type": "d", "path": "/x\nd /y"}]}`, "options.config[0].path: "},
		{before, `{"filename": "a.conf", "config": [{"type": "d", "path": ""}]}`, "options.config[0].path: is empty"},
	})
}
