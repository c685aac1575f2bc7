package vmdk

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/assay-os/assay/inspect/image/blockmap"
	"github.com/assay-os/assay/inspect/inflate"
)

// grains is the map of a sparse extent: a directory of tables of grains.
type grains struct {
	blockmap.Medium
	*header
	table  *blockmap.Table // the directory
	tables blockmap.Pages

	inflaters sync.Pool // of *inflate.Decoder
}

// openGrains reads the directory. The problem is what is wrong although the
// extent can be read.
func openGrains(m blockmap.Medium, h *header) (g *grains, problem, err error) {
	span := h.grain * h.perTable
	count := (h.capacity + span - 1) / span
	const name = "grain directory"
	table, err := blockmap.NewTable(name, m.R, m.Size, h.directory, count, 4, le)
	if err != nil && h.flags&flagRedundant != 0 {
		problem = fmt.Errorf("%w; its copy is used", err)
		table, err = blockmap.NewTable(name, m.R, m.Size, h.redundant, count, 4, le)
	}
	if err != nil {
		return nil, nil, err
	}
	g = &grains{Medium: m, header: h, table: table}
	return g, problem, g.checkTables()
}

// checkTables requires that every table lies in the file, and that no two
// share bytes: a small file could hold any number of them so.
func (g *grains) checkTables() error {
	var places []uint32
	most := g.Size/(g.perTable*4) + 1
	for n := range g.table.Len() {
		at, err := g.table.At(n)
		if err != nil {
			return err
		}
		if at == 0 || at == 1 && g.flags&flagZeroed != 0 {
			continue
		}
		if int64(at)*sector > g.Size-g.perTable*4 {
			return fmt.Errorf("grain table %d: it lies at byte %d, the file ends at byte %d: it is truncated or broken", n, at*sector, g.Size)
		}
		if places = append(places, uint32(at)); int64(len(places)) > most {
			return fmt.Errorf("grain table %d: %w", n, blockmap.ErrTwice)
		}
	}
	slices.Sort(places)
	for i := 1; i < len(places); i++ {
		if int64(places[i]-places[i-1])*sector < g.perTable*4 {
			return fmt.Errorf("grain table at byte %d: %w", int64(places[i])*sector, blockmap.ErrTwice)
		}
	}
	return nil
}

// find tells where the extent's byte at off comes from.
func (g *grains) find(off int64) (blockmap.Piece, error) {
	n, within := off/g.grain, off%g.grain
	at, err := g.table.At(n / g.perTable)
	if err != nil {
		return blockmap.Piece{}, err
	}
	if at == 0 || at == 1 && g.flags&flagZeroed != 0 {
		return blockmap.Piece{Length: (g.perTable-n%g.perTable)*g.grain - within}, nil
	}
	table, err := g.tables.Read(g.R, int64(at)*sector, int(g.perTable*4))
	if err != nil {
		return blockmap.Piece{}, fmt.Errorf("vmdk grain table %d: %w", n/g.perTable, err)
	}
	entry := le.Uint32(table[n%g.perTable*4:])
	p := blockmap.Piece{Length: g.grain - within}
	switch {
	case entry == 0 || entry == 1 && g.flags&flagZeroed != 0:
	case g.flags&flagPacked != 0:
		p.Kind, p.Offset, p.Within = blockmap.Packed, int64(entry)*sector, within
	default:
		p.Kind, p.Offset = blockmap.Data, int64(entry)*sector+within
	}
	return p, nil
}

// unpack decompresses the grain at a place of the file, which must be that of the
// extent's byte at start, into dst where that has the capacity.
func (g *grains) unpack(at, start int64, dst []byte) ([]byte, error) {
	size := 2 * g.grain
	if g.flags&flagMarkers != 0 {
		marker := make([]byte, 12)
		if n, err := g.R.ReadAt(marker, at); n < len(marker) {
			return nil, blockmap.Short(err)
		}
		if lba := le.Uint64(marker); lba != uint64(start/sector) {
			return nil, fmt.Errorf("the marker at byte %d is that of sector %d", at, lba)
		}
		if size = int64(le.Uint32(marker[8:])); size > 2*g.grain+sector {
			return nil, fmt.Errorf("%d compressed bytes are too many for a grain of %d", size, g.grain)
		}
		at += int64(len(marker))
		if size > g.Size-at {
			return nil, blockmap.Short(nil)
		}
	}
	packed := make([]byte, max(0, min(size, g.Size-at)))
	if n, err := g.R.ReadAt(packed, at); n < len(packed) {
		return nil, blockmap.Short(err)
	}
	room := min(g.grain, size*inflate.MaxRatio)
	if int64(cap(dst)) < room {
		dst = make([]byte, room)
	}
	b, err := g.inflate(dst[:room], packed)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return b, nil
}

func (g *grains) inflate(dst, packed []byte) ([]byte, error) {
	d, ok := g.inflaters.Get().(*inflate.Decoder)
	if !ok {
		d = new(inflate.Decoder)
	}
	defer g.inflaters.Put(d)
	n, err := d.Zlib(dst, packed)
	if errors.Is(err, inflate.ErrTooLarge) {
		err = errors.New("it is larger than a grain")
	}
	return dst[:n], err
}
