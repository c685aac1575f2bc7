package tarball_test

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
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/tarball"
)

// modest is a tree that the oldest formats hold, with one name that needs the
// prefix of ustar.
func modest(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	for i, name := range []string{"a", "b/c", "b/deep/er", "odd\xff\n\x1b", strings.Repeat("n", 90), "z/last"} {
		kerneltest.Must(t, os.MkdirAll(filepath.Dir(at(name)), 0o755), os.WriteFile(at(name), bytes.Repeat([]byte{byte(i)}, 511*i), os.FileMode(0o600+i)))
	}
	kerneltest.Must(t, os.Chown(at("a"), 70000, 80000), unix.Chmod(at("b/c"), 0o6755), unix.Chmod(at("z"), 0o1777),
		os.Symlink(strings.Repeat("s", 99), at("link")), os.Link(at("b/c"), at("b/a-link")), os.Link(at("b/c"), at("zz")), unix.Mkfifo(at("fifo"), 0o640),
		unix.Mknod(at("char"), unix.S_IFCHR|0o666, int(unix.Mkdev(5, 77))), unix.Mknod(at("block"), unix.S_IFBLK|0o600, int(unix.Mkdev(200, 0))))
	for i, name := range []string{"a", "b/c", "b", "z", ""} {
		when := time.Unix(int64(i)*400_000_000, 0)
		kerneltest.Must(t, os.Chtimes(at(name), when, when))
	}
	return root
}

// richer adds what extended headers hold: fractions of seconds, times before 1970,
// attributes with odd names, access lists that their mask cuts, runs of data in holes.
func richer(t *testing.T) string {
	t.Helper()
	root := modest(t)
	at := func(name string) string { return filepath.Join(root, name) }
	for name, value := range map[string]string{"user.a%b": "1", "user.c=d": "\x00\xff", "user.e%3Df": "2", "user.empty": "", "trusted.x": strings.Repeat("long", 500)} {
		kerneltest.Must(t, unix.Setxattr(at("a"), name, []byte(value), 0))
	}
	kerneltest.Run(t, "setfacl", "-m", "u:3000:rwx,u:3001:r,g:4000:rw,m:r", at("b/c"))
	kerneltest.Run(t, "setfacl", "-m", "d:u:3000:rwx,d:m:r", at("b"))
	for i, when := range []time.Time{time.Unix(-1, 500_000_000), time.Unix(-2_000_000_000, 1), time.Unix(4_000_000_000, 999_999_999), time.Unix(0, 0)} {
		name := at(fmt.Sprint("time", i))
		kerneltest.Must(t, os.WriteFile(name, nil, 0o644), os.Chtimes(name, when, when))
	}
	f, err := os.Create(at("sparse"))
	kerneltest.Must(t, err)
	for i := range int64(120) {
		_, err := f.WriteAt([]byte(fmt.Sprint("run ", i)), i*100_000+7)
		kerneltest.Must(t, err)
	}
	kerneltest.Must(t, f.Truncate(20<<20), f.Close(), os.MkdirAll(at(strings.Repeat("long name/", 15)), 0o700),
		os.Symlink(strings.Repeat("long/", 60), at("long link")), os.Link(at("long link"), at("same link")))
	return root
}

// A maker packs TREE into ARCHIVE, and unpack shows what is in it.
type maker struct{ tree, pack, unpack string }

const (
	gnuTar  = "tar -xpf ARCHIVE -C OUT --numeric-owner --xattrs --xattrs-include=* --acls"
	bsdTar  = "bsdtar -xpf ARCHIVE -C OUT --numeric-owner"
	gnuPack = "tar -cf ARCHIVE -C TREE --numeric-owner "
	bsdPack = "bsdtar -cf ARCHIVE -C TREE --numeric-owner "
)

