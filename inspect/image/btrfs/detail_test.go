package btrfs_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// nodes are what a walk shows, by path.
func nodes(t testing.TB, tree fsys.Tree) map[string]*fsys.Node {
	t.Helper()
	out := map[string]*fsys.Node{}
	kerneltest.Must(t, tree.Walk(context.Background(), func(n *fsys.Node) error {
		out[string(n.Path)] = n
		return n.Err
	}))
	return out
}

// Flags that chattr(1) sets show by name, as through the kernel.
func TestAttributes(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 120<<20, "")
	flags := map[string]string{
		"+i": "immutable", "+a": "append-only", "+d": "nodump", "+aid": "append-only,immutable,nodump",
		"+A": "noatime", "+S": "sync", "+D": "dirsync", "+c": "compressed", "+m": "no-compress", "+C": "no-copy-on-write",
	}
	populate(t, path, "", func(d string) {
		for flag := range flags {
			kerneltest.Must(t, os.Mkdir(filepath.Join(d, "d"+flag), 0o755))
			if flag != "+D" {
				kerneltest.Must(t, os.WriteFile(filepath.Join(d, "f"+flag), nil, 0o644))
				within(t, d, "chattr", flag, "f"+flag)
			}
			within(t, d, "chattr", flag, "d"+flag)
		}
		kerneltest.Must(t, unix.Setxattr(filepath.Join(d, "f+A"), "btrfs.compression", []byte("zstd"), 0))
	})
	shown := nodes(t, openImage(t, path))
	for flag, want := range flags {
		for _, name := range []string{"/d" + flag, "/f" + flag} {
			if n := shown[name]; n != nil && n.Attributes != want && name != "/f+A" { // whose property compresses it too
				t.Errorf("%s: %q, want %q", name, n.Attributes, want)
			}
		}
	}
	if got := shown["/f+A"].Xattrs["btrfs.compression"]; got != "zstd" {
		t.Errorf("the property is %q", got)
	}
	fsystest.Compare(t, fsystest.Contents(t, openImage(t, path)), kernelShows(t, path))
}

// Files that share extents share their places, so that what reads them may read once.
func TestSharedExtentsHaveOnePlace(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 150<<20, "")
	populate(t, path, "", func(d string) {
		kerneltest.Must(t, os.WriteFile(filepath.Join(d, "one"), []byte(strings.Repeat("0123456789abcde\n", 100000)), 0o644))
		within(t, d, "cp", "--reflink=always", "one", "two")
		within(t, d, "cp", "--reflink=never", "one", "other")
		within(t, d, "btrfs", "subvolume", "snapshot", ".", "snap")
	})
	fs := openImage(t, path)
	shown := nodes(t, fs)
	extents := func(name string) string {
		c, err := fs.Open(shown[name])
		kerneltest.Must(t, err)
		list, err := c.Extents()
		kerneltest.Must(t, err)
		return fmt.Sprint(list)
	}
	one := extents("/one")
	if extents("/two") != one || extents("/snap/one") != one || extents("/other") == one || strings.Contains(one, "-1") {
		t.Errorf("one %s, two %s, snapshot %s, other %s", one, extents("/two"), extents("/snap/one"), extents("/other"))
	}
	if shown["/one"].Inode == shown["/snap/one"].Inode || shown["/one"].Physical != shown["/two"].Physical {
		t.Error("inodes or places:", shown["/one"], shown["/snap/one"])
	}
}

// Extents must tell what holds data, whatever stores it.
func TestExtentsTellHoles(t *testing.T) {
	t.Parallel()
	for _, mkfs := range []string{"", "-O ^no-holes"} {
		path := makeImage(t, 120<<20, mkfs)
		populate(t, path, "", func(d string) {
			f, err := os.Create(filepath.Join(d, "f"))
			kerneltest.Must(t, err, unix.Fallocate(int(f.Fd()), 0, 0, 40960))
			_, err = f.WriteAt([]byte(strings.Repeat("x", 8192)), 12288)
			kerneltest.Must(t, err, f.Truncate(1<<40))
			_, err = f.WriteAt([]byte("end"), 1<<40-2)
			kerneltest.Must(t, err, f.Close(), os.WriteFile(filepath.Join(d, "inline"), []byte("inline"), 0o644))
		})
		fs := openImage(t, path)
		shown := nodes(t, fs)
		for name, want := range map[string][][2]int64{"/f": {{12288, 8192}, {1<<40 - 4096, 4097}}, "/inline": {{0, 6}}} {
			c, err := fs.Open(shown[name])
			kerneltest.Must(t, err)
			list, err := c.Extents()
			kerneltest.Must(t, err)
			var got [][2]int64
			for _, e := range list {
				got = append(got, [2]int64{e.Offset, e.Length})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %v, want %v", mkfs, name, got, want)
			}
		}
	}
}

