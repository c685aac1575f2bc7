package iso9660_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/iso9660"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

func openImage(t testing.TB, path string) *iso9660.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := iso9660.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// hard is a tree of what Rock Ridge can hold; many is how many files lie in one
// directory. Genisoimage does not end on longer links than 200 bytes.
func hard(t testing.TB, many, longest int) string {
	t.Helper()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	put := func(name string, data []byte, mode os.FileMode) {
		kerneltest.Must(t, os.MkdirAll(filepath.Dir(at(name)), 0o755), os.WriteFile(at(name), data, 0o600), os.Chmod(at(name), mode))
	}
	names := []string{"UPPER.TXT", "lower.txt", "a.b.c.d", "no ext", ".dot", "trailing.", "Straße", "日本語", "line\nbreak", "\x1b[31m", "back\\slash", "semi;1",
		strings.Repeat("n", 240), strings.Repeat("deep/", 30) + "leaf"}
	for i, name := range names {
		put(name, bytes.Repeat([]byte{byte(i)}, 700*i), os.FileMode(0o600+i))
	}
	for _, n := range []int{0, 1, 2047, 2048, 2049, 300000} {
		put(fmt.Sprint("sizes/", n), bytes.Repeat([]byte("0123456789abcdef!"), n/17+1)[:n], 0o644)
	}
	for i := range many {
		put(fmt.Sprintf("crowd/%07d-%s", i*7919%many, strings.Repeat("x", i%40)), nil, 0o644)
	}
	put("suid", []byte("suid"), 0o755)
	kerneltest.Must(t, os.Lchown(at("suid"), 70001, 4294967294), unix.Chmod(at("suid"), 0o6755))
	for _, n := range []int{1, 100, 200, 248, 250, 260, 500, 1000} {
		if n > longest {
			continue
		}
		kerneltest.Must(t, os.Symlink(strings.Repeat("component/", n/10)+strings.Repeat("s", n%10+1), at(fmt.Sprint("symlink", n))))
	}
	for i, target := range []string{"/", "/etc/passwd", "..", "../../x", ".", "a/./b", "tail/x"} {
		kerneltest.Must(t, os.Symlink(target, at(fmt.Sprint("link", i))))
	}
	for name, v := range map[string][3]uint32{"null": {unix.S_IFCHR | 0o666, 1, 3}, "block": {unix.S_IFBLK | 0o660, 8, 17}, "zero": {unix.S_IFCHR | 0o600, 0, 0}} {
		kerneltest.Must(t, unix.Mknod(at(name), v[0], int(unix.Mkdev(v[1], v[2]))))
	}
	kerneltest.Must(t, unix.Mknod(at("fifo"), unix.S_IFIFO|0o640, 0), os.MkdirAll(at("empty"), 0o1777), unix.Chmod(at("empty"), 0o1777),
		os.Link(at("sizes/2049"), at("hard")), os.Link(at("sizes/2049"), at("deep/hard too")))
	for i, sec := range []int64{0, 1, 1e9, 1<<31 - 1, 1 << 31, 4102444800} {
		put(fmt.Sprint("times/", i), []byte{1}, 0o644)
		kerneltest.Must(t, os.Chtimes(at(fmt.Sprint("times/", i)), time.Unix(sec, 0), time.Unix(sec, 0)))
	}
	return root
}

// makers are the programs that write Rock Ridge, with their options.
func makers() map[string]string {
	return map[string]string{
		"xorriso":         "xorriso -as mkisofs -quiet -R",
		"xorriso-joliet":  "xorriso -as mkisofs -quiet -R -J -joliet-long",
		"xorriso-1.12":    "xorriso -compliance new_rr -as mkisofs -quiet -R",
		"xorriso-hfsplus": "xorriso -as mkisofs -quiet -R -hfsplus",
		"genisoimage":     "genisoimage -quiet -R -input-charset utf-8",
		"genisoimage-J":   "genisoimage -quiet -R -J -input-charset utf-8 -V a_label -iso-level 3",
	}
}

// The tree that was packed is what must be shown: Rock Ridge loses nothing of it
// but fractions of seconds, sockets, and what the kernel counts of links.
func TestMatrixAgreesWithTheTree(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	long, short := hard(t, 1500, 1000), hard(t, 1500, 200)
	for name, command := range makers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "iso")
			root := long
			if strings.HasPrefix(name, "genisoimage") {
				root = short
			}
			argv := append(strings.Fields(command), "-o", path, root)
			kerneltest.Run(t, argv[0], argv[1:]...)
			compareWithBlkid(t, path)
			got, want := fsystest.Contents(t, openImage(t, path)), source(t, root)
			delete(got, "/rr_moved") // where genisoimage hides directories deeper than eight
			got["/"], want["/"] = "", ""
			fsystest.Compare(t, got, want)
			t.Logf("%d entries", len(got))
		})
	}
}

// source is the tree of a directory with times in seconds.
func source(t testing.TB, root string) map[string]string {
	t.Helper()
	tree, err := dir.Open(root)
	kerneltest.Must(t, err)
	defer tree.Close()
	return fsystest.Contents(t, &seconds{tree})
}

type seconds struct{ fsys.Tree }

func (s *seconds) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	return s.Tree.Walk(ctx, func(n *fsys.Node) error {
		n.Mtime = n.Mtime.Truncate(time.Second)
		return fn(n)
	})
}

// compareWithBlkid requires the same of the filesystem itself.
func compareWithBlkid(t testing.TB, path string) {
	t.Helper()
	d := openImage(t, path).Describe()
	for tag, got := range map[string]string{"TYPE": d.Type, "UUID": d.UUID, "LABEL": d.Label, "VERSION": d.Settings["version"],
		"SYSTEM_ID": d.Settings["system_id"], "PUBLISHER_ID": d.Settings["publisher_id"], "BOOT_SYSTEM_ID": d.Settings["boot_system_id"]} {
		if want := strings.TrimSpace(kerneltest.Run(t, "blkid", "-p", "-o", "value", "-s", tag, path)); got != want {
			t.Errorf("%s is %q, blkid says %q", tag, got, want)
		}
	}
}

// Without Rock Ridge names are Joliet's, or plain ones in lower case and without
// version, as fs/isofs/dir.c has them.
func TestNamesWithoutRockRidge(t *testing.T) {
	root := t.TempDir()
	kerneltest.Must(t, os.MkdirAll(filepath.Join(root, "Sub Directory"), 0o700), os.WriteFile(filepath.Join(root, "Sub Directory/Straße 日本.text"), []byte("x"), 0o600),
		os.WriteFile(filepath.Join(root, "README"), []byte("readme"), 0o644))
	for flags, want := range map[string]string{
		"-J -joliet-long": "/ /README /Sub Directory /Sub Directory/Straße 日本.text",
		"-iso-level 1":    "/ /readme /sub_dire /sub_dire/stra__e_.tex",
	} {
		path := filepath.Join(t.TempDir(), "iso")
		argv := append([]string{"-quiet", "-input-charset", "utf-8", "-o", path}, append(strings.Fields(flags), root)...)
		kerneltest.Run(t, "genisoimage", argv...)
		compareWithBlkid(t, path)
		var got []string
		kerneltest.Must(t, openImage(t, path).Walk(context.Background(), func(n *fsys.Node) error {
			got = append(got, string(n.Path))
			if n.Mode != 0o555 || n.UID != 0 || n.Type == report.File && n.Sys == nil {
				t.Errorf("%s", fsystest.Line(n))
			}
			return n.Err
		}))
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %q, want %q", flags, s, want)
		}
	}
}
