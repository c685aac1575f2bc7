package stages_test

import "testing"

func TestLn(t *testing.T) {
	before := map[string]string{"/etc/f": `file 0644 0:0 "x"`}
	testChanges(t, "org.osbuild.ln", map[string]change{
		"symlinks": {
			before, `{"paths": [{"target": "../x", "link_name": "tree:///etc/l", "symbolic": true}, {"target": "/abs", "link_name": "tree:///m", "symbolic": true}]}`,
			map[string]string{"/etc/f": `file 0644 0:0 "x"`, "/etc/l": `link 0:0 "../x"`, "/m": `link 0:0 "/abs"`}, "",
		},
		"hard links": {
			before, `{"paths": [{"target": "/etc/f", "link_name": "tree:///g"}, {"target": "f", "link_name": "tree:///etc/h"}, {"target": "tree:///g", "link_name": "tree:///i"}]}`,
			map[string]string{"/etc/f": `file 0644 0:0 "x"`, "/g": `hard "/etc/f"`, "/etc/h": `hard "/etc/f"`, "/i": `hard "/etc/f"`}, "",
		},
	})
	testRefusals(t, "org.osbuild.ln", []refusal{
		{nil, `{"paths": []}`, "options.paths: has 0 items, and must have at least 1"},
		{nil, `{"paths": [{"target": "a"}]}`, "options.paths[0].link_name: is missing"},
		{nil, `{"paths": [{"target": "a", "link_name": "/l"}]}`, `options.paths[0].link_name: "/l" is not of the form tree:///PATH`},
		{nil, `{"paths": [{"target": "a", "link_name": "tree://etc/l"}]}`, "options.paths[0].link_name: "},
		{nil, `{"paths": [{"target": "a", "link_name": "tree:///d/", "symbolic": true}]}`, "ends in a slash"},
		{before, `{"paths": [{"target": "a", "link_name": "tree:///etc/f", "symbolic": true}]}`, "/etc/f: file exists"},
		{nil, `{"paths": [{"target": "/etc/none", "link_name": "tree:///l"}]}`, "no such file or directory"},
	})
}
