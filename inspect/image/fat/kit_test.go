package fat_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fat"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// run runs one of the mtools, which take the zone and the encoding of names
// from the environment.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	fixtures.RequireTool(t, name)
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8", "MTOOLSRC=testdata/mtools.conf", "MTOOLS_SKIP_CHECK=1", "MTOOLS_DATE_STRING=yyyy-mm-dd")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return string(out)
}

// mkfs makes a filesystem in an image of the given size.
func mkfs(t testing.TB, size int64, args string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fs.img")
	kerneltest.Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	run(t, "mkfs.vfat", append(strings.Fields(args), path)...)
	return path
}

// openImage opens an image with the reader under test.
func openImage(t testing.TB, path string) *fat.FS {
	t.Helper()
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	kerneltest.Must(t, err)
	fs, err := fat.Open(context.Background(), f, info.Size())
	kerneltest.Must(t, err)
	return fs
}

// hard is a tree of what FAT can hold; many is how many files lie in one directory.
func hard(t testing.TB, many int) string {
	t.Helper()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	file := func(name string, size int, mtime string) {
		when, err := time.Parse(time.RFC3339, mtime)
		kerneltest.Must(t, err, os.MkdirAll(filepath.Dir(at(name)), 0o755), os.WriteFile(at(name), noise(size), 0o644), os.Chtimes(at(name), when, when))
	}
	names := []string{
		"UPPER.TXT", "lower.txt", "Mixed.Txt", "other.TXT", "OTHER2.txt", "noext", "two.dots.x", "trail", "sp ace.txt", ".dot", "a.b.c.d",
		strings.Repeat("n", 255), strings.Repeat("ü", 127), "Ünïcödé and more.txt", "ÄÖÜ.TXT", "Ελληνικά", "日本語のファイル名.txt", "plus+[x]=,;.txt",
		"exactly13char", "exactly-26-characters-long", "EFI/BOOT/BOOTX64.EFI", "EFI/debian/grub.cfg",
		strings.Repeat("deep/", 40) + "leaf",
	}
	for i, name := range names {
		file(name, 100*i, "2020-02-29T12:34:56Z")
	}
	for i, when := range []string{"1980-01-01T00:00:00Z", "1999-12-31T23:59:58Z", "2000-03-01T00:00:00Z", "2038-01-19T03:14:08Z", "2099-12-31T12:00:00Z"} {
		file(fmt.Sprint("times/", i), i, when)
	}
	for _, n := range []int{0, 1, 511, 512, 513, 4096, 32767, 32768, 32769, 300000} {
		file(fmt.Sprint("sizes/", n), n, "2021-06-01T01:02:04Z")
	}
	for i := range many {
		name := fmt.Sprintf("crowd/file number %d", i*7919%many)
		if i > 300 { // mcopy looks for a free short name of each long one, from the first on
			name = fmt.Sprintf("crowd/F%06d", i)
		}
		file(name, i%3, "2022-01-01T00:00:00Z")
	}
	return root
}

// noise is content without repetition.
func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(n)*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// fill copies a tree into an image, sets attributes, and makes fragments and
// deleted entries.
func fill(t testing.TB, path, tree string) {
	t.Helper()
	inside, err := filepath.Glob(filepath.Join(tree, "*"))
	kerneltest.Must(t, err)
	run(t, "mcopy", append(append([]string{"-i", path, "-s", "-m", "-Q"}, inside...), "::")...)
	run(t, "mattrib", "-i", path, "+r", "::/UPPER.TXT")
	run(t, "mattrib", "-i", path, "+h", "+s", "-a", "::/lower.txt")
	run(t, "mattrib", "-i", path, "+r", "+s", "::/EFI")
	run(t, "mattrib", "-i", path, "+h", "-a", "::/sizes")
	pieces := t.TempDir()
	var all, odd []string
	for i := range 60 {
		name := filepath.Join(pieces, fmt.Sprint("piece", i))
		kerneltest.Must(t, os.WriteFile(name, noise(9000+i), 0o644))
		if all = append(all, name); i%2 == 1 {
			odd = append(odd, "::/"+filepath.Base(name))
		}
	}
	big := filepath.Join(pieces, "fragments")
	kerneltest.Must(t, os.WriteFile(big, noise(400000), 0o644))
	run(t, "mcopy", append(append([]string{"-i", path, "-Q"}, all...), "::")...)
	run(t, "mdel", append([]string{"-i", path}, odd...)...)
	run(t, "mcopy", "-i", path, "-Q", big, "::")
}

// oracle is the tree as the mtools extract it: without owners, and with the mode
// and the attributes that mattrib's letters stand for.
func oracle(t testing.TB, path string) map[string]string {
	t.Helper()
	out := t.TempDir()
	run(t, "mcopy", "-i", path, "-s", "-n", "-m", "::/", out)
	tree, err := dir.Open(out)
	kerneltest.Must(t, err)
	t.Cleanup(func() { tree.Close() })
	letters := map[string]string{}
	for line := range strings.Lines(run(t, "mattrib", "-i", path, "-X", "-/", "::")) {
		flags, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ::")
		letters[name] = flags
	}
	return fsystest.Contents(t, &dressed{tree, letters})
}

// dressed shows a tree with the modes of a FAT.
type dressed struct {
	fsys.Tree
	letters map[string]string
}

func (d *dressed) Walk(ctx context.Context, fn func(*fsys.Node) error) error {
	return d.Tree.Walk(ctx, func(n *fsys.Node) error {
		flags := d.letters[string(n.Path)]
		n.Mode, n.UID, n.GID, n.Links, n.Attributes = 0o755, 0, 0, 1, ""
		if n.Path == "/" {
			n.Mtime = time.Unix(0, 0).UTC()
			return fn(n)
		}
		n.Mtime = n.Mtime.Truncate(2 * time.Second)
		if n.Type == report.File && strings.Contains(flags, "R") {
			n.Mode = 0o555
			flags = strings.Replace(flags, "R", "", 1)
		}
		n.Attributes = attributeNames(flags)
		return fn(n)
	})
}

func attributeNames(letters string) string {
	var names []string
	for _, l := range []string{"A archive", "H hidden", "R read-only", "S system"} {
		if strings.Contains(letters, l[:1]) {
			names = append(names, l[2:])
		}
	}
	return strings.Join(names, ",")
}
