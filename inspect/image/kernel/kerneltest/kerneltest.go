// Package kerneltest makes filesystem images with hard content, by mke2fs(8)
// and a writable mount, for tests that compare a reader with the kernel.
package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel"
)

// Run runs a program and fails the test with its output.
func Run(t testing.TB, name string, args ...string) string {
	t.Helper()
	fixtures.RequireTool(t, name)
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Make makes an image of the given size by mke2fs with args.
func Make(t testing.TB, size int64, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fs.img")
	Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	Run(t, "mke2fs", append(append([]string{"-q", "-F"}, args...), path)...)
	return path
}

// Populate mounts an ext image writable and lets fill write into it.
func Populate(t testing.TB, image string, fill func(dir string)) {
	t.Helper()
	PopulateAs(t, "ext4", image, fill)
}

// PopulateAs is Populate for a filesystem of the given type, as in
// /proc/filesystems, and with more options of the mount. The mount is in no namespace: one that another program
// copies meanwhile would keep the filesystem from being written out.
func PopulateAs(t testing.TB, kind, image string, fill func(dir string), flags ...string) {
	t.Helper()
	fixtures.RequireRoot(t)
	tree, err := kernel.Open(image, kernel.Options{Type: kind, Flags: flags, Write: true})
	Must(t, err)
	open := true
	defer func() {
		if open { // fill ended the test
			t.Log(tree.Close())
		}
	}()
	fill(tree.Path())
	open = false
	Must(t, tree.Close())
}

// Must fails the test with the first of errs that is not nil.
func Must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// Hard fills dir with what readers get wrong. BlockSize is the filesystem's;
// many is how many files lie in one directory.
func Hard(t testing.TB, dir string, blockSize, many int) {
	t.Helper()
	at := func(name string) string { return filepath.Join(dir, name) }
	names(t, at("names"))
	types(t, at("types"))
	links(t, at("links"), blockSize)
	sizes(t, at("sizes"), blockSize)
	times(t, at("times"))
	attributes(t, at("attributes"), blockSize)
	crowd(t, at("crowd"), many)
	deep := at(strings.Repeat("deep/", 150))
	Must(t, os.MkdirAll(deep, 0o711), os.WriteFile(filepath.Join(deep, "leaf"), []byte("leaf"), 0o600))
}

func names(t testing.TB, dir string) {
	Must(t, os.Mkdir(dir, 0o755))
	for i, name := range []string{strings.Repeat("n", 255), "a\xff\xfeb", "line\nbreak", " ", "\x1b[31m", "Straße", "back\\slash", "...", "a", "a.b", "a-b"} {
		Must(t, os.WriteFile(filepath.Join(dir, name), []byte{byte(i)}, os.FileMode(0o600+i)))
	}
	Must(t, os.Mkdir(filepath.Join(dir, "a!"), 0o1777), os.WriteFile(filepath.Join(dir, "a!", "x"), nil, 0))
}

func types(t testing.TB, dir string) {
	Must(t, os.Mkdir(dir, 0o755))
	for _, n := range []struct {
		name         string
		mode         uint32
		major, minor uint32
	}{
		{"fifo", unix.S_IFIFO | 0o4711, 0, 0}, {"socket", unix.S_IFSOCK | 0o755, 0, 0},
		{"null", unix.S_IFCHR | 0o666, 1, 3}, {"old", unix.S_IFBLK | 0o660, 255, 255},
		{"new", unix.S_IFBLK | 0o660, 300, 70000}, {"minor", unix.S_IFCHR | 0o660, 8, 256}, {"zero", unix.S_IFCHR | 0o600, 0, 0},
	} {
		Must(t, unix.Mknod(filepath.Join(dir, n.name), n.mode, int(unix.Mkdev(n.major, n.minor))))
	}
	for name, mode := range map[string]uint32{"suid": 0o4755, "sgid": 0o2755, "none": 0} {
		p := filepath.Join(dir, name)
		Must(t, os.WriteFile(p, []byte(name), 0o600), os.Lchown(p, 70001, 4294967294), unix.Chmod(p, mode))
	}
}

func links(t testing.TB, dir string, blockSize int) {
	Must(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755), os.WriteFile(filepath.Join(dir, "one"), []byte("shared"), 0o644))
	for _, name := range []string{"two", "sub/three"} {
		Must(t, os.Link(filepath.Join(dir, "one"), filepath.Join(dir, name)))
	}
	for _, n := range []int{1, 58, 59, 60, 61, 100, 160, 500, min(blockSize, 4000) - 1} {
		p := filepath.Join(dir, fmt.Sprint("symlink", n))
		err := os.Symlink(strings.Repeat("s", n), p)
		if n > 1023 && errors.Is(err, unix.ENAMETOOLONG) { // XFS holds no longer ones
			continue
		}
		Must(t, err, os.Lchown(p, n, 1<<16+n))
	}
	Must(t, os.Link(filepath.Join(dir, "symlink60"), filepath.Join(dir, "symlink60-too")))
}

