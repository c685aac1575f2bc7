package deb_test

import (
	"archive/tar"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/assay-os/assay/build/deb"
	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/fixtures"
)

type file = fixtures.DebFile

func pkg(name, fields string, files ...file) fixtures.Deb {
	return fixtures.Deb{Control: "Package: " + name + "\nVersion: 1\nArchitecture: all\n" + fields, Files: files}
}

// extract unpacks packages into root and returns the tree in lines.
func extract(t *testing.T, root string, packages ...fixtures.Deb) (map[string]string, error) {
	t.Helper()
	var list []*deb.Package
	for _, d := range packages {
		p, err := open(t, d.Bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	set, err := deb.NewSet(list)
	if err != nil {
		return nil, err
	}
	r, err := tree.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = set.Extract(context.Background(), r, set.Packages)
	return lines(t, root), err
}

// lines describes what is in a directory: "file 0644 0 content",
// "symlink target", "dir 0755 0". The merged links of /usr are left out.
func lines(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, root)
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil || target == "usr"+name {
				return err
			}
			out[name] = "symlink " + target
		case info.IsDir() && name != "" && !slices.Contains([]string{"/usr", "/usr/bin", "/usr/sbin", "/usr/lib"}, name):
			out[name] = fmt.Sprintf("dir %04o %d", st.Mode&0o7777, st.Uid)
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			out[name] = fmt.Sprintf("file %04o %d %s", st.Mode&0o7777, st.Uid, data)
			if st.Nlink > 1 {
				out[name] += fmt.Sprintf(" (%d links)", st.Nlink)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestExtract(t *testing.T) {
	fixtures.RequireRoot(t)
	defer syscall.Umask(syscall.Umask(0o077))
	tests := map[string]struct {
		packages []fixtures.Deb
		want     map[string]string
	}{
		"modes, owners, links": {
			[]fixtures.Deb{pkg("aa", "",
				file{Name: "./"}, file{Name: "./etc/", Mode: 0o750, UID: 3}, file{Name: "./etc/su", Content: "x", Mode: 0o4755, UID: 7},
				file{Name: "./etc/sl", Link: "su"}, file{Name: "./etc/hl", Hard: "./etc/su"})},
			map[string]string{
				"/etc": "dir 0750 3", "/etc/su": "file 4755 7 x (2 links)", "/etc/hl": "file 4755 7 x (2 links)", "/etc/sl": "symlink su",
			},
		},
		"merged usr": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./bin/"}, file{Name: "./bin/sh", Content: "sh"}, file{Name: "./lib/x/"}, file{Name: "./lib/x/y", Content: "y"})},
			map[string]string{"/usr/bin/sh": "file 0644 0 sh", "/usr/lib/x": "dir 0755 0", "/usr/lib/x/y": "file 0644 0 y"},
		},
		"no entry for the directory": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "a/b/c", Content: "c"})},
			map[string]string{"/a": "dir 0755 0", "/a/b": "dir 0755 0", "/a/b/c": "file 0644 0 c"},
		},
		"first package keeps the directory": {
			[]fixtures.Deb{
				pkg("bb", "", file{Name: "./d/", Mode: 0o700, UID: 5}, file{Name: "./d/b", Content: "b"}),
				pkg("aa", "", file{Name: "./d/", Mode: 0o711}, file{Name: "./d/a", Content: "a"})},
			map[string]string{"/d": "dir 0711 0", "/d/a": "file 0644 0 a", "/d/b": "file 0644 0 b"},
		},
		"later replaces earlier": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./f", Content: "a"}), pkg("bb", "Replaces: zz, aa (<< 2)\n", file{Name: "./f", Content: "b"})},
			map[string]string{"/f": "file 0644 0 b"},
		},
		"earlier replaces later": {
			[]fixtures.Deb{pkg("aa", "Replaces: bb\n", file{Name: "./bin/f", Content: "a"}), pkg("bb", "", file{Name: "./usr/bin/f", Content: "b"})},
			map[string]string{"/usr/bin/f": "file 0644 0 a"},
		},
		"same link twice": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./l", Link: "x"}), pkg("bb", "", file{Name: "./l", Link: "x"})},
			map[string]string{"/l": "symlink x"},
		},
		"link that leads out stays a link": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./etc", Link: "/../../../../outside"})},
			map[string]string{"/etc": "symlink /../../../../outside"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := extract(t, t.TempDir(), tt.packages...)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestExtractRefuses(t *testing.T) {
	fixtures.RequireRoot(t)
	tests := map[string]struct {
		packages []fixtures.Deb
		want     string
	}{
		"member that climbs":   {[]fixtures.Deb{pkg("aa", "", file{Name: "../x", Content: "x"})}, `unpack aa 1: member "../x" climbs out of the package`},
		"climbs in the middle": {[]fixtures.Deb{pkg("aa", "", file{Name: "./a/../../x", Content: "x"})}, "climbs out"},
		"hard link climbs":     {[]fixtures.Deb{pkg("aa", "", file{Name: "./x", Hard: "../../etc/passwd"})}, "climbs out"},
		"device":               {[]fixtures.Deb{pkg("aa", "", file{Name: "./null", Type: tar.TypeChar})}, "unpack aa 1: null: is a character device"},
		"two packages, one file": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./f", Content: "a"}), pkg("bb", "", file{Name: "./f", Content: "a"})},
			"unpack bb 1: f: is in aa too, and neither package Replaces the other",
		},
		"file over directory": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./f/"}), pkg("bb", "", file{Name: "./f", Content: "a"})}, "is a directory in another package",
		},
		"directory over file": {
			[]fixtures.Deb{pkg("aa", "", file{Name: "./f", Content: "a"}), pkg("bb", "", file{Name: "./f/"})}, "is a directory here and a file in another package",
		},
		"package twice": {
			[]fixtures.Deb{pkg("aa", ""), pkg("aa", "")}, "package aa is given twice: 1 all and 1 all; leave one out",
		},
		"broken tar": {
			[]fixtures.Deb{{Data: []byte("no tar, but a text that goes on\n"), DataName: "data.tar"}}, "unpack test 1: ",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := extract(t, t.TempDir(), tt.packages...)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
}

// TestExtractStaysInside unpacks through links that point out of the tree in
// every way, and looks at what lies outside.
func TestExtractStaysInside(t *testing.T) {
	fixtures.RequireRoot(t)
	for _, link := range []string{"/../../../%s", "%s", "../../../../../../..%s", "/proc/self/root%s"} {
		t.Run(link, func(t *testing.T) {
			outside := t.TempDir()
			if err := os.WriteFile(outside+"/here", []byte("safe"), 0o600); err != nil {
				t.Fatal(err)
			}
			target := strings.ReplaceAll(link, "%s", outside)
			// What happens inside of the tree may be an error or not; only
			// that nothing happens outside counts.
			_, _ = extract(t, t.TempDir(), pkg("aa", "", file{Name: "./etc", Link: target}),
				pkg("bb", "", file{Name: "./etc/"}, file{Name: "./etc/new", Content: "bad"}),
				pkg("cc", "Replaces: aa\n", file{Name: "./etc/here", Content: "bad"}),
				pkg("dd", "", file{Name: "./x", Hard: "./etc/here"}))
			if got := lines(t, outside); !maps.Equal(got, map[string]string{"/here": "file 0600 0 safe"}) {
				t.Errorf("outside: %q", got)
			}
		})
	}
}

// TestExtractIsDpkgDebs unpacks one honest package with dpkg-deb too.
func TestExtractIsDpkgDebs(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "dpkg-deb")
	d := pkg("aa", "Maintainer: nobody\nDescription: test\n",
		file{Name: "./"}, file{Name: "./opt/"}, file{Name: "./opt/d/", Mode: 0o2775}, file{Name: "./opt/d/f", Content: "f", Mode: 0o4711, UID: 9},
		file{Name: "./opt/l", Link: "/opt/d"}, file{Name: "./opt/h", Hard: "./opt/d/f"}, file{Name: "./opt/" + strings.Repeat("n", 200), Content: "long"})
	name := filepath.Join(t.TempDir(), "x.deb")
	if err := os.WriteFile(name, d.Bytes(t), 0o644); err != nil {
		t.Fatal(err)
	}
	theirs := t.TempDir()
	if out, err := exec.Command("dpkg-deb", "-x", name, theirs).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ours := t.TempDir()
	got, err := extract(t, ours, d)
	if err != nil {
		t.Fatal(err)
	}
	if want := lines(t, theirs); !maps.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for name := range got {
		a, errA := os.Lstat(ours + name)
		b, errB := os.Lstat(theirs + name)
		if errA != nil || errB != nil || !a.ModTime().Equal(b.ModTime()) {
			t.Errorf("%s: mtime %v, want %v", name, a.ModTime(), b.ModTime())
		}
	}
}
