package tree_test

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/report"
)

// methods calls every method with a name. Errors do not matter here, only
// what is changed and what is read.
func methods(r *tree.Root) map[string]func(name string) string {
	drop := func(error) string { return "" }
	return map[string]func(string) string{
		"WriteFile":  func(n string) string { return drop(r.WriteFile(n, []byte("planted"), 0o644)) },
		"AppendFile": func(n string) string { return drop(r.AppendFile(n, []byte("planted"), 0o644)) },
		"OpenFile": func(n string) string {
			f, err := r.OpenFile(n, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
			if err == nil {
				f.Close()
			}
			return ""
		},
		"Mkdir":       func(n string) string { return drop(r.Mkdir(n, 0o700)) },
		"MkdirAll":    func(n string) string { return drop(r.MkdirAll(n+"/a/b", 0o700)) },
		"Symlink":     func(n string) string { return drop(r.Symlink("x", n)) },
		"Link":        func(n string) string { return drop(r.Link("/inside", n)) },
		"Link from":   func(n string) string { return drop(r.Link(n, "/linked")) },
		"Rename":      func(n string) string { return drop(r.Rename("/inside", n)) },
		"Rename from": func(n string) string { return drop(r.Rename(n, "/renamed")) },
		"Remove":      func(n string) string { return drop(r.Remove(n)) },
		"RemoveAll":   func(n string) string { return drop(r.RemoveAll(n)) },
		"Chmod":       func(n string) string { return drop(r.Chmod(n, 0o777)) },
		"Chown":       func(n string) string { return drop(r.Chown(n, 42, 42)) },
		"Utimes":      func(n string) string { return drop(r.Utimes(n, time.Unix(0, 0))) },
		"Mknod":       func(n string) string { return drop(r.Mknod(n, report.FIFO, 0o600, 0, 0)) },
		"Setxattr":    func(n string) string { return drop(r.Setxattr(n, "user.planted", []byte("1"))) },
		"Removexattr": func(n string) string { return drop(r.Removexattr(n, "user.secret")) },
		"ReadFile": func(n string) string {
			data, _ := r.ReadFile(n)
			return string(data)
		},
		"Getxattr": func(n string) string {
			data, _ := r.Getxattr(n, "user.secret")
			return string(data)
		},
		"Listxattr": func(n string) string {
			list, _ := r.Listxattr(n)
			return text(list)
		},
		"Readlink": func(n string) string {
			target, _ := r.Readlink(n)
			return target
		},
		"ReadDir": func(n string) string {
			list, _ := r.ReadDir(n)
			return text(list)
		},
		"Lstat": func(n string) string {
			info, _ := r.Lstat(n)
			return text(info)
		},
		"Stat": func(n string) string {
			info, _ := r.Stat(n)
			return text(info)
		},
		"Walk": func(n string) string {
			var names []string
			_ = r.Walk(n, func(name string, _ tree.Info) error {
				names = append(names, name)
				return nil
			})
			return text(names)
		},
	}
}

// TestConfined: on a tree full of links that lead out, no method changes or
// reads anything outside.
func TestConfined(t *testing.T) {
	outside := map[string]string{
		"/secret":     `file 0600 7777:7777 "TOP SECRET" user.secret="TOP SECRET"`,
		"/secret-dir": `dir 0700 7777:7777`, "/secret-dir/hidden": `file 0600 7777:7777 ""`,
		"/secret-lnk": `link 7777:7777 "TOP SECRET"`,
	}
	names := []string{
		"/up/secret", "/abs/secret", "/chain/secret", "/deep/deep/up/secret", "/file", "/absfile", "/new", "/up/secret-dir", "/up/secret-lnk",
		"../secret", "/../secret", "up/../../secret", "/dirlink", "/up", "/abs", "/loop", "/loop/x", "/proclink/secret", "..", "/up/..", "/up/new", "/abs/new",
	}
	for _, method := range keys(methods(nil)) {
		t.Run(method, func(t *testing.T) {
			// The tree lies beside the secret, where "..", if it were not stopped, would find it.
			dir, root := fixtures.Tree(t, outside), open(t, nil)
			inner := filepath.Join(dir, "tree")
			if err := os.Rename(root.Dir(), inner); err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				plant(t, dir, inner)
				before := outsideOf(t, dir)
				got := methods(root)[method](name)
				if after := outsideOf(t, dir); !maps.Equal(before, after) {
					t.Errorf("%s(%q) changed what is outside: %v, was %v", method, name, after, before)
				}
				if leaks(got) {
					t.Errorf("%s(%q) read what is outside: %s", method, name, got)
				}
			}
		})
	}
}

// plant empties the tree and makes the hostile links: relative, absolute,
// chained, looped, by /proc.
func plant(t *testing.T, outside, inner string) {
	t.Helper()
	list, err := os.ReadDir(inner)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range list {
		if err := os.RemoveAll(filepath.Join(inner, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"up": "../../../../../../../../.." + outside, "abs": outside, "chain": "c1", "c1": "/c2", "c2": "up",
		"file": "../secret", "absfile": filepath.Join(outside, "secret"), "new": "../created", "dirlink": "../secret-dir",
		"loop": "loop", "deep": ".", "proclink": "/proc/self/cwd",
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(inner, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(inner, "inside"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}