func sizes(t testing.TB, dir string, blockSize int) {
	Must(t, os.Mkdir(dir, 0o755))
	for _, n := range []int{1, 59, 60, 61, 120, 160, 161, 200, blockSize - 1, blockSize, blockSize + 1, 12 * blockSize, 300 * blockSize, 3 << 20} {
		Must(t, os.WriteFile(filepath.Join(dir, fmt.Sprint("n", n)), pattern(n), 0o644))
	}
	sparse(t, filepath.Join(dir, "sparse"))
	fragments(t, filepath.Join(dir, "fragments"), blockSize)
	unwritten(t, filepath.Join(dir, "unwritten"), blockSize)
	p := filepath.Join(dir, "hole")
	Must(t, os.WriteFile(p, nil, 0o644), os.Truncate(p, 123457))
}

// pattern is content without repetition.
func pattern(n int) []byte {
	b := make([]byte, n)
	x := uint32(n)*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func sparse(t testing.TB, path string) {
	f, err := os.Create(path)
	Must(t, err)
	for _, off := range []int64{0, 1 << 20, 2<<30 + 5, 4<<30 - 3} {
		_, err := f.WriteAt([]byte("data"), off)
		Must(t, err)
	}
	Must(t, f.Close())
}

// fragments writes every second block, which gives more extents than one node holds.
func fragments(t testing.TB, path string, blockSize int) {
	f, err := os.Create(path)
	Must(t, err)
	for i := range 1500 {
		_, err := f.WriteAt(pattern(blockSize/2+i%7), int64(2*i*blockSize))
		Must(t, err)
	}
	Must(t, f.Close())
}

// unwritten allocates blocks that read as zeros, and writes into their middle.
func unwritten(t testing.TB, path string, blockSize int) {
	f, err := os.Create(path)
	Must(t, err)
	err = unix.Fallocate(int(f.Fd()), 0, 0, int64(64*blockSize))
	if !errors.Is(err, unix.EOPNOTSUPP) { // block maps cannot
		Must(t, err)
	}
	_, err = f.WriteAt(pattern(3*blockSize), int64(20*blockSize))
	Must(t, err)
	if err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, int64(64*blockSize), int64(blockSize)); !errors.Is(err, unix.EOPNOTSUPP) {
		Must(t, err)
	}
	Must(t, f.Close())
}

func times(t testing.TB, dir string) {
	Must(t, os.Mkdir(dir, 0o755))
	for i, sec := range []int64{-1 << 31, -1, 0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<33 + 7, 1<<34 - 1<<31 - 1} {
		p := filepath.Join(dir, fmt.Sprint(i))
		ts := unix.Timespec{Sec: sec, Nsec: int64(i)*110000007 + 1}
		if i%2 == 0 {
			Must(t, os.WriteFile(p, nil, 0o644))
		} else {
			Must(t, os.Symlink("time", p))
		}
		Must(t, unix.UtimesNanoAt(unix.AT_FDCWD, p, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW))
	}
	old := time.Date(1903, 2, 3, 4, 5, 6, 7, time.UTC)
	Must(t, os.Chtimes(dir, old, old))
}

