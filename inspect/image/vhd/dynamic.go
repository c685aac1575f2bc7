package vhd

import (
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// dynamic is the map of a disk that has only the blocks that were written.
type dynamic struct {
	blocks *blockmap.Table
	block  int64
	bitmap int64 // before the data of each block
}

func openDynamic(r io.ReaderAt, length int64, f *footer) (*dynamic, error) {
	b := make([]byte, dynamicLen)
	if f.header < 0 || f.header > length-dynamicLen {
		return nil, fmt.Errorf("vhd header: it lies at byte %d, the file ends at byte %d: it is truncated", uint64(f.header), length)
	}
	if n, err := r.ReadAt(b, f.header); n < len(b) {
		return nil, fmt.Errorf("vhd header: %w", blockmap.Short(err))
	}
	d, err := parseDynamic(b)
	if err != nil {
		return nil, fmt.Errorf("vhd header: %w", err)
	}
	count := (f.size + d.block - 1) / d.block
	if claimed := int64(be.Uint32(b[28:])); claimed < count {
		return nil, fmt.Errorf("vhd header: %d blocks are too few for %d bytes", claimed, f.size)
	}
	table := int64(be.Uint64(b[16:]))
	if d.blocks, err = blockmap.NewTable("vhd block table", r, length, table, count, 4, be); err != nil {
		return nil, err
	}
	return d, nil
}

func parseDynamic(b []byte) (*dynamic, error) {
	block := int64(be.Uint32(b[32:]))
	switch {
	case string(b[:8]) != dynamicCookie:
		return nil, fmt.Errorf("the cookie %q is missing", dynamicCookie)
	case be.Uint32(b[36:]) != checksum(b, 36):
		return nil, fmt.Errorf("its checksum is %08x, it says %08x", checksum(b, 36), be.Uint32(b[36:]))
	case be.Uint32(b[24:])>>16 != 1:
		return nil, fmt.Errorf("version %#x is not known", be.Uint32(b[24:]))
	case block < sector || block > 1<<30 || block&(block-1) != 0:
		return nil, fmt.Errorf("blocks of %d bytes are impossible", block)
	}
	bits := (block/sector + 7) / 8
	return &dynamic{block: block, bitmap: (bits + sector - 1) &^ (sector - 1)}, nil
}

// Find implements blockmap.Map.
func (d *dynamic) Find(off int64) (blockmap.Piece, error) {
	n, within := off/d.block, off%d.block
	entry, err := d.blocks.At(n)
	if err != nil {
		return blockmap.Piece{}, err
	}
	p := blockmap.Piece{Length: d.block - within}
	if entry != unused {
		p.Kind, p.Offset = blockmap.Data, int64(entry)*sector+d.bitmap+within
	}
	return p, nil
}

// Unpack implements blockmap.Map.
func (*dynamic) Unpack(blockmap.Piece, int64, []byte) ([]byte, error) { return nil, errPacked }
