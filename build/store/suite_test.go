package store

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// old is a time before the epoch, with a fraction.
var old = time.Unix(1500000000, 123456789)

// caps is security.capability of cap_net_raw=ep, revision 2.
const caps = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// acl is user::rw-,user:5:r--,group::r--,mask::r--,other::r-- in the kernel's
// form: linux/posix_acl_xattr.h.
const acl = "\x02\x00\x00\x00" + "\x01\x00\x06\x00\xff\xff\xff\xff" + "\x02\x00\x04\x00\x05\x00\x00\x00" +
	"\x04\x00\x04\x00\xff\xff\xff\xff" + "\x10\x00\x04\x00\xff\xff\xff\xff" + "\x20\x00\x04\x00\xff\xff\xff\xff"

// A scenario is a chain of steps, and the tree that each must give.
type scenario struct {
	name  string
	steps []scenarioStep
}

type scenarioStep struct {
	do   edit
	want map[string]string
}

// Beginnings of the digests of "", "one\n" and "two\n"; sha256sum tells them.
const (
	sumEmpty = "e3b0c442"
	sumOne   = "2c8b08da"
	sumTwo   = "27dd8ed4"
)

// scenarios are run by every kind of store, and all must give the same trees.
func scenarios() []scenario {
	root := "directory 0755 0:0"
	return []scenario{
		{"every type and attribute", []scenarioStep{{
			edits(write("f", "one\n"), chown("f", 1, 2), chmod("f", 0o4755), mkdir("d"), chmod("d", 0o1777),
				symlink("../host", "l"), chown("l", 3, 4), mknod("c", unix.S_IFCHR, 4, 64), chmod("c", 0o620),
				mknod("b", unix.S_IFBLK, 259, 1048575), chmod("b", 0o660), mknod("p", unix.S_IFIFO|0o600, 0, 0), write("x", ""), setxattr("x", "user.note", "a\x00b"),
				setxattr("x", "security.capability", caps), setxattr("d", "security.selinux", "system_u:object_r:tmp_t:s0\x00"),
				setTime("l", old), write("new\nline \xff\\", "")),
			map[string]string{
				"/": root, "/f": "file 4755 1:2 4 " + sumOne, "/d": "directory 1777 0:0 system_u:object_r:tmp_t:s0 security.selinux",
				"/l": "symlink 0777 3:4 2017-07-14T02:40:00Z ../host", "/c": "char 0620 0:0 4:64", "/b": "block 0660 0:0 259:1048575",
				"/p": "fifo 0600 0:0", "/x": "file 0644 0:0 cap_net_raw=ep 0 " + sumEmpty + " security.capability user.note",
				"/new\nline \xff\\": "file 0644 0:0 0 " + sumEmpty,
			},
		}}},
		{"change, remove, replace", []scenarioStep{
			{edits(mkdir("a/b"), write("a/b/1", "one\n"), write("a/b/2", "one\n"), write("a/c", "one\n"), mkdir("e"), write("e/f", "one\n"), write("g", "one\n")), map[string]string{
				"/": root, "/a": root, "/a/b": root, "/a/b/1": "file 0644 0:0 4 " + sumOne, "/a/b/2": "file 0644 0:0 4 " + sumOne,
				"/a/c": "file 0644 0:0 4 " + sumOne, "/e": root, "/e/f": "file 0644 0:0 4 " + sumOne, "/g": "file 0644 0:0 4 " + sumOne}},
			{edits(write("a/b/1", "two\n"), remove("a/b/2"), remove("a/c"), mkdir("a/c"), write("a/c/x", ""), remove("e"), symlink("a", "e"), remove("g")), map[string]string{
				"/": root, "/a": root, "/a/b": root, "/a/b/1": "file 0644 0:0 4 " + sumTwo,
				"/a/c": root, "/a/c/x": "file 0644 0:0 0 " + sumEmpty, "/e": "symlink 0777 0:0 a"}},
			{edits(remove("e"), mkdir("e"), write("e/h", ""), remove("a"), mkdir("a/b"), write("a/b/3", "")), map[string]string{
				"/": root, "/a": root, "/a/b": root, "/a/b/3": "file 0644 0:0 0 " + sumEmpty, "/e": root, "/e/h": "file 0644 0:0 0 " + sumEmpty}},
			{edits(remove("a"), remove("e")), map[string]string{"/": root}},
			{edits(mkdir("a/b")), map[string]string{"/": root, "/a": root, "/a/b": root}},
		}},
		{"one name of a pair from a lower layer", []scenarioStep{
			{edits(mkdir("x/y"), mkdir("z"), write("x/y/a", "one\n"), link("x/y/a", "z/b"), setTime("x/y", old), setTime("z", old)), map[string]string{
				"/": root, "/x": root, "/x/y": root + " 2017-07-14T02:40:00Z", "/z": root + " 2017-07-14T02:40:00Z",
				"/x/y/a": "file 0644 0:0 4 " + sumOne + " = /x/y/a", "/z/b": "file 0644 0:0 4 " + sumOne + " = /x/y/a"}},
			{edits(chmod("z/b", 0o600), expectMode("x/y/a", 0o600)), map[string]string{
				"/": root, "/x": root, "/x/y": root + " 2017-07-14T02:40:00Z", "/z": root + " 2017-07-14T02:40:00Z",
				"/x/y/a": "file 0600 0:0 4 " + sumOne + " = /x/y/a", "/z/b": "file 0600 0:0 4 " + sumOne + " = /x/y/a"}},
			{edits(expectMode("x/y/a", 0o600), appendTo("x/y/a", "two\n"), expectContent("z/b", "one\ntwo\n")), map[string]string{
				"/": root, "/x": root, "/x/y": root + " 2017-07-14T02:40:00Z", "/z": root + " 2017-07-14T02:40:00Z",
				"/x/y/a": "file 0600 0:0 8 c3f9c8c2 = /x/y/a", "/z/b": "file 0600 0:0 8 c3f9c8c2 = /x/y/a"}},
			{edits(expectContent("z/b", "one\ntwo\n"), expectLinks("z/b", 2), write("z/b", "two\n"), expectContent("x/y/a", "two\n")), map[string]string{
				"/": root, "/x": root, "/x/y": root + " 2017-07-14T02:40:00Z", "/z": root + " 2017-07-14T02:40:00Z",
				"/x/y/a": "file 0600 0:0 4 " + sumTwo + " = /x/y/a", "/z/b": "file 0600 0:0 4 " + sumTwo + " = /x/y/a"}},
		}},
		{"groups that grow, shrink, move and part", []scenarioStep{
			{edits(write("a", "one\n"), link("a", "b"), link("a", "c")), map[string]string{"/": root,
				"/a": "file 0644 0:0 4 " + sumOne + " = /a", "/b": "file 0644 0:0 4 " + sumOne + " = /a", "/c": "file 0644 0:0 4 " + sumOne + " = /a"}},
			{edits(remove("a"), link("b", "d")), map[string]string{"/": root,
				"/b": "file 0644 0:0 4 " + sumOne + " = /b", "/c": "file 0644 0:0 4 " + sumOne + " = /b", "/d": "file 0644 0:0 4 " + sumOne + " = /b"}},
			{edits(expectLinks("c", 3), rename("b", "e"), write("c", "two\n"), expectContent("e", "two\n")), map[string]string{"/": root,
				"/c": "file 0644 0:0 4 " + sumTwo + " = /c", "/d": "file 0644 0:0 4 " + sumTwo + " = /c", "/e": "file 0644 0:0 4 " + sumTwo + " = /c"}},
			{edits(remove("c"), write("c", "one\n"), expectContent("d", "two\n")), map[string]string{"/": root,
				"/c": "file 0644 0:0 4 " + sumOne, "/d": "file 0644 0:0 4 " + sumTwo + " = /d", "/e": "file 0644 0:0 4 " + sumTwo + " = /d"}},
			{edits(remove("d")), map[string]string{"/": root, "/c": "file 0644 0:0 4 " + sumOne, "/e": "file 0644 0:0 4 " + sumTwo}},
			{edits(expectLinks("e", 1), write("n", ""), rename("n", "e")), map[string]string{"/": root, "/c": "file 0644 0:0 4 " + sumOne, "/e": "file 0644 0:0 0 " + sumEmpty}},
		}},
		{"hard links of what is no file", []scenarioStep{
			{edits(symlink("t", "s1"), link("s1", "s2"), mknod("c1", unix.S_IFCHR|0o600, 1, 3), link("c1", "c2")), map[string]string{"/": root,
				"/s1": "symlink 0777 0:0 t = /s1", "/s2": "symlink 0777 0:0 t = /s1", "/c1": "char 0600 0:0 1:3 = /c1", "/c2": "char 0600 0:0 1:3 = /c1"}},
			{edits(chown("s2", 7, 7), chown("c1", 8, 8)), map[string]string{"/": root,
				"/s1": "symlink 0777 7:7 t = /s1", "/s2": "symlink 0777 7:7 t = /s1", "/c1": "char 0600 8:8 1:3 = /c1", "/c2": "char 0600 8:8 1:3 = /c1"}},
		}},
		{"access control lists", []scenarioStep{
			{edits(mkdir("d/e"), write("d/e/f", ""), write("d/e/g", ""), link("d/e/g", "h"), setxattr("d/e", "system.posix_acl_default", acl), setxattr("d", "system.posix_acl_default", acl),
				setxattr("d/e/f", "system.posix_acl_access", acl)), map[string]string{"/": root,
				"/d": root + " system.posix_acl_default", "/d/e": root + " system.posix_acl_default",
				"/d/e/f": "file 0644 0:0 0 " + sumEmpty + " system.posix_acl_access", "/d/e/g": "file 0644 0:0 0 " + sumEmpty + " = /d/e/g", "/h": "file 0644 0:0 0 " + sumEmpty + " = /d/e/g"}},
			{edits(chmod("h", 0o600), chmod("d/e/f", 0o640)), map[string]string{"/": root,
				"/d": root + " system.posix_acl_default", "/d/e": root + " system.posix_acl_default",
				"/d/e/f": "file 0640 0:0 0 " + sumEmpty + " system.posix_acl_access", "/d/e/g": "file 0600 0:0 0 " + sumEmpty + " = /d/e/g", "/h": "file 0600 0:0 0 " + sumEmpty + " = /d/e/g"}},
		}},
		{"times", []scenarioStep{
			{edits(write("new", ""), write("old", ""), setTime("old", old), mkdir("d"), write("d/f", ""), setTime("d", old), setTime("d/f", epoch.Add(time.Hour))), map[string]string{"/": root,
				"/new": "file 0644 0:0 0 " + sumEmpty, "/old": "file 0644 0:0 2017-07-14T02:40:00Z 0 " + sumEmpty,
				"/d": root + " 2017-07-14T02:40:00Z", "/d/f": "file 0644 0:0 0 " + sumEmpty}},
			{edits(remove("d/f")), map[string]string{"/": root, "/new": "file 0644 0:0 0 " + sumEmpty,
				"/old": "file 0644 0:0 2017-07-14T02:40:00Z 0 " + sumEmpty, "/d": root}},
		}},
		{"metadata only", []scenarioStep{
			{edits(mkdir("d/e"), write("d/e/f", "one\n"), setxattr("d/e/f", "user.a", "1"), setxattr("d", "user.d", "1")), map[string]string{"/": root,
				"/d": root + " user.d", "/d/e": root, "/d/e/f": "file 0644 0:0 4 " + sumOne + " user.a"}},
			{edits(setxattr("d/e/f", "user.b", "2"), chmod("d/e", 0o700), chown("d", 5, 5), chmod("", 0o711)), map[string]string{"/": "directory 0711 0:0",
				"/d": "directory 0755 5:5 user.d", "/d/e": "directory 0700 0:0", "/d/e/f": "file 0644 0:0 4 " + sumOne + " user.a user.b"}},
			{edits(expectMode("", 0o711), remove("d/e/f")), map[string]string{"/": "directory 0711 0:0", "/d": "directory 0755 5:5 user.d", "/d/e": "directory 0700 0:0"}},
		}},
	}
}

