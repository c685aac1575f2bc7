package inspect

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// A memDevice is a sparse disk; whole says that its extents cover all of it,
// as those of a raw file without holes do.
type memDevice struct {
	sparse
	whole bool
}

func (d *memDevice) Extents() ([]image.Extent, error) {
	if d.whole {
		return []image.Extent{{Length: d.size}}, nil
	}
	return d.sparse.Extents()
}

func diskOf(d image.Device, regions ...report.Region) *image.Image {
	return &image.Image{
		Subject: report.Subject{Kind: "disk", Format: "raw"},
		Disk:    &report.Disk{Format: "raw", Size: d.Size(), PartitionTable: "gpt", SectorSize: 512, Partitions: []report.Partition{}, Regions: regions},
		Device:  d,
	}
}

// TestDiskDigest computes the documented form by hand.
func TestDiskDigest(t *testing.T) {
	size := int64(5<<20 + 512)
	data := map[int64]string{0: "boot", 3<<20 - 1: "ab", 5 << 20: "tail"}
	chunk := func(size int, at int, content string) [32]byte {
		b := make([]byte, size)
		copy(b[at:], content)
		return sha256.Sum256(b)
	}
	h := sha256.New()
	for _, c := range []struct {
		index uint64
		sum   [32]byte
	}{
		{0, chunk(1<<20, 0, "boot")}, {2, chunk(1<<20, 1<<20-1, "a")}, {3, chunk(1<<20, 0, "b")}, {5, chunk(512, 0, "tail")},
	} {
		h.Write(binary.BigEndian.AppendUint64(nil, c.index))
		h.Write(c.sum[:])
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(size)))
	want := hex.EncodeToString(h.Sum(nil))
	for _, whole := range []bool{false, true} {
		r := inspectOf(t, diskOf(&memDevice{sparse{size: size, data: data}, whole}), Options{Workers: 3})
		if r.Disk.Digest != want {
			t.Errorf("extents over the whole disk %t: got %s, want %s", whole, r.Disk.Digest, want)
		}
		status(t, r, "disk", report.OK)
	}
	longer := inspectOf(t, diskOf(&memDevice{sparse{size: size + 512, data: data}, false}), Options{})
	if longer.Disk.Digest == want {
		t.Error("the size does not count")
	}
}

func TestRegions(t *testing.T) {
	d := &memDevice{sparse: sparse{size: 40 << 20, data: map[int64]string{0: "boot", 1 << 20: "core", 30 << 20: "more"}}}
	r := inspectOf(t, diskOf(d, report.Region{Role: "boot code", Length: 440}, report.Region{Role: "partition 1", Offset: 1 << 20, Length: 29<<20 + 512}), Options{})
	if len(r.Disk.Regions) != 2 {
		t.Fatalf("%+v", r.Disk.Regions)
	}
	boot := make([]byte, 440)
	copy(boot, "boot")
	part := make([]byte, 29<<20+512)
	copy(part, "core")
	copy(part[29<<20:], "more")
	for i, want := range []string{sumOf(strings.NewReader(string(boot))), sumOf(strings.NewReader(string(part)))} {
		if got := r.Disk.Regions[i].SHA256; got != want {
			t.Errorf("region %d: got %s, want %s", i, got, want)
		}
	}
}

func TestDiskTrouble(t *testing.T) {
	good := &memDevice{sparse: sparse{size: 2 << 20, data: map[int64]string{0: "x"}}}
	bad := diskOf(&memDevice{sparse: sparse{size: 2 << 20, data: map[int64]string{1 << 20: "x"}, fail: 1 << 20}})
	status(t, inspectOf(t, bad, Options{}), "disk", report.Unread, "medium error")
	img := diskOf(good)
	img.Problems = []error{errors.New("the primary table is broken")}
	status(t, inspectOf(t, img, Options{}), "disk", report.Unread, "primary table")
	status(t, inspectOf(t, diskOf(good), Options{NoHash: true}), "disk", report.Unread, "not hashed")
	status(t, inspectOf(t, directory(nil), Options{}), "disk", report.Absent)
	if diskOf(good).Disk.Regions != nil {
		t.Error("the image's own record was changed")
	}
}
