package btrfs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/btrfs"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// damage changes bytes at an offset of a file.
func damage(t testing.TB, path string, off int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	kerneltest.Must(t, err)
	b := make([]byte, 64)
	_, err = f.ReadAt(b, off)
	kerneltest.Must(t, err)
	for i := range b {
		b[i] ^= 0x5a
	}
	_, err = f.WriteAt(b, off)
	kerneltest.Must(t, err, f.Close())
}

// placesOf finds content in an image, at the start of sectors.
func placesOf(t testing.TB, path string, head []byte) []int64 {
	t.Helper()
	var out []int64
	for n, b := range takePicture(t, path).pages {
		if bytes.HasPrefix(b, head) {
			out = append(out, n*page)
		}
	}
	return out
}

// Content with a wrong checksum is an error of its file, as for the kernel, and of no other; a good
// copy helps, and without checksums everything is believed.
func TestDamagedContentIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mkfs, mount string
		copies      int
		told        bool
	}{
		"crc32c":  {"", "", 1, true},
		"sha256":  {"--csum sha256", "", 1, true},
		"blake2b": {"--csum blake2", "", 1, true},
		"xxhash":  {"--csum xxhash", "", 1, true},
		"copy":    {"-d dup", "", 2, false},
		"no-sums": {"", "nodatasum", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := makeImage(t, 300<<20, c.mkfs)
			head := []byte("the head of a sector ")
			populate(t, path, c.mount, func(dir string) {
				content := append(bytes.Repeat([]byte{'x'}, 8192), head...)
				content = append(content, bytes.Repeat([]byte{'y'}, 9000)...)
				kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "damaged"), content, 0o644), os.WriteFile(filepath.Join(dir, "whole"), content[:8192], 0o644))
			})
			sound := fsystest.Contents(t, openImage(t, path))
			places := placesOf(t, path, head)
			if len(places) != c.copies {
				t.Fatalf("the content lies at %v", places)
			}
			damage(t, path, places[0]+500)
			got, want := fsystest.Contents(t, openImage(t, path)), kernelShows(t, path)
			if c.told != strings.HasSuffix(got["/damaged"], ": the checksum does not match") || c.told != strings.HasSuffix(want["/damaged"], "input/output error") {
				t.Errorf("got %s\nthe kernel says %s", got["/damaged"], want["/damaged"])
			}
			if c.told {
				delete(got, "/damaged")
				delete(want, "/damaged")
			}
			fsystest.Compare(t, got, want)
			if c.copies == 2 {
				fsystest.Compare(t, got, sound)
			}
		})
	}
}

func TestDamagedCompressedContentIsTold(t *testing.T) {
	t.Parallel()
	for _, mount := range []string{"compress-force=zstd", "compress-force=zlib", "compress-force=lzo"} {
		path := makeImage(t, 120<<20, "")
		populate(t, path, mount, func(dir string) { squeezable(t, filepath.Join(dir, "d")) })
		var at int64 = -1
		walkFiles(t, openImage(t, path), func(name string, physical int64) {
			if name == "/d/10000" {
				at = physical
			}
		})
		damage(t, path, at+100)
		got, want := fsystest.Contents(t, openImage(t, path)), kernelShows(t, path)
		if !strings.Contains(got["/d/10000"], "checksum does not match") || !strings.Contains(want["/d/10000"], "input/output error") {
			t.Errorf("%s: %s\nthe kernel says %s", mount, got["/d/10000"], want["/d/10000"])
		}
		delete(got, "/d/10000")
		delete(want, "/d/10000")
		fsystest.Compare(t, got, want)
	}
}