func expectMode(name string, mode os.FileMode) edit {
	return func(dir string) error {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err == nil && info.Mode().Perm() != mode {
			err = fmt.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
		return err
	}
}

func expectContent(name, content string) edit {
	return func(dir string) error {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && string(got) != content {
			err = fmt.Errorf("%s holds %q, want %q", name, got, content)
		}
		return err
	}
}

func expectLinks(name string, want uint64) edit {
	return func(dir string) error {
		var st unix.Stat_t
		err := unix.Lstat(filepath.Join(dir, name), &st)
		if err == nil && st.Nlink != want {
			err = fmt.Errorf("%s has %d links, want %d", name, st.Nlink, want)
		}
		return err
	}
}

// kinds are the stores that the suite runs on.
func kinds() map[string]func(t *testing.T) *Dir {
	return map[string]func(t *testing.T) *Dir{
		"overlay":       func(t *testing.T) *Dir { return openTest(t, t.TempDir(), Overlay) },
		"copy":          func(t *testing.T) *Dir { return openTest(t, t.TempDir(), Copy) },
		"tmpfs":         func(t *testing.T) *Dir { return openTest(t, onTmpfs(t, ""), Auto) },
		"tmpfs copy":    func(t *testing.T) *Dir { return openTest(t, onTmpfs(t, ""), Copy) },
		"on an overlay": func(t *testing.T) *Dir { return openTest(t, onOverlay(t), Auto) },
	}
}

// onOverlay gives a directory that is an overlay itself.
func onOverlay(t *testing.T) string {
	t.Helper()
	dir := onTmpfs(t, "")
	target := t.TempDir()
	for _, name := range []string{"l", "u", "w"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	v := View{Base: dir, Lower: []string{"l"}, Upper: "u", Work: "w"}
	if err := v.Mount(target); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return target
}

// TestScenarios is the conformance suite. What the steps see, what the list
// says, what a read-only view shows and what an export holds must agree.
func TestScenarios(t *testing.T) {
	for kind, open := range kinds() {
		t.Run(kind, func(t *testing.T) {
			d := open(t)
			want := Overlay
			if kind != "overlay" && kind != "tmpfs" {
				want = Copy
			}
			if mode, err := d.Mode(); err != nil || mode != want {
				t.Fatalf("mode is %q (%v), want %q", mode, err, want)
			}
			for n, s := range scenarios() {
				t.Run(s.name, func(t *testing.T) { runScenario(t, d, n, s) })
			}
		})
	}
}

func runScenario(t *testing.T, d *Dir, number int, s scenario) {
	base := EmptyTree()
	for n, step1 := range s.steps {
		base, _ = step(t, d, base, fmt.Sprintf("key-%d-%d", number, n), step1.do)
		what := fmt.Sprintf("step %d", n+1)
		sameTree(t, what, tree(t, d, base), step1.want)
		v, err := d.View(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		inView(t, v, func(dir string) error {
			sameTree(t, what+", read-only view", onDisk(t, copied(t, dir)), step1.want)
			if err := os.WriteFile(filepath.Join(dir, "w"), nil, 0o644); err == nil {
				t.Errorf("%s: a read-only view can be written to", what)
			}
			return nil
		})
		dst := filepath.Join(t.TempDir(), "out")
		if err := d.Export(t.Context(), base, dst); err != nil {
			t.Fatal(err)
		}
		sameTree(t, what+", export", onDisk(t, dst), step1.want)
	}
	if problems, err := d.Verify(t.Context(), nil); err != nil || len(problems) > 0 {
		t.Errorf("verify: %v, %v", problems, err)
	}
}

// copied copies a tree with cp(1), an oracle that keeps everything; the
// scanner would try to change times in a read-only view.
func copied(t *testing.T, dir string) string {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "copy")
	if out, err := command("cp", "-a", dir, dst); err != nil {
		t.Fatalf("cp: %v: %s", err, strings.TrimSpace(out))
	}
	return dst
}
