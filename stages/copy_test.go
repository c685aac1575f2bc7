package stages_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// source is a tree of everything that can be copied.
func source() map[string]string {
	return map[string]string{
		"/a/f":      `file 4755 1:2 "f" user.x="1"`,
		"/a/g":      `hard "/a/f"`,
		"/a/d":      `dir 1777 3:4 user.d="2"`,
		"/a/d/deep": `file 0600 5:6 "deep"`,
		"/a/l":      `link 7:8 "../../up"`,
		"/a/dl":     `link 0:0 "d"`,
		"/a/null":   `char 0666 0:0 1:3`,
		"/a/p":      `fifo 0640 9:9`,
		"/one":      `file 0644 0:0 "one"`,
	}
}

// TestCopyLikeCp: the same tree as cp -a of the host leaves, which upstream runs.
func TestCopyLikeCp(t *testing.T) {
	fixtures.RequireTool(t, "cp")
	there := map[string]string{
		"/t/a/f": `file 0600 0:0 "old f"`, "/t/a/x": `file 0600 0:0 "x"`, "/t/file": `file 0600 0:0 "old" user.old="1"`, "/t/link": `link 0:0 "file"`, "/t/dlink": `link 0:0 "a"`,
		"/t/l": `link 0:0 "nowhere"`,
	}
	tests := map[string]struct {
		from, to string
		remove   bool
	}{
		"a directory into one":          {"/a", "/t", false},
		"a directory to a new name":     {"/a", "/new", false},
		"the content of a directory":    {"/a/", "/t", false},
		"the content, to a new name":    {"/a/", "/new", false},
		"the content, by a link":        {"/a/dl/", "/t/", false},
		"a link to a directory":         {"/a/dl", "/t", false},
		"a file into a directory":       {"/one", "/t/", false},
		"a file over a file":            {"/one", "/t/file", false},
		"a file through a link":         {"/one", "/t/link", false},
		"a file instead of a link":      {"/one", "/t/link", true},
		"a file to a new name":          {"/one", "/t/new", false},
		"into a directory by a link":    {"/a/d", "/t/dlink", false},
		"the content of the root":       {"/", "/t", false},
		"merged with what is there":     {"/a/", "/t/a", false},
		"merged, what is there removed": {"/a", "/t", true},
		"a node":                        {"/a/null", "/t/null", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			from, ours, theirs := fixtures.Tree(t, source()), fixtures.Tree(t, there), fixtures.Tree(t, there)
			age(t, from)
			options := fmt.Sprintf(`{"paths": [{"from": "input://in%s", "to": "tree://%s", "remove_destination": %t}]}`, test.from, test.to, test.remove)
			inputs := map[string]step.Input{"in": {Path: from}}
			if _, err := run(t, definition(t, "org.osbuild.copy"), ours, options, inputs); err != nil {
				t.Fatal(err)
			}
			argv := []string{"-a"}
			if test.remove {
				argv = append(argv, "--remove-destination")
			}
			if strings.HasSuffix(test.from, "/") {
				test.from += "."
			}
			if out, err := exec.Command("cp", append(argv, from+test.from, theirs+test.to)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			requireTree(t, ours, fixtures.Snapshot(t, theirs))
			requireTimes(t, ours, theirs)
		})
	}
}

// old is a time that nothing but what is copied has.
var old = time.Unix(1000000000, 123456789)

// requireTimes: what cp gave the time of its source has it here too.
func requireTimes(t *testing.T, ours, theirs string) {
	t.Helper()
	copied := 0
	for path := range fixtures.Snapshot(t, theirs) {
		if !mtime(t, theirs+path).Equal(old) {
			continue
		}
		copied++
		if got := mtime(t, ours+path); !got.Equal(old) {
			t.Errorf("%s: the time is %v, want %v", path, got, old)
		}
	}
	if copied == 0 {
		t.Error("nothing was copied")
	}
}