// What the description says is what btrfs itself says.
func TestSettingsAgreeWithDumpSuper(t *testing.T) {
	t.Parallel()
	for _, mkfs := range []string{"", "-n 4096 --csum xxhash -M", "-O ^no-holes,^skinny-metadata -n 65536"} {
		path := makeImage(t, 300<<20, mkfs)
		d := openImage(t, path).Describe()
		out := kerneltest.Run(t, "btrfs", "inspect-internal", "dump-super", path)
		for name, field := range map[string]string{
			"sector_size": "sectorsize", "node_size": "nodesize", "total_bytes": "total_bytes", "devices": "num_devices",
			"device_id": "dev_item.devid", "device_uuid": "dev_item.uuid",
		} {
			m := regexp.MustCompile(`(?m)^` + field + `\s+(\S+)`).FindStringSubmatch(out)
			if m == nil || m[1] != d.Settings[name] {
				t.Errorf("%s: %s is %q, dump-super says %v", mkfs, name, d.Settings[name], m)
			}
		}
		if !strings.Contains(out, "("+d.Settings["checksum"]+")") {
			t.Errorf("%s: checksum %q", mkfs, d.Settings["checksum"])
		}
		for feature, flag := range map[string]string{"no_holes": "NO_HOLES", "skinny_metadata": "SKINNY_METADATA", "mixed_groups": "MIXED_GROUPS", "free_space_tree": "FREE_SPACE_TREE", "big_metadata": "BIG_METADATA"} {
			if slices.Contains(d.Features, feature) != strings.Contains(out, flag) {
				t.Errorf("%s: features %v, but %s", mkfs, d.Features, out)
			}
		}
	}
}

// Another UUID than that in the nodes: btrfstune -m.
func TestMetadataUUID(t *testing.T) {
	t.Parallel()
	fixtures.RequireTool(t, "btrfstune")
	path := makeImage(t, 120<<20, "")
	populate(t, path, "", func(d string) { kerneltest.Must(t, os.WriteFile(filepath.Join(d, "f"), []byte("content"), 0o644)) })
	before := openImage(t, path).Describe()
	kerneltest.Run(t, "btrfstune", "-m", path)
	after := openImage(t, path).Describe()
	if after.UUID == before.UUID || after.Settings["metadata_uuid"] != before.UUID || !slices.Contains(after.Features, "metadata_uuid") {
		t.Errorf("before %v, after %v", before, after)
	}
	compareWithBlkid(t, path)
	compareWithKernel(t, path)
}

// Sectors of other sizes than this machine's pages are compared with what mkfs.btrfs was given.
func TestSectorsThatTheKernelMayLack(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	kerneltest.Must(t, os.Mkdir(filepath.Join(source, "Dir"), 0o750),
		os.WriteFile(filepath.Join(source, "Dir/File"), []byte(strings.Repeat("content ", 100000)), 0o640),
		os.WriteFile(filepath.Join(source, "small"), []byte("small"), 0o640),
		os.Symlink(strings.Repeat("t", 200), filepath.Join(source, "link")))
	tree, err := dir.Open(source)
	kerneltest.Must(t, err)
	defer tree.Close()
	want := map[string]string{}
	for name, line := range fsystest.Contents(t, tree) { // mkfs.btrfs cuts times to seconds
		want[name] = fsystest.WithoutTime(line)
	}
	for _, args := range []string{"-s 16384 -n 16384", "-s 65536 -n 65536 --csum sha256", "-s 16384 -n 32768 --csum blake2"} {
		path := makeImage(t, 300<<20, args+" --rootdir "+source)
		got := map[string]string{}
		for name, line := range fsystest.Contents(t, openImage(t, path)) {
			got[name] = fsystest.WithoutTime(line)
		}
		fsystest.Compare(t, got, want)
	}
}

func TestCrowdedDirectory(t *testing.T) {
	fixtures.RequireFull(t)
	for _, mkfs := range []string{"-n 4096", ""} {
		path := makeImage(t, 400<<20, mkfs)
		populate(t, path, "", func(d string) { kerneltest.Hard(t, d, 4096, 70000) })
		compareWithKernel(t, path)
	}
}

func TestOpenRefusesOtherNodes(t *testing.T) {
	fs := openImage(t, makeImage(t, 120<<20, ""))
	if _, err := fs.Open(&fsys.Node{Entry: report.Entry{Path: "/x", Type: report.File}}); err == nil {
		t.Error("a node of no tree opens")
	}
	c := fs.Reserved()
	if len(c) != 2 || c[0] != (fsys.Extent{Length: 65536}) || c[1].Offset != 69632 || fs.Size() != 120<<20 {
		t.Errorf("reserved: %v of %d", c, fs.Size())
	}
}

// colliding finds names that have one hash, which share an item.
func colliding(t testing.TB) []string {
	t.Helper()
	seen := map[uint32]string{}
	var out []string
	for i := 0; len(out) < 6; i++ {
		name := fmt.Sprintf("user.name-%x", uint64(i)*0x9e3779b97f4a7c15)
		hash := crc32.Update(1, crc32.MakeTable(crc32.Castagnoli), []byte(name)) // the inversions do not matter
		if other, ok := seen[hash]; ok {
			out = append(out, other, name)
		}
		seen[hash] = name
	}
	return out
}

func TestCollidingNamesAgreeWithKernel(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 120<<20, "")
	names := colliding(t)
	populate(t, path, "", func(d string) {
		for i, name := range names {
			kerneltest.Must(t, os.WriteFile(filepath.Join(d, name), []byte{byte(i)}, 0o644), unix.Setxattr(filepath.Join(d, names[0]), name, []byte{byte(i)}, 0))
		}
	})
	got := compareWithKernel(t, path)
	if len(got) != 7 || strings.Count(got["/"+names[0]], "user.name-") != 6 {
		t.Errorf("%q", got)
	}
}
