package mapper

import (
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// Extents implements fsys.Device: the runs of the devices below, where the
// targets put them. A striped target counts whole rows of stripes.
func (d *Device) Extents() ([]fsys.Extent, error) {
	m := merger{known: map[fsys.Device][]fsys.Extent{}}
	start := int64(0)
	for i := range d.targets {
		if err := m.target(&d.targets[i], start); err != nil {
			return nil, err
		}
		start = d.ends[i]
	}
	return m.out, nil
}

// A merger collects runs in ascending order.
type merger struct {
	known map[fsys.Device][]fsys.Extent // of the devices below
	out   []fsys.Extent
}

func (m *merger) target(t *Target, start int64) error {
	switch {
	case t.Err != nil:
		m.add(start, start+t.Length)
		return nil //nolint:nilerr // reading tells it
	case len(t.Legs) == 1:
		return m.window(t.Legs[0], t.Length, func(from, to int64) { m.add(start+from, start+to) })
	}
	n := int64(len(t.Legs))
	rows := &merger{}
	for _, leg := range t.Legs {
		one := &merger{known: m.known}
		err := one.window(leg, t.Length/n, func(from, to int64) {
			one.add(from/t.Chunk*t.Chunk, (to+t.Chunk-1)/t.Chunk*t.Chunk)
		})
		if err != nil {
			return err
		}
		rows = union(rows, one)
	}
	for _, x := range rows.out {
		m.add(start+x.Offset*n, start+(x.Offset+x.Length)*n)
	}
	return nil
}

// window calls fn for every run in length bytes of a leg, relative to it.
func (m *merger) window(leg Leg, length int64, fn func(from, to int64)) error {
	runs, ok := m.known[leg.Device]
	if !ok {
		var err error
		if runs, err = leg.Device.Extents(); err != nil {
			return err
		}
		m.known[leg.Device] = runs
	}
	i := sort.Search(len(runs), func(i int) bool { return runs[i].Offset+runs[i].Length > leg.Offset })
	for ; i < len(runs) && runs[i].Offset < leg.Offset+length; i++ {
		from, to := max(runs[i].Offset, leg.Offset), min(runs[i].Offset+runs[i].Length, leg.Offset+length)
		fn(from-leg.Offset, to-leg.Offset)
	}
	return nil
}

// add appends a run that does not start before the one that was added last.
func (m *merger) add(from, to int64) {
	if last := len(m.out) - 1; last >= 0 {
		if x := &m.out[last]; from <= x.Offset+x.Length {
			x.Length = max(x.Length, to-x.Offset)
			return
		}
	}
	m.out = append(m.out, fsys.Extent{Offset: from, Length: to - from, Physical: -1})
}

// union holds the runs of both.
func union(a, b *merger) *merger {
	out := &merger{}
	for len(a.out)+len(b.out) > 0 {
		if len(b.out) == 0 || len(a.out) > 0 && a.out[0].Offset <= b.out[0].Offset {
			out.add(a.out[0].Offset, a.out[0].Offset+a.out[0].Length)
			a.out = a.out[1:]
		} else {
			out.add(b.out[0].Offset, b.out[0].Offset+b.out[0].Length)
			b.out = b.out[1:]
		}
	}
	return out
}
