package tarball_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/tarball"
)

// list indexes an archive and shows it.
func list(t testing.TB, data []byte) map[string]string {
	t.Helper()
	tree, err := tarball.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
	kerneltest.Must(t, err)
	return fsystest.Contents(t, tree)
}

// archive writes members; a header without a size gets that of its content.
func archive(t testing.TB, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		h := m.Header
		h.Size = int64(len(m.content))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		kerneltest.Must(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, m.content)
		kerneltest.Must(t, err)
	}
	kerneltest.Must(t, w.Close())
	return b.Bytes()
}

type member struct {
	tar.Header
	content string
}

func file(name, content string) member { return member{tar.Header{Name: name}, content} }

// The two trees that tar(1) extracts and that the reader shows must be equal.
func TestFormatsAgreeWithExtraction(t *testing.T) {
	fixtures.RequireRoot(t)
	fixtures.RequireTool(t, "tar")
	source := filepath.Join(t.TempDir(), "source")
	kerneltest.Must(t, os.Mkdir(source, 0o755))
	kerneltest.Hard(t, source, 4096, 300)
	kerneltest.Must(t, os.Remove(filepath.Join(source, "types/socket"))) // tar has no sockets
	for name, flags := range map[string]string{
		"pax":        "--format=pax --xattrs --xattrs-include=* --acls --sparse",
		"pax-sparse": "--format=pax --sparse --sparse-version=0.0",
		"pax-01":     "--format=pax --sparse --sparse-version=0.1",
		"gnu":        "--format=gnu --sparse",
		"oldgnu":     "--format=oldgnu --sparse --numeric-owner",
		"plain":      "--format=gnu --exclude=sparse",
	} {
		t.Run(name, func(t *testing.T) {
			dst, path := t.TempDir(), filepath.Join(t.TempDir(), "archive")
			args := strings.Fields(flags)
			kerneltest.Run(t, "tar", append(args, "-cf", path, "-C", source, ".")...)
			extract := []string{"-xpf", path, "-C", dst, "--numeric-owner"}
			if name == "pax" {
				extract = append(extract, "--xattrs", "--xattrs-include=*", "--acls")
			}
			kerneltest.Run(t, "tar", extract...)
			f, err := dir.OpenFile(path)
			kerneltest.Must(t, err)
			defer f.Close()
			tree, err := tarball.Open(context.Background(), f, f.Size())
			kerneltest.Must(t, err)
			extracted, err := dir.Open(dst)
			kerneltest.Must(t, err)
			defer extracted.Close()
			fsystest.Compare(t, fsystest.Contents(t, tree), fsystest.Contents(t, extracted))
		})
	}
}

func TestMembersBecomeATree(t *testing.T) {
	epoch := " 1970-01-01T00:00:00Z"
	deep := strings.Repeat("d/", 5000) + "x"
	for name, c := range map[string]struct {
		members []member
		want    map[string]string // by path; a value is a prefix of the line without contents
	}{
		"implied directories": {[]member{file("a/b/c", "1")},
			map[string]string{"/a": "directory 0755 0:0" + epoch, "/a/b": "directory 0755 0:0" + epoch, "/a/b/c": "file 0644 0:0 1"}},
		"described later": {[]member{file("a/b", "1"), {tar.Header{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: 7}, ""}},
			map[string]string{"/a": "directory 0700 7:0", "/a/b": "file"}},
		"later wins": {[]member{file("a", "1"), file("./a", "22")},
			map[string]string{"/a": "file 0644 0:0 2"}},
		"absolute": {[]member{file("/etc/x", "1")},
			map[string]string{"/": "directory 0755 0:0" + epoch, "/etc/x": "file"}},
		"leaves the tree": {[]member{file("a/../../etc/passwd", "1"), file("b", "1")},
			map[string]string{"/": "directory 0755 0:0" + epoch + ` !member "a/../../etc/passwd": the name holds "..": left out`, "/b": "file"}},
		"through a symlink": {[]member{{tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "/etc", Mode: 0o777}, ""}, file("l/passwd", "1")},
			map[string]string{"/": "directory 0755 0:0" + epoch + ` !member "l/passwd": the name leads through "l", a symlink: left out`, "/l": "symlink 0777 0:0" + epoch + " -> /etc"}},
		"hard links": {[]member{file("a", "one"), {tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}, ""}, file("a", "new")},
			map[string]string{"/a": "file 0644 0:0 3", "/b": "file 0644 0:0 3"}},
		"link to nothing": {[]member{{tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "../a"}, ""}},
			map[string]string{"/": "directory 0755 0:0" + epoch + ` !member "b": the name holds ".."`}},
		"too deep": {[]member{{tar.Header{Name: deep, Format: tar.FormatPAX}, ""}},
			map[string]string{"/": "directory 0755 0:0" + epoch + " !member"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := list(t, archive(t, c.members...))
			for path, want := range c.want {
				if !strings.HasPrefix(got[path], want) {
					t.Errorf("%s:\n got %.200s\nwant %s", path, got[path], want)
				}
			}
			if strings.Contains(c.want["/"], "!") != strings.Contains(got["/"], "!") {
				t.Errorf("root: %.300s", got["/"])
			}
		})
	}
}

