package stages_test

import "testing"

// The trees are what upstream's stage leaves under a umask of 022.
func TestMkdir(t *testing.T) {
	testChanges(t, "org.osbuild.mkdir", map[string]change{
		"modes": {
			map[string]string{"/d": "dir 0700 1:1"},
			`{"paths": [{"path": "/a/b/c", "mode": 511, "parents": true}, {"path": "rel"}, {"path": "/s", "mode": 1023}, {"path": "/su", "mode": 3583},
				{"path": "/d", "exist_ok": true, "mode": 511}, {"path": "tree:///t", "mode": 448}, {"path": "/a/b/c", "parents": true, "exist_ok": true}]}`,
			map[string]string{
				"/a/b/c": "dir 0755 0:0", "/rel": "dir 0755 0:0", "/s": "dir 1755 0:0", "/su": "dir 0755 0:0", "/d": "dir 0700 1:1", "/t": "dir 0700 0:0",
			}, "",
		},
		"none": {nil, `{}`, nil, ""},
	})
	testRefusals(t, "org.osbuild.mkdir", []refusal{
		{nil, `{"paths": [{}]}`, "options.paths[0].path: is missing"},
		{nil, `{"paths": [{"path": "/a/../b"}]}`, "options.paths[0].path: is not a path without .."},
		{nil, `{"paths": [{"path": "/a", "mode": "0755"}]}`, "options.paths[0].mode: is a string, not an integer"},
		{nil, `{"paths": [{"path": "mount://m/a"}]}`, "options.paths[0].path: mounts are not supported yet"},
		{nil, `{"paths": [{"path": "/a/b"}]}`, "/a/b: no such file or directory"},
		{map[string]string{"/a": `dir 0755 0:0`}, `{"paths": [{"path": "/a"}]}`, "/a: file exists"},
		{map[string]string{"/a": `file 0644 0:0 ""`}, `{"paths": [{"path": "/a", "exist_ok": true}]}`, "/a: file exists"},
	})
}
