package canonical_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/canonical"
)

// cpioOf packs files by hand, in the order of their names.
func cpioOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(files)) {
		member(&b, i+1, name, 0o100644, 0, 1, files[name])
	}
	member(&b, 0, "TRAILER!!!", 0, 0, 1, "")
	return b.Bytes()
}

// member appends one member.
func member(b *bytes.Buffer, inode int, name string, mode, uid, links int, content string) {
	fmt.Fprintf(b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
		inode, mode, uid, 0, links, 12345+inode, len(content), 8, 1, 0, 0, len(name)+1, 0)
	b.WriteString(name + "\x00")
	pad(b)
	b.WriteString(content)
	pad(b)
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}

// pack runs cpio over the names in their order.
func pack(t *testing.T, dir string, names ...string) []byte {
	t.Helper()
	return run(t, dir, []byte(strings.Join(names, "\n")+"\n"), "cpio", "-o", "-H", "newc", "--quiet")
}

func initTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"init": "#!/bin/sh\n", "bin/busybox": strings.Repeat("code", 5000), "conf/x": "y"})
	if err := os.Symlink("busybox", filepath.Join(dir, "bin/sh")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "bin/busybox"), filepath.Join(dir, "bin/ash")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestInitramfs packs a real tree with cpio: noise first, then near-misses.
func TestInitramfs(t *testing.T) {
	fixtures.RequireTool(t, "cpio", "zstd", "gzip", "xz")
	const path = "/boot/initrd.img-6.1.0"
	dir := initTree(t)
	names := []string{".", "bin", "bin/ash", "bin/busybox", "bin/sh", "conf", "conf/x", "init"}
	base := pack(t, dir, names...)
	early := pack(t, earlyTree(t, "microcode 1"), "kernel", "kernel/x86", "kernel/x86/microcode", "kernel/x86/microcode/GenuineIntel.bin")
	image := func(main []byte, tool string) []byte { return slices.Concat(early, run(t, "", main, tool, "-c")) }

	shuffled := pack(t, dir, ".", "init", "conf", "conf/x", "bin", "bin/sh", "bin/busybox", "bin/ash")
	same(t, "order", path, image(base, "zstd"), image(shuffled, "zstd"))
	for tool, args := range map[string][]string{"zstd": {"-19", "--no-check"}, "gzip": {"-1"}, "xz": {"-0"}} {
		same(t, "how hard by "+tool, path, image(base, tool), slices.Concat(early, run(t, "", base, tool, append(args, "-c")...)))
	}
	differ(t, "a format that the kernel may lack", path, image(base, "zstd"), image(base, "gzip"))
	differ(t, "a check that the kernel does not read", path, image(base, "xz"), slices.Concat(early, run(t, "", base, "xz", "-c", "--check=crc32")))
	for _, tool := range []string{"zstd", "gzip", "xz"} {
		half := len(base) / 2
		halves := slices.Concat(early, run(t, "", base[:half], tool, "-c"), run(t, "", base[half:], tool, "-c"))
		if c, err := try(path, halves, nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%s: an archive in two streams, which the kernel does not join, has a form: %v", tool, err)
		}
	}
	if err := os.Chtimes(filepath.Join(dir, "init"), time.Unix(9, 0), time.Unix(9, 0)); err != nil {
		t.Fatal(err)
	}
	same(t, "times", path, image(base, "zstd"), image(pack(t, dir, names...), "zstd"))

	differ(t, "microcode", path, image(base, "zstd"), slices.Concat(
		pack(t, earlyTree(t, "microcode 2"), "kernel", "kernel/x86", "kernel/x86/microcode", "kernel/x86/microcode/GenuineIntel.bin"), run(t, "", base, "zstd", "-c")))
	differ(t, "no early part", path, image(base, "zstd"), run(t, "", base, "zstd", "-c"))
	differ(t, "a member before its directory", path, image(base, "zstd"), image(pack(t, dir, ".", "conf/x", "conf", "bin", "bin/ash", "bin/busybox", "bin/sh", "init"), "zstd"))
	if err := os.Chmod(filepath.Join(dir, "init"), 0o755); err != nil {
		t.Fatal(err)
	}
	differ(t, "mode of one member", path, image(base, "zstd"), image(pack(t, dir, names...), "zstd"))
}

func earlyTree(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"kernel/x86/microcode/GenuineIntel.bin": content})
	return dir
}

