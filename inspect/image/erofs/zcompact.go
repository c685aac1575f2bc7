package erofs

import (
	"errors"
)

// A compact index is a row of packs: of 2 entries in 8 bytes, or of 16 in 32.
// Each ends with the block of its first head.
type pack struct {
	entries int
	size    int
	bits    uint // of one entry
}

func wide() pack { return pack{entries: 2, size: 8, bits: 16} }
func slim() pack { return pack{entries: 16, size: 32, bits: 14} }

// compact reads a compact index, and returns its end: wide packs up to an
// address that slim ones need, slim ones, and wide ones for what is left.
func (a *assembler) compact(area area) (int64, error) {
	total := (a.ino.length-1)>>a.fs.blockBits + 1
	before := (32 - a.h.at%32) / 4 & 7
	between := int64(0)
	if a.h.advise&adviseCompact2B != 0 && before < total {
		between = (total - before) &^ 15
		if between > 0 && a.h.bits > 12 {
			return 0, errors.New("clusters are too large for entries of two bytes")
		}
	}
	if between == 0 {
		before = total
	}
	at := a.h.at
	var err error
	for _, part := range []struct {
		pack
		entries int64
	}{{wide(), before}, {slim(), between}, {wide(), total - before - between}} {
		entries := min(part.entries, a.count()-a.cluster)
		if entries <= 0 {
			continue
		}
		if at, err = a.packs(area, at, part.pack, entries); err != nil {
			return 0, err
		}
	}
	return at, nil
}

// packs reads so many entries in packs of one form, and returns their end.
func (a *assembler) packs(area area, at int64, p pack, entries int64) (int64, error) {
	packs := (entries + int64(p.entries) - 1) / int64(p.entries)
	t := table{area: area, at: at, left: packs}
	for range packs {
		b, err := t.next(p.size)
		if err != nil {
			return 0, err
		}
		used := int(min(entries, int64(p.entries)))
		if err := a.pack(b, p, used); err != nil {
			return 0, err
		}
		entries -= int64(used)
	}
	return at + packs*int64(p.size), nil
}

// pack takes the entries of one pack. Heads have no address of their own: the
// clusters of a pack lie one behind the other.
func (a *assembler) pack(b []byte, p pack, used int) error {
	lowBits := max(a.h.bits, 12)
	big := a.h.advise&adviseBig1 != 0
	block := uint64(le.Uint32(b[p.size-4:]))
	open := !big // whether a head before this one has blocks that are not counted
	for i := range used {
		pos := uint(i) * p.bits
		v := le.Uint32(b[pos/8:]) >> (pos & 7)
		l := lcluster{kind: byte(v >> lowBits & 3), offset: int(v & (1<<lowBits - 1))}
		if l.kind != kindNonhead {
			if open {
				block++
			}
			l.block, open = block, true
		} else {
			l.distance, l.offset = l.offset, 0
			if l.distance&isCount != 0 {
				block += uint64(l.distance &^ isCount)
				open = false
			} else if i == p.entries-1 {
				l.distance = 0 // it leads to the next head
			} else if l.distance == 0 {
				return errors.New("it is no head and has none")
			}
		}
		if err := a.add(l); err != nil {
			return err
		}
	}
	return nil
}
