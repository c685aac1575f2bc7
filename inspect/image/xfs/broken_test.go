package xfs_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/inspect/image/xfs"
)

// A fault is written by xfs_db, which makes the checksums right, and told in the line of a path.
type fault struct {
	at, write string // commands of xfs_db
	path      string
	want      string
}

// faults are in the image that fillTiny fills.
func faults() map[string]fault {
	return map[string]fault{
		"inode magic":       {"path /small", "core.magic 1", "/small", "it starts with 0x1, as no inode does"},
		"inode version":     {"path /small", "core.version 2", "/small", "its version 2 does not fit the filesystem's 5"},
		"inode number":      {"path /small", "v3.inumber 77", "/small", "it belongs to another inode or filesystem"},
		"no links":          {"path /small", "core.nlinkv2 0", "/small", "in use by a name, but deleted"},
		"no mode":           {"path /small", "core.mode 0", "/small", "in use by a name, but deleted"},
		"no type":           {"path /small", "core.mode 0170644", "/small", "does not fit its type"},
		"device of a file":  {"path /node", "core.mode 0100644", "/node", "form 0 of its content does not fit its type"},
		"attributes beyond": {"path /small", "core.forkoff 200", "/small", "attributes at byte 1600 are impossible"},
		"attributes' form":  {"path /small", "core.aformat 5", "/small", "form 5 is impossible"},
		"extents":           {"path /small", "core.nextents 7", "/small", "an extent of 0 blocks from 0 comes after"},
		"too many extents":  {"path /small", "core.nextents 70000", "/small", "70000 extents do not fit into the inode"},
		"extent outside":    {"path /small", "u3.bmx[0].startblock 99999999", "/small", "is outside of the filesystem"},
		"extent of nothing": {"path /small", "u3.bmx[0].blockcount 0", "/small", "an extent of 0 blocks"},
		"extent too far":    {"path /small", "u3.bmx[0].startoff 0x3fffffffffffff", "/small", "where no file has content"},
		"tree's level":      {"path /fragments", "u3.bmbt.level 0", "/fragments", "its root is of level 0"},
		"tree's height":     {"path /fragments", "u3.bmbt.level 5", "/fragments", "is of level 0, not 4"},
		"tree's pointers":   {"path /fragments", "u3.bmbt.numrecs 99", "/fragments", "a node has 99 of"},
		"tree's block":      {"path /fragments", "u3.bmbt.ptrs[1] 1", "/fragments", "block 1"},
		"tree outside":      {"path /fragments", "u3.bmbt.ptrs[1] 77777777", "/fragments", "is outside of the filesystem"},
		"tree in itself":    {"path /fragments", "u3.bmbt.ptrs[1] PTR2", "/fragments", "is in it twice"},
		"link's size":       {"path /link", "core.size 2000", "/link", "a symlink of 2000 bytes"},
		"link's bytes":      {"path /link", "core.size 900", "/link", "bytes of a symlink of 900"},
		"far link's sum":    {"path /long\ndblock 0", "offset 5", "/long", "the checksum does not match"},
		"far link's magic":  {"path /long\ndblock 0", "magic 5", "/long", "it starts with 0x5"},
		"names' magic":      {"path /d/e\ndblock 0", "dhdr.hdr.magic 5", "/d/e", "data block 0 starts with 0x5"},
		"names' owner":      {"path /d/e\ndblock 0", "dhdr.hdr.owner 5", "/d/e", "it says that it belongs to inode 5"},
		"names' place":      {"path /d/e\ndblock 0", "dhdr.hdr.bno 5", "/d/e", "it says that it lies at sector 5"},
		"name's length":     {"path /d/e\ndblock 0", "du[3].namelen 0", "/d/e", "has length"},
		"name's tag":        {"path /d/e\ndblock 0", "du[3].tag 1", "/d/e", "has length"},
		"name's inode":      {"path /d/e\ndblock 0", "du[3].inumber 0xffffffffffff", "/d/e/NAME", "does not exist"},
		"leaf's count":      {"path /small\nablock 0", "hdr.count 9999", "/small", "a leaf has 9999 entries"},
		"leaf after itself": {"path /small\nablock 0", "hdr.info.hdr.forw 1000", "/small", "block 1000 is a hole"},
		"entry outside":     {"path /small\nablock 0", "entries[0].nameidx 1023", "/small", "is cut off"},
		"two namespaces":    {"path /small\nablock 0", "entries[0].root 1\nwrite -d entries[0].secure 1", "/small", "namespaces 0x6 are impossible"},
	}
}

// brokenBase is a whole image, and two facts of it: where a tree has its second block, and a name.
func brokenBase(t *testing.T) (path, pointer, name string) {
	t.Helper()
	path = makeImage(t, 16<<20, "-b", "size=1024")
	kerneltest.PopulateAs(t, "xfs", path, func(dir string) {
		fillTiny(t, dir)
		kerneltest.Must(t, unix.Setxattr(filepath.Join(dir, "small"), "user.zz", nil, 0))
	})
	show := func(commands ...string) string {
		var args []string
		for _, c := range commands {
			args = append(args, "-c", c)
		}
		return kerneltest.Run(t, "xfs_db", append(args, "-r", path)...)
	}
	out := show("path /fragments", "print u3.bmbt.ptrs[2]")
	pointer = out[strings.LastIndexAny(strings.TrimSpace(out), ":= ")+1:]
	out = show("path /d/e", "dblock 0", "print du[3].name")
	name = strings.Trim(strings.TrimSpace(out[strings.Index(out, "=")+1:]), "\"")
	return path, strings.TrimSpace(pointer), name
}

func TestBrokenStructuresAreTold(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	base, pointer, name := brokenBase(t)
	if got := fsystest.Contents(t, openImage(t, base)); strings.Contains(strings.Join(values(got), ""), "!") {
		t.Fatalf("%q", got)
	}
	for what, f := range faults() {
		t.Run(what, func(t *testing.T) {
			path := copySparse(t, base)
			args := []string{"-x"}
			for command := range strings.Lines(f.at + "\nwrite -d " + strings.ReplaceAll(f.write, "PTR2", pointer)) {
				args = append(args, "-c", strings.TrimSpace(command))
			}
			out := kerneltest.Run(t, "xfs_db", append(args, path)...)
			data, err := os.ReadFile(path)
			kerneltest.Must(t, err)
			fs, err := xfs.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
			kerneltest.Must(t, err)
			line := fsystest.Contents(t, fs)[strings.Replace(f.path, "NAME", name, 1)]
			if _, reason, _ := strings.Cut(line, "!"); !strings.Contains(reason, f.want) {
				t.Errorf("%q, want %q\n%s", reason, f.want, out)
			}
		})
	}
}

func values(list map[string]string) []string {
	var out []string
	for _, line := range list {
		out = append(out, line)
	}
	return out
}
