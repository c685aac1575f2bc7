package tree_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/tree/treetest"
	"github.com/assay-os/assay/report"
)

func TestLookup(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{
		"/usr/bin/sh": "dash", "/bin": "-> usr/bin", "/etc/a": "-> /bin/sh", "/etc/up": "-> ../../../bin/sh",
		"/loop": "-> loop2", "/loop2": "-> /loop", "/etc/dir": "-> .", "/dangling": "-> /no/where",
		"/etc/self": "-> self/x", "/wide": "-> ./././usr//bin/./sh", "/a/b": "1", "/a.b": "2", "/a": "",
	}})
	for _, c := range []struct {
		name, want string
		fails      error
	}{
		{name: "/usr/bin/sh", want: "/usr/bin/sh"},
		{name: "usr/bin/sh", want: "/usr/bin/sh"},
		{name: "/bin/sh", want: "/usr/bin/sh"},
		{name: "/etc/a", want: "/usr/bin/sh"},
		{name: "/etc/up", want: "/usr/bin/sh"},
		{name: "/../../bin/../bin/sh", want: "/usr/bin/sh"},
		{name: "/etc/dir/dir/dir/a", want: "/usr/bin/sh"},
		{name: "/wide", want: "/usr/bin/sh"},
		{name: "/", want: "/"},
		{name: "/bin/", want: "/usr/bin"},
		{name: "/no", fails: fs.ErrNotExist},
		{name: "/dangling", fails: fs.ErrNotExist},
		{name: "/usr/bin/sh/x", fails: fs.ErrNotExist},
		{name: "/loop", fails: errAny},
		{name: "/etc/self", fails: errAny},
	} {
		f, err := on.Lookup(c.name)
		switch {
		case c.fails == nil && (err != nil || f.Path != c.want):
			t.Errorf("%s: %v, %v; want %s", c.name, f, err, c.want)
		case c.fails != nil && (err == nil || c.fails != errAny && !errors.Is(err, c.fails)):
			t.Errorf("%s: error %v, want %v", c.name, err, c.fails)
		case c.fails == errAny && errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s: a loop counts as absent", c.name)
		}
	}
	if f, err := on.Lstat("/bin"); err != nil || f.Node.Type != report.Symlink {
		t.Errorf("Lstat follows the last link: %v, %v", f, err)
	}
}

var errAny = errors.New("any")

func TestReadFileBounds(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{"/f": "12345", "/d/": ""}})
	if data, err := on.ReadFile("/f", 5); err != nil || string(data) != "12345" {
		t.Errorf("%q, %v", data, err)
	}
	for _, name := range []string{"/f", "/d"} {
		if _, err := on.ReadFile(name, 4); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReadDir has names whose order differs from that of the paths below them.
func TestReadDir(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{"/a/b/c/d": "", "/a/b.x": "", "/a/b": "", "/a/b-": "", "/a/z/": "", "/ab": "", "/a0": ""}})
	list, err := on.ReadDir("/a")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name())
	}
	if got := strings.Join(names, " "); got != "b b b- b.x z" && got != "b b- b.x z" {
		t.Errorf("got %s", got)
	}
}

func TestGlob(t *testing.T) {
	on := treetest.Of(t, treetest.Map{Files: map[string]string{
		"/boot/loader/entries/a.conf": "", "/boot/loader/entries/b.conf": "", "/boot/loader/entries/c.txt": "",
		"/home/x/.ssh/k": "", "/home/y/.ssh/k": "", "/home/z": "",
	}})
	for pattern, want := range map[string]int{
		"/boot/loader/entries/*.conf": 2, "/home/*/.ssh/k": 2, "/nothing/*": 0, "/*": 2, "/home/z/*": 0,
	} {
		if list, err := on.Glob(pattern); err != nil || len(list) != want {
			t.Errorf("%s: %d matches, %v; want %d", pattern, len(list), err, want)
		}
	}
	if _, err := on.Glob("/boot/["); err == nil {
		t.Error("a bad pattern is taken")
	}
}

// TestFactory: a tree that is not deployed has its /etc in /usr/etc, unless it has one.
func TestFactory(t *testing.T) {
	for _, c := range []struct {
		files   map[string]string
		factory bool
		want    string
	}{
		{map[string]string{"/usr/etc/a": "x"}, true, "/usr/etc/a"},
		{map[string]string{"/usr/etc/a": "x"}, false, ""},
		{map[string]string{"/usr/etc/a": "x", "/etc/a": "y"}, true, "/etc/a"},
		{map[string]string{"/usr/etc/a": "x", "/etc/b": "y"}, true, ""},
		{map[string]string{"/usr/etc/a": "x", "/l": "-> /etc/a"}, true, "/usr/etc/a"},
	} {
		at := treetest.Of(t, treetest.Map{Files: c.files})
		at.Factory = c.factory
		name := "/etc/a"
		if c.files["/l"] != "" {
			name = "/l"
		}
		f, err := at.Lookup(name)
		got := ""
		if f != nil {
			got = f.Path
		}
		if got != c.want || (err != nil) != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %s, %v, want %s", c.files, got, err, c.want)
		}
	}
}
