package fat_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/fat"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

var opener = fsystest.Opener[*fat.FS](fat.Open)

// tinyVariants are the smallest images of each kind: size in KiB, options.
func tinyVariants() map[string]struct {
	size int64
	args string
} {
	return map[string]struct {
		size int64
		args string
	}{
		"12": {200, "-F 12 -s 1 -r 64"},
		"16": {2300, "-F 16 -s 1 -r 64"},      // no FAT16 has fewer clusters
		"32": {34000, "-F 32 -s 1 -R 8 -f 1"}, // for mtools; shrunk afterwards
	}
}

// tiny makes an image of a few files.
func tiny(t testing.TB, name string) []byte {
	t.Helper()
	v := tinyVariants()[name]
	path := mkfs(t, v.size<<10, v.args+" --invariant -n LABEL")
	dir := t.TempDir()
	kerneltest.Must(t, os.MkdirAll(filepath.Join(dir, "d/e"), 0o755),
		os.WriteFile(filepath.Join(dir, "d/file"), noise(3000), 0o644),
		os.WriteFile(filepath.Join(dir, "small"), []byte("small"), 0o644))
	for i := range 10 {
		kerneltest.Must(t, os.WriteFile(filepath.Join(dir, "d/e", fmt.Sprintf("another long name %040d", i)), noise(i), 0o644))
	}
	run(t, "mcopy", "-i", path, "-s", "-Q", filepath.Join(dir, "d"), filepath.Join(dir, "small"), "::")
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	if name == "32" {
		shrink(data, 6)
	}
	fs, err := fat.Open(context.Background(), bytes.NewReader(data), int64(len(data)))
	kerneltest.Must(t, err)
	return data[:fs.Size()]
}

// shrink lets a FAT32 end after the first few clusters.
func shrink(data []byte, backup int) {
	le := binary.LittleEndian
	sectors := uint32(le.Uint16(data[14:])) + le.Uint32(data[36:]) + 60
	for _, boot := range []int{0, backup * 512} {
		le.PutUint16(data[boot+19:], 0)
		le.PutUint32(data[boot+32:], sectors)
	}
}

func TestFlippedBytesAreSurvived(t *testing.T) {
	for name := range tinyVariants() {
		opener.Flip(t, tiny(t, name), 0, 1<<20, 11)
	}
}

func TestEveryFlippedByteIsSurvived(t *testing.T) {
	fixtures.RequireFull(t)
	for name := range tinyVariants() {
		opener.Flip(t, tiny(t, name), 0, 1<<20, 1)
	}
}

func TestTruncationIsTold(t *testing.T) {
	for name := range tinyVariants() {
		opener.Cut(t, tiny(t, name), 4096)
	}
}

func FuzzWalk(f *testing.F) {
	var images [][]byte
	for _, name := range slices.Sorted(maps.Keys(tinyVariants())) {
		images = append(images, tiny(f, name))
	}
	opener.Fuzz(f, images)
}

// What is cross-linked, cyclic, or too short is told at the node; the rest is shown.
func TestDamagedChains(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(v *volume)
		path   string
		want   string
	}{
		"cross-linked":     {func(v *volume) { v.set(v.first("B"), v.first("A")+1) }, "/b", "belongs to its chain and another"},
		"cycle":            {func(v *volume) { v.set(v.first("A")+1, v.first("A")) }, "/a", "is in it twice"},
		"short":            {func(v *volume) { v.set(v.first("A"), 0xffff) }, "/a", "ends after 1 clusters of 4"},
		"free":             {func(v *volume) { v.set(v.first("A"), 0) }, "/a", "is free"},
		"out of range":     {func(v *volume) { v.set(v.first("A"), 0xfff0) }, "/a", "comes 65520"},
		"one":              {func(v *volume) { v.set(v.first("A"), 1) }, "/a", "comes 1"},
		"no start":         {func(v *volume) { v.entry("A")[26], v.entry("A")[27] = 0, 0 }, "/a", "ends after 0 clusters"},
		"huge":             {func(v *volume) { copy(v.entry("A")[28:], "\xff\xff\xff\xff") }, "/a", "claims"},
		"directory cycle":  {func(v *volume) { v.set(v.first("D"), v.first("D")) }, "/d", "is in it twice"},
		"directory loop":   {func(v *volume) { copy(v.inside("D", 2)[26:], v.entry("D")[26:28]) }, "/d/sub", "belongs to its chain and another"},
		"directory nobody": {func(v *volume) { copy(v.entry("D")[26:], "\xff\xff") }, "/d", "first cluster is 65535"},
		"second table":     {func(v *volume) { v.data[v.table+v.tableSize+100] ^= 1 }, "/", "allocation table 2 differs"},
		"twice":            {func(v *volume) { copy(v.entry("B")[:11], v.entry("A")[:11]) }, "/", "is in it twice"},
		"after the end":    {func(v *volume) { copy(v.data[v.root+64*32-64:], v.entry("A")) }, "/", "follow the mark of its end"},
		"slash":            {func(v *volume) { copy(v.entry("A"), "A/B") }, "/", "impossible name"},
	} {
		t.Run(name, func(t *testing.T) {
			v := smallVolume(t)
			c.damage(v)
			got := v.list(t)
			if !strings.Contains(got[c.path], "!") || !strings.Contains(got[c.path], c.want) {
				t.Errorf("%q, want %q", got[c.path], c.want)
			}
			if !strings.HasPrefix(got["/c"], "file 0755 0:0 5 ") || strings.Contains(got["/c"], "!") {
				t.Errorf("another file: %q", got["/c"])
			}
		})
	}
}
