// Package vdi reads VirtualBox disk images, version 1.1: dynamic and static.
//
// A differencing or undo image is refused: its content is not in it alone.
// Blocks that were never written or were discarded read as zeros. Block sizes
// are powers of two from 4 KiB to 256 MiB, not only the 1 MiB that all known
// programs write.
//
// The format is that of VirtualBox's VDICore.h and of QEMU's block/vdi.c.
package vdi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

var le = binary.LittleEndian

const (
	signature = 0xbeda107f
	headerLen = 0x1c8
	// The kinds of images.
	kindDynamic = 1
	kindStatic  = 2
	// The entries of the block map that are no blocks.
	blockFree = 0xffffffff
	blockZero = 0xfffffffe

	minBlock = 4 << 10
	maxBlock = 256 << 20
)

// Detect tells whether the first bytes of a file are a header.
func Detect(head []byte) bool {
	return len(head) >= 0x44 && le.Uint32(head[0x40:]) == signature
}

// An Image is the map of blocks of an image.
type image struct {
	blocks *blockmap.Table
	data   int64
	size   int64
	block  int64
	extra  int64
}

// Open reads an image in the first length bytes of r.
func Open(r io.ReaderAt, length int64) (*blockmap.Device, error) {
	b := make([]byte, headerLen)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("vdi header: %w", blockmap.Short(err))
	}
	img, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("vdi header: %w", err)
	}
	count := (img.size + img.block - 1) / img.block
	if claimed := int64(le.Uint32(b[0x180:])); claimed < count {
		return nil, fmt.Errorf("vdi header: %d blocks are too few for %d bytes", claimed, img.size)
	}
	if img.blocks, err = blockmap.NewTable("vdi block map", r, length, int64(le.Uint32(b[0x154:])), count, 4, le); err != nil {
		return nil, err
	}
	return blockmap.New("vdi", img.size, img, blockmap.Medium{R: r, Size: length}), nil
}

func parse(b []byte) (*image, error) {
	version, kind := le.Uint32(b[0x44:]), le.Uint32(b[0x4c:])
	img := &image{
		data:  int64(le.Uint32(b[0x158:])),
		size:  int64(le.Uint64(b[0x170:])),
		block: int64(le.Uint32(b[0x178:])),
		extra: int64(le.Uint32(b[0x17c:])),
	}
	none := [16]byte{}
	switch {
	case !Detect(b):
		return nil, errors.New("the signature is missing")
	case version>>16 != 1 || version&0xffff == 0:
		return nil, fmt.Errorf("version %d.%d is not read (1.1 is)", version>>16, version&0xffff)
	case kind != kindDynamic && kind != kindStatic:
		return nil, fmt.Errorf("it is %s: not read", kindName(kind))
	case [16]byte(b[0x1a8:0x1b8]) != none:
		return nil, fmt.Errorf("it is %s: not read", kindName(4))
	case img.size < 0 || img.size > 1<<60:
		return nil, fmt.Errorf("size %d is impossible", uint64(img.size))
	case img.block < minBlock || img.block > maxBlock || img.block&(img.block-1) != 0:
		return nil, fmt.Errorf("blocks of %d bytes are impossible", img.block)
	case img.extra > maxBlock:
		return nil, fmt.Errorf("%d bytes before each block are impossible", img.extra)
	}
	// A size that ends within a sector is rounded up, as QEMU and VirtualBox do.
	img.size = (img.size + 511) &^ 511
	return img, nil
}

func kindName(kind uint32) string {
	switch kind {
	case 3:
		return "an undo image, which holds the changes of another"
	case 4:
		return "a differencing image, which holds the changes to another"
	}
	return fmt.Sprintf("an image of the unknown kind %d", kind)
}

// Find implements blockmap.Map.
func (i *image) Find(off int64) (blockmap.Piece, error) {
	n, within := off/i.block, off%i.block
	entry, err := i.blocks.At(n)
	if err != nil {
		return blockmap.Piece{}, err
	}
	p := blockmap.Piece{Length: i.block - within}
	if entry == blockFree || entry == blockZero {
		return p, nil
	}
	p.Kind = blockmap.Data
	p.Offset = i.data + int64(entry)*(i.block+i.extra) + i.extra + within
	return p, nil
}

// Unpack implements blockmap.Map: nothing is compressed.
func (*image) Unpack(blockmap.Piece, int64, []byte) ([]byte, error) {
	return nil, errors.New("vdi knows no compression")
}
