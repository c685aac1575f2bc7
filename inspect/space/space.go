// Package space adds up how much of an image what takes: packages, directories,
// or whatever its caller groups entries by, and what grew between two images.
//
//	for _, s := range space.By(r, space.Package) { … }
//
// It counts the sizes of contents, one with several names once, under the first of
// them. How many blocks a filesystem spends is its own affair.
package space

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// A Share is what one group takes.
type Share struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Files int    `json:"files"`
}

// A Group names the group that an entry is counted in.
type Group func(e *report.Entry) string

// NoPackage is the group of what no package owns.
const NoPackage = "(no package)"

// Package groups by the owning package.
func Package(e *report.Entry) string { return cmp.Or(e.Package, NoPackage) }

// Directory groups by the directory that is depth below the root: 1 is /usr, 2 /usr/lib.
// What lies in a directory above that counts there. What no mount shows counts under its
// volume's name.
func Directory(depth int) Group {
	return func(e *report.Entry) string {
		name := string(e.Path)
		start := strings.Index(name, "/")
		if start < 0 {
			return name
		}
		at := start
		for range depth {
			next := strings.IndexByte(name[at+1:], '/')
			if next < 0 {
				break
			}
			at += 1 + next
		}
		if at == start {
			at++ // the root itself
		}
		return name[:at]
	}
}

// By adds the entries of r up, the largest group first.
func By(r *report.Report, group Group) []Share {
	sums := map[string]*Share{}
	for i := range r.Files {
		e := &r.Files[i]
		if e.Type != report.File || e.Hardlink != "" && e.Hardlink != e.Path {
			continue
		}
		name := group(e)
		s := sums[name]
		if s == nil {
			s = &Share{Name: name}
			sums[name] = s
		}
		s.Bytes += e.Size
		s.Files++
	}
	list := make([]Share, 0, len(sums))
	for _, s := range sums {
		list = append(list, *s)
	}
	slices.SortFunc(list, func(a, b Share) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Name, b.Name)) })
	return list
}

// Total adds shares up.
func Total(list []Share) Share {
	total := Share{Name: "total"}
	for _, s := range list {
		total.Bytes += s.Bytes
		total.Files += s.Files
	}
	return total
}

// A Change is how a group differs between two images.
type Change struct {
	Name string `json:"name"`
	// A and B are the bytes, FilesA and FilesB the files of both; 0 where a group is not there.
	A      int64 `json:"a"`
	B      int64 `json:"b"`
	FilesA int   `json:"files_a"`
	FilesB int   `json:"files_b"`
}

// Grown is by how many bytes.
func (c Change) Grown() int64 { return c.B - c.A }

// Compare tells of the groups that differ, what grew most first.
func Compare(a, b []Share) []Change {
	changes := map[string]*Change{}
	at := func(name string) *Change {
		if changes[name] == nil {
			changes[name] = &Change{Name: name}
		}
		return changes[name]
	}
	for _, s := range a {
		c := at(s.Name)
		c.A, c.FilesA = s.Bytes, s.Files
	}
	for _, s := range b {
		c := at(s.Name)
		c.B, c.FilesB = s.Bytes, s.Files
	}
	list := []Change{}
	for _, c := range changes {
		if c.A != c.B || c.FilesA != c.FilesB {
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(x, y Change) int { return cmp.Or(cmp.Compare(y.Grown(), x.Grown()), cmp.Compare(x.Name, y.Name)) })
	return list
}
