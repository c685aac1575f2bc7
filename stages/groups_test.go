package stages_test

import (
	"maps"
	"os/exec"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
)

// TestGroupsLikeGroupadd: the same tree as groupadd(8) of the host leaves,
// which upstream runs, but for the backups that it makes.
func TestGroupsLikeGroupadd(t *testing.T) {
	fixtures.RequireTool(t, "groupadd")
	tests := map[string]struct {
		change   map[string]string
		options  string
		commands [][]string
	}{
		"free and given": {nil, `{"groups": {"a": {}, "b": {"gid": 2000}, "c": {}}}`, [][]string{{"a"}, {"--gid", "2000", "b"}, {"c"}}},
		"forced": {
			nil, `{"force": true, "groups": {"mail": {"gid": 5}, "z": {"gid": 27}}}`, [][]string{{"--gid", "5", "--force", "mail"}, {"--gid", "27", "--force", "z"}},
		},
		"full at the top": {
			map[string]string{"/etc/group": `file 0644 0:0 "root:x:0:\na:x:1000:\nb:x:60000:\n"`}, `{"groups": {"c": {}}}`, [][]string{{"c"}},
		},
		"no gshadow": {map[string]string{"/etc/gshadow": ""}, `{"groups": {"c": {}}}`, [][]string{{"c"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			before := merge(accounts(), test.change)
			ours, theirs := fixtures.Tree(t, before), fixtures.Tree(t, before)
			if _, err := run(t, definition(t, "org.osbuild.groups"), ours, test.options, nil); err != nil {
				t.Fatal(err)
			}
			for _, args := range test.commands {
				if out, err := exec.Command("groupadd", append([]string{"--root", theirs}, args...)...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %v: %s", args, err, out)
				}
			}
			want := fixtures.Snapshot(t, theirs)
			maps.DeleteFunc(want, func(path, _ string) bool {
				return strings.HasPrefix(path, "/etc/") && strings.HasSuffix(path, "-") || path == "/etc/.pwd.lock"
			})
			requireTree(t, ours, want)
		})
	}
}

func TestGroupsRefusals(t *testing.T) {
	testRefusals(t, "org.osbuild.groups", []refusal{
		{accounts(), `{"groups": {"mail": {}}}`, "options.groups.mail: the tree has a group of this name"},
		{accounts(), `{"groups": {"a": {"gid": 27}}}`, "options.groups.a.gid: 27 is the gid of the group sudo"},
		{accounts(), `{"groups": {"a": {"gid": "27"}}}`, "options.groups.a.gid: is a string, not an integer"},
		{accounts(), `{"groups": {"a": {"gid": 4294967295}}}`, "options.groups.a.gid: "},
		{accounts(), `{"groups": {"a:b": {}}}`, `options.groups["a:b"]: is not a group's name`},
		{accounts(), `{"groups": {"27": {}}}`, "options.groups.27: is no name for a group"},
		{nil, `{"groups": {"a": {}}}`, "there is no /etc/group in the tree"},
	})
}
