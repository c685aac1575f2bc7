package treetest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/report"
	"golang.org/x/sys/unix"
)

// A node is one name that Make makes.
type node struct {
	path string
	make func(p string) error
}

func file(content []byte, mode uint32) func(string) error {
	return func(p string) error {
		if err := os.WriteFile(p, content, 0o600); err != nil {
			return err
		}
		return unix.Chmod(p, mode)
	}
}

func dir(mode uint32) func(string) error {
	return func(p string) error {
		if err := unix.Mkdir(p, 0o700); err != nil {
			return err
		}
		return unix.Chmod(p, mode)
	}
}

func symlink(target string) func(string) error {
	return func(p string) error { return os.Symlink(target, p) }
}

func special(mode uint32, major, minor uint32) func(string) error {
	return func(p string) error { return unix.Mknod(p, mode, int(unix.Mkdev(major, minor))) }
}

// sparse is a file with data at its start, a hole, and data near its end.
func sparse(size int64) func(string) error {
	return func(p string) error {
		f, err := os.Create(p)
		if err != nil {
			return err
		}
		if _, err = f.WriteAt([]byte("begin"), 0); err == nil {
			_, err = f.WriteAt([]byte("end"), size-3)
		}
		return errorsFirst(err, f.Close())
	}
}

func errorsFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// nodes is a tree of everything that goes wrong when trees are copied.
func nodes() []node {
	out := []node{
		{"bin", symlink("usr/bin")},
		{"usr", dir(0o755)}, {"usr/bin", dir(0o755)},
		{"usr/bin/passwd", file([]byte("setuid\n"), 0o4755)},
		{"usr/bin/wall", file([]byte("setgid\n"), 0o2755)},
		{"usr/bin/ping", file([]byte("capable\n"), 0o755)},
		{"tmp", dir(0o1777)}, {"empty", dir(0o700)}, {"var", dir(0o2775)},
		{"dev", dir(0o755)},
		{"dev/null", special(unix.S_IFCHR|0o666, 1, 3)},
		{"dev/sda", special(unix.S_IFBLK|0o660, 8, 0)},
		{"dev/large", special(unix.S_IFCHR|0o600, 259, 1048575)},
		{"dev/fifo", special(unix.S_IFIFO|0o644, 0, 0)},
		{"dev/socket", special(unix.S_IFSOCK|0o755, 0, 0)},
		{"names", dir(0o755)},
		{"names/" + strings.Repeat("n", 255), file([]byte("long"), 0o644)},
		{"names/not\xffutf8\xfe", file([]byte("raw"), 0o644)},
		{"names/with space", file([]byte("space"), 0o644)},
		{"names/new\nline", dir(0o755)},
		{"names/new\nline/debugfs: ls -p <12>", file([]byte("sly"), 0o644)},
		{"names/quote\"'`$<12>", file([]byte("quote"), 0o644)},
		{"names/-dash", file(nil, 0o000)},
		{"names/\\back", symlink("\\x41")},
		{"long", symlink(strings.Repeat("t", 3000))},
		{"fast59", symlink(strings.Repeat("f", 59))}, {"slow60", symlink(strings.Repeat("s", 60))},
		{"data", dir(0o755)},
		{"data/one", file(bytes.Repeat([]byte("x"), 100000), 0o644)},
		{"data/zeros", file(make([]byte, 300000), 0o644)},
		{"data/mixed", file(append(make([]byte, 12288), "after zeros"...), 0o644)},
		{"data/sparse", sparse(8 << 20)},
		{"many", dir(0o755)},
	}
	for i := range 400 {
		out = append(out, node{fmt.Sprintf("many/a-name-of-some-length-%04d", i), file([]byte{byte(i)}, 0o644)})
	}
	return out
}

// attributes by path, in the kernel's form.
func attributes() map[string]map[string]string {
	return map[string]map[string]string{
		"usr/bin/ping": {
			"security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
		},
		"data/one": {
			"user.b": "second", "user.a": "first", "user.odd \"name": "va\"lue\n", "user.empty": "",
			"user.large":              strings.Repeat("v", 2000),
			"system.posix_acl_access": "\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x06\x00\x05\x00\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x06\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff",
		},
		"var": {
			"system.posix_acl_default": "\x02\x00\x00\x00\x01\x00\x07\x00\xff\xff\xff\xff\x02\x00\x07\x00\x07\x00\x00\x00\x04\x00\x05\x00\xff\xff\xff\xff\x10\x00\x07\x00\xff\xff\xff\xff\x20\x00\x05\x00\xff\xff\xff\xff",
		},
		"fast59": {"trusted.link": "on a symlink"},
	}
}

// Make makes the tree in dir, which must exist; root is needed. With reverse
// the names of one directory are made in the opposite order, which many
// filesystems show in readdir(3).
func Make(t testing.TB, root string, reverse bool) {
	t.Helper()
	all := nodes()
	if reverse {
		slices.SortStableFunc(all, func(a, b node) int {
			return strings.Count(a.path, "/") - strings.Count(b.path, "/")
		})
		for lo := 0; lo < len(all); {
			hi := lo
			for hi < len(all) && strings.Count(all[hi].path, "/") == strings.Count(all[lo].path, "/") {
				hi++
			}
			slices.Reverse(all[lo:hi])
			lo = hi
		}
	}
	for _, n := range all {
		must(t, n.make(filepath.Join(root, n.path)))
	}
	links := [][2]string{{"data/one", "data/two"}, {"data/one", "usr/three"}, {"names/-dash", "names/+dash"}, {"dev/null", "dev/zero"}}
	for _, l := range links {
		must(t, os.Link(filepath.Join(root, l[0]), filepath.Join(root, l[1])))
	}
	finish(t, root, all, reverse)
}

// finish sets owners, attributes and times, contents before directories.
func finish(t testing.TB, root string, all []node, reverse bool) {
	t.Helper()
	must(t, unix.Chown(filepath.Join(root, "usr/bin/wall"), 70000, 4294967294))
	must(t, unix.Chmod(filepath.Join(root, "usr/bin/wall"), 0o2755))
	must(t, unix.Lchown(filepath.Join(root, "bin"), 12, 34))
	for p, attrs := range attributes() {
		names := make([]string, 0, len(attrs))
		for n := range attrs {
			names = append(names, n)
		}
		slices.Sort(names)
		if reverse {
			slices.Reverse(names)
		}
		for _, n := range names {
			must(t, unix.Lsetxattr(filepath.Join(root, p), n, []byte(attrs[n]), 0))
		}
	}
	seconds := map[string]int64{"tmp": 1, "data/one": -5, "empty": 5000000000, "many": 0}
	for _, n := range all {
		s, ok := seconds[n.path]
		if !ok {
			s = 1500000000
		}
		ts := unix.NsecToTimespec(time.Unix(s, 0).UnixNano())
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(root, n.path), []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW))
	}
	must(t, unix.Chmod(root, 0o755))
	must(t, os.Chtimes(root, time.Unix(1500000001, 0), time.Unix(1500000001, 0)))
}

// Mounted mounts a part of an image read-only, records what the kernel shows,
// and unmounts it. Root is needed.
func Mounted(t testing.TB, image string, offset, size int64) []report.Entry {
	t.Helper()
	at := t.TempDir()
	options := fmt.Sprintf("loop,ro,noload,offset=%d,sizelimit=%d", offset, size)
	Run(t, "mount", "-t", "ext4", "-o", options, image, at)
	defer Run(t, "umount", at)
	return Scan(t, at)
}

// Run runs a program and returns what it printed.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
