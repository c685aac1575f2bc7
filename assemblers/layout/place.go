package layout

import (
	"path"
	"slices"
	"strings"
)

// Place returns the layout with nothing left open: the defaults, every
// partition's start and size. It reports every problem at once, as [Problems].
func (l *Layout) Place() (*Layout, error) {
	out := *l
	out.Partitions = slices.Clone(l.Partitions)
	if out.SectorSize == 0 {
		out.SectorSize = DefaultSectorSize
	}
	if out.Alignment == 0 {
		out.Alignment = DefaultAlignment
	}
	var c checker
	c.disk(&out)
	if len(c.problems) == 0 {
		c.place(&out)
	}
	for i := range out.Partitions {
		c.partition(&out, i)
	}
	c.unique(&out)
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return &out, nil
}

// place fills in starts and sizes, and checks that they fit.
func (c *checker) place(l *Layout) {
	next, end := l.usable()
	for i := range l.Partitions {
		p := &l.Partitions[i]
		if p.Start == 0 {
			p.Start = next
		}
		last := i == len(l.Partitions)-1
		if p.Size == 0 && last {
			p.Size = end - p.Start
		}
		c.extent(l, i, next, end)
		next = roundUp(p.Start+max(p.Size, 0), l.Alignment)
	}
}

// usable gives the bounds of what partitions may occupy, both aligned.
func (l *Layout) usable() (first, end int64) {
	first = l.Alignment
	tail := int64(0)
	if l.Label == GPT {
		first = roundUp(primaryGPT*l.SectorSize, l.Alignment)
		tail = backupGPT * l.SectorSize
	}
	return first, (l.Size - tail) / l.Alignment * l.Alignment
}

func roundUp(n, unit int64) int64 { return (n + unit - 1) / unit * unit }

// sortMounts puts a parent before what is mounted in it.
func sortMounts(m []Mount) {
	slices.SortFunc(m, func(a, b Mount) int { return strings.Compare(a.Mountpoint, b.Mountpoint) })
}

// inside gives p as seen from the filesystem mounted at dir.
func inside(dir, p string) (string, bool) {
	if dir == "/" || dir == p {
		return path.Clean("/" + strings.TrimPrefix(p, dir)), true
	}
	if rest, ok := strings.CutPrefix(p, dir+"/"); ok {
		return "/" + rest, true
	}
	return "", false
}
