package tree_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// open makes a tree of entries and opens it.
func open(t *testing.T, entries map[string]string) *tree.Root {
	t.Helper()
	root, err := tree.Open(fixtures.Tree(t, entries))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	})
	return root
}

// TestChanges holds every changing method to the tree that it leaves.
func TestChanges(t *testing.T) {
	tests := map[string]struct {
		before map[string]string
		do     func(*tree.Root) error
		after  map[string]string
	}{
		"write new": {
			nil, func(r *tree.Root) error { return r.WriteFile("/f", []byte("x"), 0o664) },
			map[string]string{"/f": `file 0664 0:0 "x"`},
		},
		"write keeps owner, mode and attributes": {
			map[string]string{"/f": `file 4640 7:8 "old" user.a="1"`},
			func(r *tree.Root) error { return r.WriteFile("/f", []byte("new"), 0o644) },
			map[string]string{"/f": `file 4640 7:8 "new" user.a="1"`},
		},
		"write reaches every name": {
			map[string]string{"/f": `file 0600 0:0 "old"`, "/g": `hard "/f"`},
			func(r *tree.Root) error { return r.WriteFile("/g", []byte("new"), 0o644) },
			map[string]string{"/f": `file 0600 0:0 "new"`, "/g": `hard "/f"`},
		},
		"write follows links": {
			map[string]string{"/l": `link 0:0 "m"`, "/m": `link 0:0 "/d/f"`, "/d": `dir 0755 0:0`},
			func(r *tree.Root) error { return r.WriteFile("l", []byte("x"), 0o644) },
			map[string]string{"/l": `link 0:0 "m"`, "/m": `link 0:0 "/d/f"`, "/d/f": `file 0644 0:0 "x"`},
		},
		"append": {
			map[string]string{"/f": `file 0600 1:1 "a"`},
			func(r *tree.Root) error {
				return errors.Join(r.AppendFile("/f", []byte("b"), 0o644), r.AppendFile("/g", []byte("c"), 0o640))
			},
			map[string]string{"/f": `file 0600 1:1 "ab"`, "/g": `file 0640 0:0 "c"`},
		},
		"mkdir all below a link": {
			map[string]string{"/l": `link 0:0 "/d"`, "/d": `dir 2755 0:5`},
			func(r *tree.Root) error { return r.MkdirAll("/l/a//b/.", 0o750) },
			map[string]string{"/l": `link 0:0 "/d"`, "/d": `dir 2755 0:5`, "/d/a": `dir 2750 0:5`, "/d/a/b": `dir 2750 0:5`},
		},
		"names": {
			map[string]string{"/f": `file 0644 0:0 ""`, "/d/e/f": `file 0644 0:0 ""`, "/d/l": `link 0:0 "/f"`},
			func(r *tree.Root) error {
				return errors.Join(r.Symlink("../x", "/s"), r.Link("/f", "/g"), r.Rename("/f", "/h"), r.RemoveAll("/d"), r.RemoveAll("/none"))
			},
			map[string]string{"/s": `link 0:0 "../x"`, "/g": `file 0644 0:0 ""`, "/h": `hard "/g"`},
		},
		"link and rename and remove take a symlink itself": {
			map[string]string{"/f": `file 0644 0:0 ""`, "/a": `link 0:0 "f"`, "/b": `link 0:0 "f"`, "/c": `link 0:0 "f"`, "/e": `dir 0755 0:0`},
			func(r *tree.Root) error {
				return errors.Join(r.Rename("/a", "/z"), r.Remove("/b"), r.RemoveAll("/c"), r.Remove("/e"))
			},
			map[string]string{"/f": `file 0644 0:0 ""`, "/z": `link 0:0 "f"`},
		},
		"nodes": {
			nil, func(r *tree.Root) error {
				return errors.Join(r.Mknod("/null", report.Char, 0o666, 1, 3), r.Mknod("/sda", report.Block, 0o660, 8, 0), r.Mknod("/p", report.FIFO, 0o622, 0, 0))
			},
			map[string]string{"/null": `char 0666 0:0 1:3`, "/sda": `block 0660 0:0 8:0`, "/p": `fifo 0622 0:0`},
		},
		"metadata": {
			map[string]string{"/f": `file 0644 0:0 ""`, "/l": `link 0:0 "f"`},
			func(r *tree.Root) error {
				return errors.Join(r.Chown("/l", 3, 4), r.Chown("/f", 1, 2), r.Chmod("/f", 0o4711), r.Setxattr("/f", "user.a", []byte("v")),
					r.Setxattr("/f", "user.b", nil), r.Removexattr("/f", "user.b"))
			},
			map[string]string{"/f": `file 4711 1:2 "" user.a="v"`, "/l": `link 3:4 "f"`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			defer unix.Umask(unix.Umask(0o077))
			root := open(t, test.before)
			if err := test.do(root); err != nil {
				t.Error(err)
			}
			if got := fixtures.Snapshot(t, root.Dir()); !maps.Equal(got, test.after) {
				t.Errorf("got  %v\nwant %v", got, test.after)
			}
		})
	}
}

