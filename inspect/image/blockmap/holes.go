package blockmap

import (
	"sort"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// holed is a medium that knows its own holes: a sparse file, a sparse member of
// an archive.
type holed interface {
	Extents() ([]fsys.Extent, error)
}

// skipHoles takes out of the runs what is a hole of the medium itself, so that
// a fixed disk in a sparse file is as cheap as a dynamic one.
func (s *survey) skipHoles() error {
	var all []fsys.Extent
	for n, m := range s.device.media {
		runs := []fsys.Extent{{Length: m.Size}}
		if h, ok := m.R.(holed); ok {
			var err error
			if runs, err = h.Extents(); err != nil {
				return err
			}
		}
		for _, r := range runs {
			all = append(all, fsys.Extent{Offset: s.bases[n] + r.Offset, Length: min(r.Length, m.Size-r.Offset)})
		}
	}
	var out []fsys.Extent
	for _, r := range s.runs {
		if r.Physical < 0 {
			Append(&out, r)
			continue
		}
		clip(&out, r, all)
	}
	s.runs = out
	return nil
}

// clip appends the parts of r that the medium holds. A part beyond the end of the
// last medium stays: reading it must fail.
func clip(out *[]fsys.Extent, r fsys.Extent, held []fsys.Extent) {
	end := r.Physical + r.Length
	i := sort.Search(len(held), func(i int) bool { return held[i].Offset+held[i].Length > r.Physical })
	for ; i < len(held) && held[i].Offset < end; i++ {
		from, to := max(r.Physical, held[i].Offset), min(end, held[i].Offset+held[i].Length)
		Append(out, fsys.Extent{Offset: r.Offset + from - r.Physical, Length: to - from, Physical: from})
	}
}