// makersOf leaves out of pax by libarchive the times with fractions before 1970: it writes
// half a second before 1970 as -1.5, which GNU tar and POSIX read as it stands.
func makersOf() map[string]maker {
	all := "--xattrs --xattrs-include=* --acls "
	return map[string]maker{
		"gnu v7":          {"modest", gnuPack + "--format=v7 --exclude=./fifo --exclude=./block --exclude=./char .", gnuTar},
		"gnu v7, bsd":     {"modest", gnuPack + "--format=v7 --exclude=./fifo --exclude=./block --exclude=./char .", bsdTar},
		"gnu ustar":       {"modest", gnuPack + "--format=ustar .", gnuTar},
		"gnu oldgnu":      {"richer", gnuPack + "--format=oldgnu -S .", gnuTar},
		"gnu gnu":         {"richer", gnuPack + "--format=gnu -S .", bsdTar},
		"gnu pax 0.0":     {"richer", gnuPack + all + "--format=pax -S --sparse-version=0.0 .", gnuTar},
		"gnu pax 0.1":     {"richer", gnuPack + all + "--format=pax -S --sparse-version=0.1 .", gnuTar},
		"gnu pax 1.0":     {"richer", gnuPack + all + "--format=pax -S --sparse-version=1.0 .", gnuTar},
		"gnu pax 1.0 bsd": {"richer", gnuPack + "--format=pax -S --exclude=./odd* --exclude=./time0 --exclude=./time1 .", bsdTar},
		"gnu global":      {"modest", gnuPack + "--format=pax --pax-option=comment=hello,gname=nobody,mtime=1234567.5,delete=ctime .", gnuTar},
		"gnu each":        {"modest", gnuPack + "--format=pax --pax-option=uid:=123456,hdrcharset:=BINARY,mtime:=-3.25 .", gnuTar},
		"gnu dump":        {"richer", gnuPack + "--format=gnu --listed-incremental=ARCHIVE.snar .", gnuTar},
		"gnu dump pax":    {"richer", gnuPack + "--format=pax --listed-incremental=ARCHIVE.snar .", gnuTar},
		"gnu label":       {"modest", gnuPack + "--format=gnu -V LABEL .", gnuTar},
		"gnu label pax":   {"modest", gnuPack + "--format=pax -V LABEL .", gnuTar},
		"gnu absolute":    {"modest", "tar -cPf ARCHIVE --transform=s,^TREE,/top, TREE", gnuTar},
		"bsd v7":          {"modest", bsdPack + "--format=v7 .", bsdTar},
		"bsd ustar":       {"modest", bsdPack + "--format=ustar .", bsdTar},
		"bsd gnutar":      {"modest", bsdPack + "--format=gnutar .", gnuTar},
		"bsd pax":         {"richer", bsdPack + "--format=pax --exclude=./time0 --exclude=./time1 .", bsdTar},
		"bsd pax, gnu":    {"modest", bsdPack + "--format=pax .", gnuTar},
		"bsd restricted":  {"richer", bsdPack + "--format=paxr --exclude=./time0 --exclude=./time1 .", bsdTar},
	}
}

// TestMakersAgreeWithExtraction holds that the reader shows what the archivers
// extract, in each of their formats.
func TestMakersAgreeWithExtraction(t *testing.T) {
	fixtures.RequireRoot(t)
	for _, tool := range []string{"tar", "bsdtar", "setfacl"} {
		fixtures.RequireTool(t, tool)
	}
	trees := map[string]string{"modest": modest(t), "richer": richer(t)}
	for name, m := range makersOf() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			archive := filepath.Join(t.TempDir(), "archive")
			runMaker(t, m.pack, "TREE", trees[m.tree], "ARCHIVE", archive)
			compareExtracted(t, archive, m.unpack)
		})
	}
}

func runMaker(t *testing.T, command string, replace ...string) {
	t.Helper()
	argv := strings.Fields(strings.NewReplacer(replace...).Replace(command))
	kerneltest.Run(t, argv[0], argv[1:]...)
}

// compareExtracted requires of the reader what unpack extracts.
func compareExtracted(t *testing.T, archive, unpack string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	kerneltest.Must(t, os.Mkdir(out, 0o755))
	runMaker(t, unpack, "ARCHIVE", archive, "OUT", out)
	f, err := dir.OpenFile(archive)
	kerneltest.Must(t, err)
	defer f.Close()
	tree, err := tarball.Open(context.Background(), f, f.Size())
	kerneltest.Must(t, err)
	extracted, err := dir.Open(out)
	kerneltest.Must(t, err)
	defer extracted.Close()
	got, want := fsystest.Contents(t, tree), fsystest.Contents(t, extracted)
	// Not every archive describes its root, nor does every archiver set times of directories
	// that it puts something into later.
	got["/"], want["/"] = "", ""
	for path, line := range want {
		if strings.HasPrefix(line, "directory") && (strings.HasPrefix(unpack, "bsdtar") || strings.Contains(archive, "bsd")) {
			got[path], want[path] = fsystest.WithoutTime(got[path]), fsystest.WithoutTime(line)
		}
	}
	fsystest.Compare(t, got, want)
	if len(want) < 12 {
		t.Errorf("%d entries", len(want))
	}
}