func TestReplacedFileKeepsItsOtherName(t *testing.T) {
	got := list(t, archive(t, file("a", "one"), member{tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}, ""}, file("a", "one")))
	if strings.Contains(got["/a"], "links=") || strings.Contains(got["/b"], "links=") {
		t.Errorf("a replaced name still counts as a link: %q", got)
	}
}

func TestTimesAndLargeNumbers(t *testing.T) {
	h := tar.Header{Name: "f", Uid: 3000000, Gid: 1<<32 - 2, ModTime: time.Date(1960, 1, 2, 3, 4, 5, 123456789, time.UTC)}
	for _, format := range []tar.Format{tar.FormatPAX, tar.FormatGNU} {
		h.Format = format
		if format == tar.FormatGNU {
			h.ModTime = h.ModTime.Truncate(time.Second)
		}
		got := list(t, archive(t, member{h, ""}))["/f"]
		want := "file 0644 3000000:4294967294 0 " + h.ModTime.Format("2006-01-02T15:04:05.999999999Z07:00")
		if !strings.HasPrefix(got, want) {
			t.Errorf("%v:\n got %s\nwant %s", format, got, want)
		}
	}
}

func TestForeignAttributes(t *testing.T) {
	h := tar.Header{Name: "f", PAXRecords: map[string]string{
		"LIBARCHIVE.xattr.user.a%3Db": "AP8=",
		"RHT.security.selinux":        "system_u:object_r:etc_t:s0",
		"SCHILY.acl.access":           "user::rw-,user:joe:r--:1000,group::r--,mask::r--,other::---",
	}}
	got := list(t, archive(t, member{h, ""}))["/f"]
	for _, want := range []string{`user.a=b="\x00\xff"`, `[system_u:object_r:etc_t:s0|]`,
		`system.posix_acl_access="\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\xe8\x03\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x04\x00\xff\xff\xff\xff \x00\x00\x00\xff\xff\xff\xff"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}

func TestTruncationIsAlwaysTold(t *testing.T) {
	data := archive(t, file("a", strings.Repeat("x", 700)), file("b/c", "y"), member{tar.Header{Name: strings.Repeat("long/", 60) + "n", Format: tar.FormatPAX}, "z"})
	for n := 512; n < len(data)-512; n += 256 {
		tree, err := tarball.Open(context.Background(), bytes.NewReader(data[:n]), int64(n))
		if err != nil {
			continue
		}
		if got := fsystest.Contents(t, tree); !strings.Contains(got["/"], "truncated") {
			t.Errorf("cut at %d: %q", n, got["/"])
		}
	}
	got := list(t, append(bytes.Clone(data), archive(t, file("second", ""))...))
	if !strings.Contains(got["/"], "after the end") {
		t.Errorf("two archives in a row: %q", got["/"])
	}
}

func TestAgreesWithBSDTar(t *testing.T) {
	fixtures.RequireTool(t, "bsdtar")
	source := t.TempDir()
	kerneltest.Must(t, os.WriteFile(filepath.Join(source, "f"), []byte("x"), 0o644))
	path := filepath.Join(t.TempDir(), "a")
	kerneltest.Run(t, "bsdtar", "-cf", path, "-C", source, "f")
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	if got := list(t, data)["/f"]; !strings.HasPrefix(got, "file 0644") {
		t.Error(got)
	}
}
