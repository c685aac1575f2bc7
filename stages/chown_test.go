package stages_test

import "testing"

func TestChown(t *testing.T) {
	accounts := map[string]string{
		"/etc/passwd": `file 0644 0:0 "root:x:0:0::/:/x\nwww:x:33:34::/:/x\n77:x:78:78::/:/x\n"`, "/etc/group": `file 0644 0:0 "root:x:0:\nweb:x:35:\n"`,
	}
	with := func(tree map[string]string) map[string]string { return merge(tree, accounts) }
	files := with(map[string]string{"/d": "dir 0700 1:1", "/d/f": `file 4755 1:1 ""`, "/d/l": `link 1:1 "/g"`, "/g": `file 0600 1:1 ""`, "/s": `link 1:1 "g"`})
	testChanges(t, "org.osbuild.chown", map[string]change{
		"recursive, symlinks themselves": {files, `{"items": {"/d": {"user": "www", "group": "web", "recursive": true}}}`, with(map[string]string{
			"/d": "dir 0700 33:35", "/d/f": `file 0755 33:35 ""`, "/d/l": `link 33:35 "/g"`, "/g": `file 0600 1:1 ""`, "/s": `link 1:1 "g"`,
		}), ""},
		"a link is followed, one of the two": {files, `{"items": {"/s": {"group": 9}, "/d": {"user": 8}}}`, with(map[string]string{
			"/d": "dir 0700 8:1", "/d/f": `file 4755 1:1 ""`, "/d/l": `link 1:1 "/g"`, "/g": `file 0600 1:9 ""`, "/s": `link 1:1 "g"`,
		}), ""},
		"digits: a name first, then an id": {files, `{"items": {"/g": {"user": "77", "group": "77"}}}`, with(map[string]string{
			"/d": "dir 0700 1:1", "/d/f": `file 4755 1:1 ""`, "/d/l": `link 1:1 "/g"`, "/g": `file 0600 78:77 ""`, "/s": `link 1:1 "g"`,
		}), ""},
	})
	testRefusals(t, "org.osbuild.chown", []refusal{
		{files, `{"items": {"/g": {"user": "nobody"}}}`, `options.items["/g"].user: "nobody" is in no line of /etc/passwd`},
		{nil, `{"items": {"/g": {"group": "web"}}}`, `options.items["/g"].group: "web" is in no line of /etc/group`},
		{files, `{"items": {"/g": {}}}`, `options.items["/g"]: needs one of user, group`},
		{files, `{"items": {"/g": {"user": true}}}`, `options.items["/g"].user: is a boolean, not a string or an integer`},
		{files, `{"items": {"/g": {"user": -1}}}`, `options.items["/g"].user: -1 is less than 0`},
		{files, `{"items": {"/none": {"user": 0}}}`, `options.items["/none"]: there is no such file in the tree`},
	})
}
