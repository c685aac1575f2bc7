package xfs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/xfs"
)

// A prototype is a tree in the language of mkfs.xfs -p, and how it is shown.
type prototype struct {
	text strings.Builder
	want map[string]string
}

// newPrototype has every type, and directories of every form.
func newPrototype(t testing.TB, many int) *prototype {
	t.Helper()
	p := &prototype{want: map[string]string{"/": "directory 0755 0:0"}}
	content := filepath.Join(t.TempDir(), "content")
	data := bytes.Repeat([]byte("content "), 5000)
	kerneltest.Must(t, os.WriteFile(content, data, 0o600))
	hash := sha256.New()
	fmt.Fprintf(hash, "0 40000 %s", data) // as fsystest writes a content of one piece
	long := strings.Repeat("l", 1000)
	p.text.WriteString("/\n0 0\nd--755 0 0\n")
	p.add("/file", "---644 7 70000 "+content, fmt.Sprintf("file 0644 7:70000 40000 %x", hash.Sum(nil)[:8]))
	p.add("/suid", "-u-755 1 1 "+content, fmt.Sprintf("file 4755 1:1 40000 %x", hash.Sum(nil)[:8]))
	p.add("/link", "l--777 3 4 target", "symlink 0777 3:4 -> target")
	p.add("/long", "l--777 0 0 "+long, "symlink 0777 0:0 -> "+long)
	p.add("/fifo", "p--640 0 0", "fifo 0640 0:0")
	p.add("/char", "c--600 0 0 5 300", "char 0600 0:0 5:300")
	p.add("/block", "b--660 0 6 8 1", "block 0660 0:6 8:1")
	for name, names := range map[string]int{"/none": 0, "/few": 3, "/some": 20, "/many": many} {
		p.add(name, "d--750 5 6", "directory 0750 5:6")
		for i := range names {
			p.add(fmt.Sprintf("%s/a-name-of-some-length-%040d", name, i), fmt.Sprintf("l--777 %d 0 x", i), fmt.Sprintf("symlink 0777 %d:0 -> x", i))
		}
		p.text.WriteString("$\n")
	}
	p.text.WriteString("$\n")
	return p
}

func (p *prototype) add(path, line, shown string) {
	fmt.Fprintf(&p.text, "%s %s\n", filepath.Base(path), line)
	p.want[path] = shown
}

// attribute sets an attribute of /file by xfs_db, of as many letters v as said.
func (p *prototype) attribute(letter, name string, size int) string {
	namespace := map[string]string{"u": "user.", "r": "trusted.", "s": "security."}[letter]
	line := p.want["/file"]
	at := strings.LastIndexByte(line, ' ')
	p.want["/file"] = fmt.Sprintf("%s %s%s=%q%s", line[:at], namespace, name, strings.Repeat("v", size), line[at:])
	return fmt.Sprintf("attr_set -%s -v %d %s", letter, size, name)
}

// makeV4 makes an image of version 4 of a prototype, with attributes in sorted order.
func makeV4(t testing.TB, p *prototype, size int64, args ...string) string {
	t.Helper()
	proto := filepath.Join(t.TempDir(), "proto")
	kerneltest.Must(t, os.WriteFile(proto, []byte(p.text.String()), 0o600))
	path := makeImage(t, size, append([]string{"-m", "crc=0", "-p", proto}, args...)...)
	db := []string{"-x", "-c", "path /file", "-c", p.attribute("s", "far", 30000), "-c", p.attribute("r", "rooted", 20)}
	for i := range 40 {
		db = append(db, "-c", p.attribute("u", fmt.Sprintf("name%02d", i), i*i+1))
	}
	kerneltest.Run(t, "xfs_db", append(db, path)...)
	return path
}

// tinyV4 is a small image of version 4, whose metadata has no checksums.
func tinyV4(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(makeV4(t, newPrototype(t, 150), 16<<20, "-b", "size=512"))
	kerneltest.Must(t, err)
	return data
}

// Not every kernel mounts version 4: the images are compared with what
// mkfs.xfs and xfs_db were told.
func TestVersion4(t *testing.T) {
	t.Parallel()
	for name, args := range map[string]string{
		"default": "", "512": "-b size=512", "1k": "-b size=1024", "64k": "-b size=65536", "no-ftype": "-n ftype=0", "ftype-512": "-n ftype=1 -b size=512 -n size=4096",
		"inode-2048": "-i size=2048", "inode-512": "-i size=512", "dir-64k": "-n size=65536", "log-1": "-l version=1", "projid-16": "-i projid32bit=0",
		"ascii-ci": "-n version=ci", "no-lazy": "-l lazy-count=0", "sector-4096": "-s size=4096", "groups": "-d agcount=7", "log-su": "-l su=64k",
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(" default 512 64k no-ftype ascii-ci log-1 ", " "+name+" ") {
				fixtures.RequireFull(t)
			}
			t.Parallel()
			p := newPrototype(t, 3000)
			path := makeV4(t, p, 200<<20, strings.Fields(args+" -L four")...)
			compareWithBlkid(t, path)
			got := map[string]string{}
			for path, line := range fsystest.Contents(t, openImage(t, path)) {
				got[path] = fsystest.WithoutTime(line)
			}
			fsystest.Compare(t, got, p.want)
		})
	}
}

// What Linux 6.1 showed of version 4, of logs that it replayed too: testdata/README.
func TestVersion4OfLinux61(t *testing.T) {
	t.Parallel()
	for name, dirty := range map[string]bool{"attr1": false, "log1": true, "projid16": true} {
		t.Run(name, func(t *testing.T) {
			data, want := fsystest.Kept(t, "testdata", name)
			fs, err := xfs.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
			kerneltest.Must(t, err)
			fsystest.Compare(t, fsystest.WithoutDecoded(fsystest.Contents(t, fs)), want)
			if len(want) < 130 {
				t.Errorf("%d paths", len(want))
			}
			if dirty {
				_, size := place(data)
				fs, err := xfs.Open(context.Background(), bytes.NewReader(withoutLog(data)), int64(len(data)))
				if err == nil && len(fsystest.List(t, fs)) == len(want) {
					t.Errorf("without its log of %d bytes it has all names: the test tests nothing", size)
				}
			}
		})
	}
}

// withoutLog is an image whose log was never used.
func withoutLog(data []byte) []byte {
	out := bytes.Clone(data)
	start, size := place(data)
	clear(out[start : start+size])
	return out
}
