package image

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/image/cpio"
	"github.com/assay-os/assay/inspect/image/tarball"
)

// enough is how much of a content shows whether anything is in it that is read: the
// last place of a sign is the superblock of btrfs, at 64 KiB. Disks that are
// known by their end alone (a fixed VHD, a member of an old mirror) have at their start
// what is on them.
const enough = 1 << 20

// hopeless tells, without unpacking all of it, that a compressed file is no image. False
// says nothing: who unpacks it finds out, and what is wrong with it.
func (c compression) hopeless(f Device) bool {
	r, err := c.open(io.NewSectionReader(f, 0, f.Size()))
	if err != nil {
		return false
	}
	if d, ok := r.(*zstd.Decoder); ok {
		defer d.Close()
	}
	start := make([]byte, enough+1)
	if _, err := io.ReadFull(r, start); err != nil { // it is short, or broken
		return false
	}
	const table = 8 << 10 // as large as a boot record and a GPT's header may be
	if isBootRecord := string(start[510:512]) == "\x55\xaa"; isBootRecord || len(bytes.Trim(start[:table], "\x00")) == 0 {
		return false // a copy of the partition table may be at the end
	}
	dev := beginning{bytes.NewReader(start[:enough])}
	head := start[:headSize]
	if _, ok := compressionOf(head); ok || tarball.IsHeader(head) || cpio.Detect(head) {
		return false
	}
	for _, k := range containers() {
		if k.detect(dev, head) {
			return false
		}
	}
	found, err := readTable(dev)
	if err != nil || found.Kind != "none" {
		return false
	}
	_, filesystem := probe(dev)
	return !filesystem
}

// A beginning is the start of a content as a device.
type beginning struct{ *bytes.Reader }

// Extents implements fsys.Device.
func (b beginning) Extents() ([]Extent, error) { return []Extent{{Length: b.Size()}}, nil }
