package erofs

import (
	"errors"
	"fmt"
)

// The bits of h_advise in struct z_erofs_map_header.
const (
	adviseCompact2B  = 0x1 // of layoutCompact
	adviseExtents    = 0x1 // of layoutFull
	adviseBig1       = 0x2
	adviseBig2       = 0x4
	adviseTail       = 0x8
	adviseInterlaced = 0x10
	adviseFragment   = 0x20
)

// What the kernel takes for one physical cluster, packed and unpacked.
const (
	maxCluster  = 1 << 20
	maxUnpacked = 12 << 20
)

// A mapHeader is a decoded struct z_erofs_map_header.
type mapHeader struct {
	raw     []byte
	at      int64 // where it ends
	advise  uint16
	bits    uint      // a logical cluster is 1<<bits bytes
	methods [2]method // of the two kinds of head
	tail    int       // bytes of the last cluster, behind the index
	packed  int64     // where the last extent lies in the packed inode
}

// clustersOf are the extents of a compressed file.
func (fs *FS) clustersOf(ino *inode) ([]extent, error) {
	area, err := fs.area(ino.box)
	if err != nil {
		return nil, err
	}
	h := mapHeader{raw: make([]byte, 8)}
	start := (ino.end() + 7) &^ 7
	h.at = start + 8
	if err := area.read(h.raw, start); err != nil {
		return nil, fmt.Errorf("header of its index: %w", err)
	}
	h.advise = le.Uint16(h.raw[4:])
	switch {
	case h.raw[7]&0x80 != 0: // Z_EROFS_FRAGMENT_INODE_BIT: the rest is an offset
		offset := int64(le.Uint64(h.raw) &^ (1 << 63))
		out := []extent{{length: ino.length, at: offset, method: fragment}}
		return out, fs.checkExtents(ino, out)
	case ino.layout == layoutFull && h.advise&adviseExtents != 0:
		return fs.recordedExtents(ino, area, &h)
	}
	return fs.indexedExtents(ino, area, &h)
}

// indexedExtents reads an index that has one entry for each logical cluster.
func (fs *FS) indexedExtents(ino *inode, area area, h *mapHeader) ([]extent, error) {
	if err := fs.decodeHeader(ino, h); err != nil {
		return nil, err
	}
	a := assembler{fs: fs, ino: ino, h: h}
	var end int64
	var err error
	if ino.layout == layoutFull {
		end, err = a.full(area)
	} else {
		end, err = a.compact(area)
	}
	if err != nil {
		return nil, fmt.Errorf("index of cluster %d: %w", a.cluster, err)
	}
	if err := a.finish(end); err != nil {
		return nil, err
	}
	return a.out, fs.checkExtents(ino, a.out)
}

// decodeHeader decodes what an index needs.
func (fs *FS) decodeHeader(ino *inode, h *mapHeader) error {
	h.bits = fs.blockBits + uint(h.raw[7]&0xf)
	h.methods = [2]method{lz4 + method(h.raw[6]&0xf), lz4 + method(h.raw[6]>>4)}
	switch {
	case h.advise&adviseFragment != 0:
		h.packed = int64(le.Uint32(h.raw))
	case h.advise&adviseTail != 0:
		h.tail = int(le.Uint16(h.raw[2:]))
	}
	big1, big2 := h.advise&adviseBig1 != 0, h.advise&adviseBig2 != 0
	if ino.layout == layoutCompact && (big1 != big2 || h.bits > 14) {
		return fmt.Errorf("compact index: impossible flags %#x, clusters of 2^%d bytes", h.advise, h.bits)
	}
	return nil
}

// checkExtents refuses what the kernel refuses, and what lies elsewhere.
func (fs *FS) checkExtents(ino *inode, all []extent) error {
	for i := range all {
		if err := fs.checkExtent(ino, &all[i]); err != nil {
			return fmt.Errorf("content at byte %d: %w", all[i].offset, err)
		}
	}
	return nil
}

func (fs *FS) checkExtent(ino *inode, e *extent) error {
	switch e.method {
	case fragment:
		return fs.checkFragment(ino, e)
	case stored:
		if !e.box && !within(e.at, e.length, fs.dev.size) {
			return fmt.Errorf("byte %d and %d more are outside of the device's %d", e.at, e.length, fs.dev.size)
		}
		return nil
	}
	algorithm := int(e.method - lz4)
	switch {
	case algorithm >= len(algorithmNames) || fs.algorithms>>algorithm&1 == 0:
		return fmt.Errorf("compression %d is not one of the filesystem's", algorithm)
	case e.size == 0 || e.size > maxCluster:
		return fmt.Errorf("a cluster of %d bytes; the format has 1 to %d", e.size, maxCluster)
	case e.length > maxUnpacked:
		return fmt.Errorf("a cluster that unpacks to %d bytes; the format has up to %d", e.length, maxUnpacked)
	case !e.box && !within(e.at, int64(e.size), fs.dev.size):
		return fmt.Errorf("a cluster at byte %d of %d bytes is outside of the device's %d", e.at, e.size, fs.dev.size)
	}
	return nil
}

func (fs *FS) checkFragment(ino *inode, e *extent) error {
	if ino.special {
		return errors.New("an inode of the filesystem's own has a fragment")
	}
	packed, err := fs.packed()
	if err != nil {
		return err
	}
	if !within(e.at, e.length, packed.size) {
		return fmt.Errorf("a fragment at byte %d of %d bytes is outside of the packed inode's %d", e.at, e.length, packed.size)
	}
	return nil
}