func attributes(t testing.TB, dir string, blockSize int) {
	Must(t, os.Mkdir(dir, 0o755))
	file := func(name string, attrs map[string]string) {
		p := filepath.Join(dir, name)
		Must(t, os.WriteFile(p, []byte(name), 0o644))
		for attr, value := range attrs {
			Must(t, unix.Lsetxattr(p, attr, []byte(value), 0))
		}
	}
	file("small", map[string]string{"user.a": "b", "trusted.t": "\x00\xff", "security.selinux": "system_u:object_r:bin_t:s0\x00", "user.empty": ""})
	file("block", map[string]string{"user.big": string(pattern(blockSize / 3)), "user.a": "1", "trusted.more": string(pattern(blockSize / 4))})
	file("same", map[string]string{"user.big": string(pattern(blockSize / 3)), "user.a": "1", "trusted.more": string(pattern(blockSize / 4))})
	file("cap2", map[string]string{"security.capability": "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"})
	file("cap3", map[string]string{"security.capability": "\x01\x00\x00\x03\xff\xff\xff\xff\x01\x00\x00\x00\xff\x01\x00\x00\x00\x00\x00\x00\xa0\x86\x01\x00"})
	file("huge", nil)
	for _, size := range []int{9000, 64 << 10} { // only inodes of their own hold these
		err := unix.Lsetxattr(filepath.Join(dir, "huge"), fmt.Sprint("user.huge", size), pattern(size), 0)
		if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.E2BIG) {
			Must(t, err)
		}
	}
	Must(t, os.Mkdir(filepath.Join(dir, "acl"), 0o755))
	acl := aclValue(1, 7, ^uint32(0), 2, 5, 70000, 4, 4, ^uint32(0), 8, 6, 12, 16, 7, ^uint32(0), 32, 0, ^uint32(0))
	Must(t, unix.Setxattr(filepath.Join(dir, "acl"), "system.posix_acl_access", acl, 0),
		unix.Setxattr(filepath.Join(dir, "acl"), "system.posix_acl_default", acl, 0),
		os.WriteFile(filepath.Join(dir, "acl", "inherits"), nil, 0o666),
		os.Mkdir(filepath.Join(dir, "acl", "too"), 0o777))
	link := filepath.Join(dir, "link")
	Must(t, os.Symlink("small", link), unix.Lsetxattr(link, "trusted.link", pattern(200), 0))
	node := filepath.Join(dir, "node")
	Must(t, unix.Mknod(node, unix.S_IFCHR|0o600, 0x103), unix.Lsetxattr(node, "security.x", []byte("node"), 0))
}

// aclValue is the kernel's form of an ACL: tag, permissions, id of each entry.
func aclValue(fields ...uint32) []byte {
	b := bytes.NewBuffer([]byte{2, 0, 0, 0})
	for i := 0; i < len(fields); i += 3 {
		b.Write([]byte{byte(fields[i]), 0, byte(fields[i+1]), 0})
		id := fields[i+2]
		b.Write([]byte{byte(id), byte(id >> 8), byte(id >> 16), byte(id >> 24)})
	}
	return b.Bytes()
}

// crowd fills a directory, and takes names out again so that its blocks have gaps.
func crowd(t testing.TB, dir string, n int) {
	Must(t, os.Mkdir(dir, 0o755))
	name := func(i int) string {
		return filepath.Join(dir, fmt.Sprintf("%07d-%s", i*7919%n, strings.Repeat("x", i%40)))
	}
	first := name(0)
	Must(t, os.WriteFile(first, nil, 0o644))
	for i := 1; i < n; i++ {
		Must(t, unix.Mknod(name(i), unix.S_IFIFO|0o600, 0))
	}
	for i := 3; i < n; i += 50 {
		Must(t, os.Remove(name(i)))
	}
}