func TestReading(t *testing.T) {
	root := open(t, map[string]string{
		"/d/b": `file 0644 0:0 "b"`, "/d/a/x": `file 0644 0:0 ""`, "/l": `link 5:6 "/d"`, "/n": `char 0600 0:0 1:3`, "/p": `fifo 0600 0:0`,
	})
	if data, err := root.ReadFile("/l/../l/b"); string(data) != "b" || err != nil {
		t.Errorf("read: %q, %v", data, err)
	}
	for _, name := range []string{"/n", "/p", "/d"} {
		if _, err := root.ReadFile(name); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("read %s: %v", name, err)
		}
	}
	if info, err := root.Lstat("/l"); err != nil || info.Type != report.Symlink || info.UID != 5 || info.GID != 6 {
		t.Errorf("lstat: %+v, %v", info, err)
	}
	if info, err := root.Stat("/l"); err != nil || info.Type != report.Directory {
		t.Errorf("stat: %+v, %v", info, err)
	}
	if target, err := root.Readlink("/l"); target != "/d" || err != nil {
		t.Errorf("readlink: %q, %v", target, err)
	}
	if list, err := root.ReadDir("l"); err != nil || len(list) != 2 || list[0].Name != "a" || list[1].Name != "b" {
		t.Errorf("read directory: %+v, %v", list, err)
	}
	if ok, err := root.Exists("/none/at/all"); ok || err != nil {
		t.Errorf("exists: %v, %v", ok, err)
	}
	var walked []string
	err := root.Walk("", func(name string, info tree.Info) error {
		walked = append(walked, name)
		if name == "/d/a" {
			return fs.SkipDir
		}
		return nil
	})
	if want := []string{"/", "/d", "/d/a", "/d/b", "/l", "/n", "/p"}; err != nil || !slices.Equal(walked, want) {
		t.Errorf("walk: %v, %v", walked, err)
	}
}

func TestTimesAndLimits(t *testing.T) {
	root := open(t, map[string]string{"/f": `file 0644 0:0 ""`, "/l": `link 0:0 "f"`})
	when := time.Unix(1579910400, 0).UTC()
	if err := root.Utimes("/l", when); err != nil {
		t.Fatal(err)
	}
	link, _ := root.Lstat("/l")
	file, _ := root.Lstat("/f")
	if !link.Mtime.Equal(when) || file.Mtime.Equal(when) {
		t.Errorf("link %v, file %v", link.Mtime, file.Mtime)
	}
	if err := os.Truncate(filepath.Join(root.Dir(), "f"), tree.MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := root.ReadFile("/f"); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("read of a huge file: %v", err)
	}
	if err := root.Chmod("/l", 0o600); err == nil {
		t.Error("chmod of a symlink is not refused")
	}
	if err := root.RemoveAll("/"); err == nil {
		t.Error("removal of the root is not refused")
	}
	if _, err := tree.Open(filepath.Join(root.Dir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
}
