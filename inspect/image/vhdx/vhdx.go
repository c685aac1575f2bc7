// Package vhdx reads Hyper-V's virtual hard disks, version 1: dynamic and fixed,
// with logical sectors of 512 and 4096 bytes. A log that was not replayed is
// replayed in memory from where the last entry says that it begins; the file is
// never written.
//
// A differencing disk is refused: its content is not in it alone. So is a file
// with regions or metadata that are required and not known. Checksums of
// headers, region tables and log entries are verified. Blocks that are
// undefined, zero or unmapped read as zeros, as QEMU has it.
//
// The format is that of [MS-VHDX].
package vhdx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

var le = binary.LittleEndian

const (
	magic = "vhdxfile"
	mib   = 1 << 20
	// maxPlace bounds where a block lies, in MiB.
	maxPlace = 1 << 40
)

// The states of a block.
const (
	blockAbsent    = 0
	blockUndefined = 1
	blockZero      = 2
	blockUnmapped  = 3
	blockPresent   = 6
	blockPartial   = 7
)

// Detect tells whether the first bytes of a file are a disk's.
func Detect(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }

// An Image is the guest-visible content. It implements fsys.Device, and may be
// used concurrently.
type Image struct {
	*blockmap.Device
	problems []error
}

// Problems tells what is wrong although the disk can be read.
func (i *Image) Problems() []error { return append(i.problems, i.Device.Problems()...) }

// Open reads a disk in the first length bytes of r.
func Open(r io.ReaderAt, length int64) (*Image, error) {
	b := make([]byte, len(magic))
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("vhdx: %w", blockmap.Short(err))
	}
	if !Detect(b) {
		return nil, errors.New("vhdx: the magic is missing")
	}
	h, err := readHeader(r)
	if err != nil {
		return nil, fmt.Errorf("vhdx header: %w", err)
	}
	medium := blockmap.Medium{R: r, Size: length}
	var problems []error
	if h.logged() {
		var problem error
		if medium, problem, err = replay(medium, h); err != nil {
			return nil, fmt.Errorf("vhdx log: %w", err)
		}
		if problem != nil {
			problems = append(problems, fmt.Errorf("vhdx log: %w", problem))
		}
	}
	regions, problem, err := readRegions(medium.R)
	if err != nil {
		return nil, fmt.Errorf("vhdx region table: %w", err)
	}
	if problem != nil {
		problems = append(problems, fmt.Errorf("vhdx region table: %w", problem))
	}
	d, err := openDisk(medium, regions)
	if err != nil {
		return nil, err
	}
	return &Image{blockmap.New("vhdx", d.size, d, medium), problems}, nil
}

// A disk is the map of blocks.
type disk struct {
	blocks *blockmap.Table
	size   int64
	block  int64
	// chunk is after how many blocks the table has an entry that is none.
	chunk int64
}

func openDisk(m blockmap.Medium, regions map[guid]region) (*disk, error) {
	p, err := readMetadata(m.R, regions[metadataRegion])
	if err != nil {
		return nil, fmt.Errorf("vhdx metadata: %w", err)
	}
	d := &disk{size: p.size, block: p.block, chunk: p.sector << 23 / p.block}
	blocks := (d.size + d.block - 1) / d.block
	entries := int64(0)
	if blocks > 0 {
		entries = blocks + (blocks-1)/d.chunk
	}
	table := regions[tableRegion]
	if entries > table.length/8 {
		return nil, fmt.Errorf("vhdx block table: %d bytes are too few for %d entries", table.length, entries)
	}
	d.blocks, err = blockmap.NewTable("vhdx block table", m.R, m.Size, table.offset, entries, 8, le)
	return d, err
}

// Find implements blockmap.Map.
func (d *disk) Find(off int64) (blockmap.Piece, error) {
	n, within := off/d.block, off%d.block
	entry, err := d.blocks.At(n + n/d.chunk)
	if err != nil {
		return blockmap.Piece{}, err
	}
	p := blockmap.Piece{Length: d.block - within}
	switch state := entry & 7; state {
	case blockAbsent, blockUndefined, blockZero, blockUnmapped:
	case blockPresent:
		place := int64(entry >> 20)
		if place > maxPlace {
			return p, fmt.Errorf("vhdx block %d: it lies beyond byte %d, the file ends before: it is truncated or broken", n, int64(maxPlace)*mib)
		}
		p.Kind, p.Offset = blockmap.Data, place*mib+within
	case blockPartial:
		return p, fmt.Errorf("vhdx block %d: a part of it lies in another disk, and there is none", n)
	default:
		return p, fmt.Errorf("vhdx block %d: state %d is not known", n, state)
	}
	return p, nil
}

// Unpack implements blockmap.Map: nothing is compressed.
func (*disk) Unpack(blockmap.Piece, int64, []byte) ([]byte, error) {
	return nil, errors.New("vhdx knows no compression")
}

// checked tells whether the CRC-32C at byte 4 of b is that of all others.
func checked(b []byte) bool {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b[:4])
	sum = crc32.Update(sum, table, make([]byte, 4))
	return crc32.Update(sum, table, b[8:]) == le.Uint32(b[4:])
}
