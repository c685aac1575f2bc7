package stages_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
)

// TestModesLikeChmod: every kind of mode, on every kind of old mode, gives
// what chmod(1) of the host gives under a umask of 022.
func TestModesLikeChmod(t *testing.T) {
	fixtures.RequireTool(t, "chmod")
	modes := []string{
		"644", "0755", "4755", "00755", "02750", "0", "7777", "a+rwX", "u+s", "g+s", "o+t", "+t", "a+t", "u+t", "ug+s", "a=", "u=", "=", "g=u", "o=g", "u=o", "u+g", "g-o",
		"+x", "-x", "=rx", "+w", "-w", "=w", "a=rX", "go=rX", "u=rwx,go=", "u=rw,g=u,o=g", "u+x-w", "+r+w+x", "a=s", "u=s", "o=s", "g=s", "+s", "-s", "=t", "o=t", "+0111", "-022", "=0700",
		"=06755", "u-s", "a-s", "g=rxs", "ugo=rwx", "X", "a+X",
	}
	olds := []int{0o000, 0o644, 0o755, 0o4755, 0o2755, 0o7777, 0o1777, 0o640, 0o111}
	before := map[string]string{}
	for _, old := range olds {
		before[fmt.Sprintf("/f%04o", old)] = fmt.Sprintf(`file %04o 0:0 ""`, old)
		before[fmt.Sprintf("/d%04o", old)] = fmt.Sprintf(`dir %04o 0:0`, old)
	}
	defer unix.Umask(unix.Umask(0o022))
	for _, mode := range modes {
		ours, theirs := fixtures.Tree(t, before), fixtures.Tree(t, before)
		items := map[string]map[string]string{}
		argv := []string{"--", mode}
		for path := range before {
			items[path] = map[string]string{"mode": mode}
			argv = append(argv, theirs+path)
		}
		options, err := json.Marshal(map[string]any{"items": items})
		if err != nil {
			t.Fatal(err)
		}
		_, ourErr := run(t, definition(t, "org.osbuild.chmod"), ours, string(options), nil)
		out, theirErr := exec.Command("chmod", argv...).CombinedOutput()
		// With "-x" chmod does its work and then fails, for the umask kept it from what "a-x" does.
		exit, _ := theirErr.(*exec.ExitError)
		if (ourErr != nil) != (theirErr != nil) && (exit == nil || mode[0] != '-') {
			t.Errorf("%s: %v, and chmod: %v: %s", mode, ourErr, theirErr, out)
			continue
		}
		got, want := fixtures.Snapshot(t, ours), fixtures.Snapshot(t, theirs)
		for path := range want {
			if got[path] != want[path] {
				t.Errorf("%s on %s: got %s, want %s", mode, before[path], got[path], want[path])
			}
		}
	}
}

func TestChmod(t *testing.T) {
	before := map[string]string{
		"/d": "dir 0700 0:0", "/d/f": `file 0600 0:0 ""`, "/d/x": `file 0700 0:0 ""`, "/d/l": `link 0:0 "/g"`, "/g": `file 0600 0:0 ""`, "/s": `link 0:0 "/g"`, "/e": `link 0:0 "d"`,
	}
	testChanges(t, "org.osbuild.chmod", map[string]change{
		"recursive, links inside passed over": {before, `{"items": {"/d": {"mode": "a+rwX", "recursive": true}}}`, merge(map[string]string{
			"/d": "dir 0777 0:0", "/d/f": `file 0666 0:0 ""`, "/d/x": `file 0777 0:0 ""`,
		}, map[string]string{"/d/l": `link 0:0 "/g"`, "/g": `file 0600 0:0 ""`, "/s": `link 0:0 "/g"`, "/e": `link 0:0 "d"`}), ""},
		"a link is followed": {before, `{"items": {"/s": {"mode": "0604"}}}`, merge(map[string]string{
			"/d": "dir 0700 0:0", "/d/f": `file 0600 0:0 ""`, "/d/x": `file 0700 0:0 ""`,
		}, map[string]string{"/d/l": `link 0:0 "/g"`, "/g": `file 0604 0:0 ""`, "/s": `link 0:0 "/g"`, "/e": `link 0:0 "d"`}), ""},
	})
	testRefusals(t, "org.osbuild.chmod", []refusal{
		{nil, `{"items": {"/none": {"mode": "0644"}}}`, "options.items[\"/none\"]: there is no such file in the tree"},
		{before, `{"items": {"/g": {"mode": "8"}}}`, `options.items["/g"].mode: "8" is no mode: `},
		{before, `{"items": {"/g": {"mode": ""}}}`, `options.items["/g"].mode: "" is no mode: `},
		{before, `{"items": {"/g": {"mode": "u"}}}`, "has none of + - ="},
		{before, `{"items": {"/g": {"mode": "u+k"}}}`, `options.items["/g"].mode: `},
		{before, `{"items": {"/g": {"mode": "77777"}}}`, "octal digits go up to 7777"},
		{before, `{"items": {"/g": {"mode": 420}}}`, `options.items["/g"].mode: is a number, not a string`},
		{before, `{"items": {"/g": {}}}`, `options.items["/g"].mode: is missing`},
		{before, `{"items": {"g": {"mode": "1"}}}`, "options.items.g: is not an absolute path without .."},
		{before, `{"items": {"/d/../g": {"mode": "1"}}}`, `options.items["/d/../g"]: is not an absolute path without ..`},
	})
}