func mtime(t *testing.T, name string) time.Time {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// age gives everything in a tree the old time.
func age(t *testing.T, dir string) {
	t.Helper()
	ts := []unix.Timespec{unix.NsecToTimespec(old.UnixNano()), unix.NsecToTimespec(old.UnixNano())}
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, unix.UtimesNanoAt(unix.AT_FDCWD, name, ts, unix.AT_SYMLINK_NOFOLLOW))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCopyRecorded: where an input has a recorded list, that is the truth for
// owner, mode and attributes.
func TestCopyRecorded(t *testing.T) {
	from, to := fixtures.Tree(t, map[string]string{"/f": `file 0600 0:0 "x" user.disk="1"`, "/l": `link 0:0 "f"`}), fixtures.Tree(t, nil)
	entries := []report.Entry{
		{Path: "/", Type: report.Directory, Mode: 0o755},
		{Path: "/f", Type: report.File, Mode: 0o4711, UID: 12, GID: 13, Xattrs: map[string]report.Raw{"user.list": "2"}},
		{Path: "/l", Type: report.Symlink, Mode: 0o777, UID: 14, GID: 15},
	}
	inputs := map[string]step.Input{"tree": {Path: from, Entries: entries}}
	if _, err := run(t, definition(t, "org.osbuild.copy"), to, `{"paths": [{"from": "input://tree/", "to": "tree:///"}]}`, inputs); err != nil {
		t.Fatal(err)
	}
	requireTree(t, to, map[string]string{"/f": `file 4711 12:13 "x" user.list="2"`, "/l": `link 14:15 "f"`})
}

func TestCopyInTheTree(t *testing.T) {
	before := map[string]string{"/a/f": `file 0600 1:1 "x"`, "/in": `link 0:0 "a"`}
	testChanges(t, "org.osbuild.copy", map[string]change{
		"two, in order": {
			before, `{"paths": [{"from": "tree:///a/f", "to": "tree:///b"}, {"from": "tree:///b", "to": "tree:///c"}]}`,
			merge(map[string]string{"/b": `file 0600 1:1 "x"`, "/c": `file 0600 1:1 "x"`}, before), "",
		},
	})
	testRefusals(t, "org.osbuild.copy", []refusal{
		{before, `{"paths": []}`, "options.paths: has 0 items, and must have at least 1"},
		{before, `{"paths": [{"from": "/a", "to": "tree:///b"}]}`, `options.paths[0].from: "/a" is not of the form input://NAME/PATH or tree:///PATH`},
		{before, `{"paths": [{"from": "tree:///a", "to": "input://x/b"}]}`, `options.paths[0].to: "input://x/b" is not of the form tree:///PATH`},
		{before, `{"paths": [{"from": "input://x/a", "to": "tree:///b"}]}`, `options.paths[0].from: the step has no input "x"`},
		{before, `{"paths": [{"from": "mount://m/a", "to": "tree:///b"}]}`, "options.paths[0].from: mounts are not supported yet"},
		{before, `{"paths": [{"from": "tree:///none", "to": "tree:///b"}]}`, "options.paths[0].from: there is no /none to copy"},
		{before, `{"paths": [{"from": "tree:///a/f/", "to": "tree:///b"}]}`, "options.paths[0].from: /a/f ends in a slash and is a file"},
		{before, `{"paths": [{"from": "tree:///a/f", "to": "tree:///none/"}]}`, "options.paths[0].to: there is no directory /none"},
		{before, `{"paths": [{"from": "tree:///a", "to": "tree:///a/b"}]}`, "options.paths[0].to: /a/b lies inside of /a"},
		{before, `{"paths": [{"from": "tree:///a", "to": "tree:///in"}]}`, "would be copied into itself"},
		{before, `{"paths": [{"from": "tree:///a/f", "to": "tree:///a/f"}]}`, "it is the same file"},
	})
}

// TestCopyConfined: an input whose links lead out gives the links, not what
// they lead to.
func TestCopyConfined(t *testing.T) {
	outer := fixtures.Tree(t, map[string]string{"/secret": `file 0600 0:0 "secret"`, "/in/out": `link 0:0 "../secret"`, "/in/up": `link 0:0 "../.."`})
	to := fixtures.Tree(t, nil)
	inputs := map[string]step.Input{"in": {Path: outer + "/in"}}
	for _, from := range []string{"/out", "/up/secret", "/out/", "/up/"} {
		log, err := run(t, definition(t, "org.osbuild.copy"), to, `{"paths": [{"from": "input://in`+from+`", "to": "tree:///"}]}`, inputs)
		for path, line := range fixtures.Snapshot(t, to) {
			if strings.Contains(line, `"secret"`) {
				t.Errorf("%s: %s is %s (%v, %s)", from, path, line, err, log)
			}
		}
	}
}
