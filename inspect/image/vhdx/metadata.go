package vhdx

import (
	"errors"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// The items of the metadata.
var (
	itemParameters = parseGUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
	itemSize       = parseGUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
	itemSector     = parseGUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")
	itemPhysical   = parseGUID("cda348c7-445d-4471-9cc9-e9885251c556")
	itemDisk       = parseGUID("beca12ab-b2e6-4523-93ef-c309e000c746")
	itemParent     = parseGUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
)

const (
	minBlock = 1 << 20
	maxBlock = 256 << 20
	// maxSize is 64 TiB, the format's own limit.
	maxSize       = 64 << 40
	flagHasParent = 1 << 1
)

// parameters are what the metadata say of a disk, in bytes.
type parameters struct{ size, block, sector int64 }

// readMetadata reads the items that matter.
func readMetadata(r io.ReaderAt, at region) (*parameters, error) {
	items, err := readItems(r, at)
	if err != nil {
		return nil, err
	}
	if _, ok := items[itemParent]; ok {
		return nil, errDifferencing
	}
	b, err := numbers(r, items)
	if err != nil {
		return nil, err
	}
	if le.Uint32(b[itemParameters][4:])&flagHasParent != 0 {
		return nil, errDifferencing
	}
	p := &parameters{int64(le.Uint64(b[itemSize])), int64(le.Uint32(b[itemParameters])), int64(le.Uint32(b[itemSector]))}
	switch {
	case p.sector != 512 && p.sector != 4096:
		return nil, fmt.Errorf("sectors of %d bytes are impossible", p.sector)
	case p.block < minBlock || p.block > maxBlock || p.block&(p.block-1) != 0:
		return nil, fmt.Errorf("blocks of %d bytes are impossible", p.block)
	case p.size < 0 || p.size > maxSize || p.size%p.sector != 0:
		return nil, fmt.Errorf("size %d is impossible", uint64(p.size))
	}
	return p, nil
}

var errDifferencing = errors.New("it is a differencing disk, which holds the changes to another: not read")

// readItems lists where the items lie.
func readItems(r io.ReaderAt, at region) (map[guid]region, error) {
	const maxItems, firstItem, required = 2047, 64 << 10, 1 << 2
	b := make([]byte, regionLen)
	if n, err := r.ReadAt(b, at.offset); n < len(b) {
		return nil, blockmap.Short(err)
	}
	if string(b[:8]) != "metadata" {
		return nil, errors.New("the signature is missing")
	}
	count := le.Uint16(b[10:])
	if count > maxItems {
		return nil, fmt.Errorf("%d items are too many", count)
	}
	known := map[guid]bool{itemParameters: true, itemSize: true, itemSector: true, itemPhysical: true, itemDisk: true, itemParent: true}
	out := map[guid]region{}
	for e := b[32:]; count > 0; e, count = e[32:], count-1 {
		id := guid(e)
		item := region{int64(le.Uint32(e[16:])), int64(le.Uint32(e[20:]))}
		switch _, twice := out[id]; {
		case twice:
			return nil, fmt.Errorf("item %s: it is there twice", id)
		case !known[id] && le.Uint32(e[24:])&required != 0:
			return nil, fmt.Errorf("item %s: it is required, and not known", id)
		case item.length > 0 && (item.offset < firstItem || item.offset+item.length > at.length):
			return nil, fmt.Errorf("item %s: byte %d is impossible", id, item.offset)
		}
		out[id] = region{at.offset + item.offset, item.length}
	}
	return out, nil
}

// numbers reads the items without which there is no disk.
func numbers(r io.ReaderAt, items map[guid]region) (map[guid][]byte, error) {
	out := map[guid][]byte{}
	for _, want := range []struct {
		id     guid
		name   string
		length int64
	}{{itemParameters, "file parameters", 8}, {itemSize, "virtual disk size", 8}, {itemSector, "logical sector size", 4}} {
		item, ok := items[want.id]
		if !ok || item.length < want.length {
			return nil, fmt.Errorf("the %s is missing", want.name)
		}
		b := make([]byte, want.length)
		if n, err := r.ReadAt(b, item.offset); n < len(b) {
			return nil, fmt.Errorf("%s: %w", want.name, blockmap.Short(err))
		}
		out[want.id] = b
	}
	return out, nil
}