// TestInitramfsMembers are the cases that no tool makes on request.
func TestInitramfsMembers(t *testing.T) {
	archive := func(add func(b *bytes.Buffer)) []byte {
		var b bytes.Buffer
		add(&b)
		member(&b, 0, "TRAILER!!!", 0, 0, 1, "")
		return b.Bytes()
	}
	file := func(name, content string) []byte {
		return archive(func(b *bytes.Buffer) { member(b, 1, name, 0o100644, 0, 1, content) })
	}
	twice := archive(func(b *bytes.Buffer) {
		member(b, 1, "a", 0o100644, 0, 1, "1")
		member(b, 2, "a", 0o100644, 0, 1, "2")
	})
	reversed := archive(func(b *bytes.Buffer) {
		member(b, 1, "a", 0o100644, 0, 1, "2")
		member(b, 2, "a", 0o100644, 0, 1, "1")
	})
	differ(t, "a path twice: order counts", "/i.cpio", twice, reversed)
	same(t, "./ in front", "/i.cpio", file("a", "1"), file("./a", "1"))
	differ(t, "owner", "/i.cpio", file("a", "1"), archive(func(b *bytes.Buffer) { member(b, 1, "a", 0o100644, 1, 1, "1") }))
	differ(t, "name", "/i.cpio", file("a", "1"), file("b", "1"))
	linked := archive(func(b *bytes.Buffer) {
		member(b, 7, "a", 0o100644, 0, 2, "")
		member(b, 7, "b", 0o100644, 0, 2, "x")
	})
	copies := archive(func(b *bytes.Buffer) {
		member(b, 1, "a", 0o100644, 0, 1, "x")
		member(b, 2, "b", 0o100644, 0, 1, "x")
	})
	other := archive(func(b *bytes.Buffer) {
		member(b, 9, "b", 0o100644, 0, 2, "x")
		member(b, 9, "a", 0o100644, 0, 2, "")
	})
	differ(t, "link against copy", "/i.cpio", linked, copies)
	same(t, "which name holds the content", "/i.cpio", linked, other)
	nested := file("usr/share/doc/x.gz", string(gzipOf(t, "a", 1, []byte("text"))))
	same(t, "a member's own form", "/i.cpio", nested, file("usr/share/doc/x.gz", string(gzipOf(t, "b", 2, []byte("text")))))
}

// TestInitramfsOrder are archives whose members the kernel would put elsewhere
// in another order: their order has a meaning, so they have no form.
func TestInitramfsOrder(t *testing.T) {
	type entry struct {
		inode            int
		name             string
		mode, uid, links int
	}
	file := func(name string) entry { return entry{1, name, 0o100644, 0, 1} }
	dir := func(name string) entry { return entry{2, name, 0o040755, 0, 1} }
	link := func(name string) entry { return entry{3, name, 0o120777, 0, 1} }
	for what, list := range map[string][]entry{
		"below a link":           {dir("usr"), link("bin"), file("bin/x")},
		"a link comes later":     {dir("usr"), file("bin/x"), link("bin")},
		"the path goes up":       {dir("a"), file("a/../x")},
		"directory, then file":   {dir("a"), file("a"), file("a/x")},
		"link with two owners":   {entry{7, "a", 0o100644, 0, 2}, entry{7, "b", 0o100644, 5, 2}},
		"linked name, then file": {entry{7, "a", 0o100644, 0, 2}, entry{7, "b", 0o100644, 0, 2}, file("a")},
	} {
		var b bytes.Buffer
		for _, e := range list {
			member(&b, e.inode, e.name, e.mode, e.uid, e.links, "")
		}
		member(&b, 0, "TRAILER!!!", 0, 0, 1, "")
		if c, err := try("/i.cpio", b.Bytes(), nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%s: %v, %v; want ErrMalformed", what, c, err)
		}
	}
}

// TestInitramfsSums: a kernel that compares the sums of the format with sums
// refuses the wrong one.
func TestInitramfsSums(t *testing.T) {
	good := bytes.ReplaceAll(cpioOf(t, map[string]string{"a": "1"}), []byte("070701"), []byte("070702"))
	bad := bytes.Clone(good)
	bad[cpioCheck] = '1'
	differ(t, "sum", "/i.cpio", good, bad)
	noEnd := bytes.Clone(good)
	noEnd[110+1] = 'b' // the name's NUL
	if c, err := try("/i.cpio", noEnd, nil); c != nil || !errors.Is(err, canonical.ErrMalformed) {
		t.Errorf("a name without an end: %v, %v", c, err)
	}
	early := func(name string) []byte { return cpioOf(t, map[string]string{name: "code"}) }
	differ(t, "the kernel finds microcode by the name as it is written", "/i.cpio",
		early("kernel/x86/microcode/AuthenticAMD.bin"), early("./kernel/x86/microcode/AuthenticAMD.bin"))
}

// cpioCheck is where the first header's last number begins.
const cpioCheck = 6 + 12*8
