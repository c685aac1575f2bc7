package btrfs

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// An item is one of a tree.
type item struct {
	key
	data []byte
}

// A span is a range of bytes of a file.
type span struct{ start, end uint64 }

// span is which bytes an extent is for.
func (i item) span(sector uint64) (span, error) {
	b := i.data
	switch {
	case len(b) < extentHeader:
	case b[20] == extentInline && le.Uint64(b[8:]) <= mostEncoded:
		return span{i.offset, i.offset + (le.Uint64(b[8:])+sector-1)/sector*sector}, nil
	case b[20] != extentInline && len(b) >= extentSize && i.offset+le.Uint64(b[45:]) > i.offset:
		return span{i.offset, i.offset + le.Uint64(b[45:])}, nil
	}
	return span{}, fmt.Errorf("extent %v is broken", i.key)
}

// fileItems are the extents of an inode, sorted.
func (t *tree) fileItems(ino uint64) ([]item, error) {
	var out []item
	err := t.each(ino, kindExtentData, func(k key, data []byte) error {
		out = append(out, item{k, data})
		return nil
	})
	return out, err
}

// truncate drops what lies behind the end of a file: before the sync, room may have been taken
// there that is not in the log.
func (r *replayer) truncate(ino *inode) error {
	before, err := r.fileItems(ino.number)
	if err != nil {
		return err
	}
	end := (uint64(ino.size) + r.sector - 1) / r.sector * r.sector
	after, err := r.without(before, []span{{end, ^uint64(0)}})
	if err != nil {
		return err
	}
	return r.replace(before, after)
}

// extents replays all extents that the log has of an inode, at the first of them.
func (r *replayer) extents(ino uint64) error {
	if r.replayed == ino {
		return nil
	}
	r.replayed = ino
	if ok, err := r.exists(ino); err != nil || !ok {
		return errors.Join(err, fmt.Errorf("the log has content of the missing inode %d", ino))
	}
	logged, err := r.log.fileItems(ino)
	if err != nil {
		return err
	}
	before, err := r.fileItems(ino)
	if err != nil {
		return err
	}
	var spans []span
	for _, i := range logged {
		s, err := i.span(r.sector)
		if err != nil {
			return err
		}
		spans = append(spans, s)
	}
	after, err := r.without(before, spans)
	if err != nil {
		return err
	}
	for _, i := range logged {
		if hole := i.data[20] != extentInline && le.Uint64(i.data[21:]) == 0; !hole || !r.noHoles {
			after = append(after, i)
		}
	}
	return r.replace(before, after)
}

// without cuts spans out of extents; both are sorted.
func (r *replayer) without(items []item, spans []span) ([]item, error) {
	var out []item
	for _, i := range items {
		s, err := i.span(r.sector)
		if err != nil {
			return nil, err
		}
		for len(spans) > 0 && spans[0].end <= s.start {
			spans = spans[1:]
		}
		parts := s.without(spans)
		if i.data[20] == extentInline && (len(parts) > 1 || len(parts) == 1 && parts[0] != s) {
			return nil, fmt.Errorf("extent %v is inline and only in part written over", i.key)
		}
		for _, p := range parts {
			out = append(out, i.part(p))
		}
	}
	return out, nil
}

// without are the parts of s that no span covers.
func (s span) without(spans []span) []span {
	var out []span
	for _, cut := range spans {
		if cut.start >= s.end {
			break
		}
		if s.start < cut.start {
			out = append(out, span{s.start, cut.start})
		}
		s.start = max(s.start, cut.end)
	}
	if s.start < s.end {
		out = append(out, s)
	}
	return out
}

// part is the extent for a part of the bytes that it is for.
func (i item) part(p span) item {
	if i.data[20] == extentInline {
		return i
	}
	data := slices.Clone(i.data)
	if le.Uint64(data[21:]) != 0 { // not a hole
		le.PutUint64(data[37:], le.Uint64(data[37:])+p.start-i.offset)
	}
	le.PutUint64(data[45:], p.end-p.start)
	return item{key{i.object, i.kind, p.start}, data}
}

// replace puts extents in the place of others; of two at one place the last one counts.
func (r *replayer) replace(before, after []item) error {
	become := map[key][]byte{}
	for _, i := range after {
		become[i.key] = i.data
	}
	for _, i := range before {
		if data, ok := become[i.key]; ok && bytes.Equal(data, i.data) {
			delete(become, i.key)
		} else if err := r.set(i.key, nil); err != nil {
			return err
		}
	}
	for _, i := range after {
		if data, ok := become[i.key]; ok {
			if err := r.set(i.key, data); err != nil {
				return err
			}
		}
	}
	return nil
}