// Where nodes have two copies, the first may be broken.
func TestSecondCopyOfNodesIsRead(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 200<<20, "-m dup")
	populate(t, path, "", func(dir string) { tinyContent(t, dir) })
	want := fsystest.Contents(t, openImage(t, path))
	p := takePicture(t, path)
	seen, broken := map[string]bool{}, 0
	for n := int64(0); n*page < p.size; n++ { // by place: what comes second is the copy
		b := p.pages[n]
		if b == nil || n == superByte/page || !bytes.Equal(b[0x20:0x30], p.pages[superByte/page][0x20:0x30]) || string(b[0x40:0x48]) == "_BHRfS_M" {
			continue
		}
		if node := string(b[:0x60]); !seen[node] {
			seen[node] = true
			broken++
			b[200] ^= 1
			b[0] ^= 1
		}
	}
	fs, err := btrfs.Open(context.Background(), p, p.size)
	kerneltest.Must(t, err)
	fsystest.Compare(t, fsystest.Contents(t, fs), want)
	if broken < 10 {
		t.Errorf("only %d nodes were broken", broken)
	}
}

func TestCopyOfSuperblockIsRead(t *testing.T) {
	t.Parallel()
	path := makeImage(t, 120<<20, "-L label")
	populate(t, path, "", func(dir string) { tinyContent(t, dir) })
	want := fsystest.Contents(t, openImage(t, path))
	sound := openImage(t, path).Describe()
	damage(t, path, superByte+300)
	d := openImage(t, path).Describe()
	if !regexp.MustCompile(`^the copy at byte 67108864, because of the first: superblock at byte 65536: the checksum does not match$`).MatchString(d.Settings["superblock"]) {
		t.Errorf("settings: %v", d.Settings)
	}
	delete(d.Settings, "superblock")
	if fmt.Sprint(d) != fmt.Sprint(sound) {
		t.Errorf("%v, before %v", d, sound)
	}
	fsystest.Compare(t, fsystest.Contents(t, openImage(t, path)), want)
	f, err := os.Open(path)
	kerneltest.Must(t, err)
	defer f.Close()
	if probed, ok := btrfs.Probe(f); !ok || probed.UUID != sound.UUID {
		t.Errorf("probe: %v, %v", probed, ok)
	}
	damage(t, path, 64<<20+300)
	if _, err := tryContents(t, path); err == nil || !strings.Contains(err.Error(), "superblock at byte 65536: the checksum does not match") {
		t.Error("both are broken:", err)
	}
}

// What cannot be read is refused by its name.
func TestUnreadFeaturesAreNamed(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	g := newTarget(t, tiny(t, ""))
	super := -1
	for i, n := range g.nodes {
		if n == superByte/page {
			super = i
		}
	}
	for feature, bit := range map[string]int{"zoned": 12, "extent_tree_v2": 13, "raid_stripe_tree": 14, "incompat_15": 15, "remap_tree": 17, "incompat_23": 23} {
		at := 0xbc + bit/8
		p := g.patched([]byte{byte(super), 0, byte(at), g.pages[superByte/page][at] | 1<<(bit%8)})
		if _, err := btrfs.Open(context.Background(), p, p.size); err == nil || err.Error() != "superblock: features that are not read: "+feature {
			t.Errorf("%s: %v", feature, err)
		}
	}
	p := g.patched([]byte{byte(super), 0, 0x3c, 8}) // BTRFS_SUPER_FLAG_CHANGING_FSID
	if _, err := btrfs.Open(context.Background(), p, p.size); err == nil || !strings.Contains(err.Error(), "was not finished") {
		t.Error(err)
	}
	p = g.patched([]byte{byte(super), 0, 0x38, 5, byte(super), 0, 0x3c, 1}) // errors, seeding
	if fs, err := btrfs.Open(context.Background(), p, p.size); err != nil || fs.Describe().Settings["state"] != "with errors" || fs.Describe().Settings["seeding"] != "yes" {
		t.Error(err)
	}
	p = g.patched([]byte{byte(super), 0, 0xc4, 9})
	if _, err := btrfs.Open(context.Background(), p, p.size); err == nil || !strings.Contains(err.Error(), "checksums of kind 9 are not known") {
		t.Error(err)
	}
}
