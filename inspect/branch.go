package inspect

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-os/assay/inspect/boot"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A branch is what a mount shows of a volume: all of it, or one subvolume.
type branch struct {
	*volume
	// base is where the branch starts in the volume: "/" is all of it.
	base string
}

// within tells whether a path of the volume lies in the branch.
func (b branch) within(path string) bool {
	return b.base == "/" || path == b.base || strings.HasPrefix(path, b.base+"/")
}

// files are the names of the branch, with paths that start at its root.
func (b branch) files() []tree.File {
	if b.base == "/" {
		return b.volume.files
	}
	var list []tree.File
	for _, f := range b.volume.files {
		if !b.within(f.Path) {
			continue
		}
		if f.Path = strings.TrimPrefix(f.Path, b.base); f.Path == "" {
			f.Path = "/"
		}
		list = append(list, f)
	}
	return list
}

// view is the branch alone, as a tree.
func (b branch) view() *tree.Tree { return &tree.Tree{Files: b.files()} }

// fstab reads the branch's own fstab.
func (b branch) fstab() []report.FstabEntry { return fstabOf(b.view()) }

// fstabOf reads the tree's own fstab. Trouble with it is the fstab
// section's to report; here it means that nothing is mounted.
func fstabOf(t *tree.Tree) []report.FstabEntry {
	lines, err := boot.ReadFstab(t)
	if err != nil {
		return nil
	}
	return lines
}

// has tells whether the branch holds a name.
func (b branch) has(name string) bool {
	_, err := b.view().Lstat(name)
	return err == nil
}

// whole is what a mount without options shows.
func (v *volume) whole() branch { return branch{v, v.standard} }

// option is the branch that the options of a mount choose: subvol= and subvolid=
// of btrfs(5).
func (v *volume) option(options string) branch {
	b := v.whole()
	for option := range strings.SplitSeq(options, ",") {
		if place, ok := strings.CutPrefix(option, "subvol="); ok {
			b.base = "/" + strings.Trim(place, "/")
		}
		if number, ok := strings.CutPrefix(option, "subvolid="); ok {
			id, err := strconv.ParseUint(number, 0, 64)
			if place, found := v.places[id]; err == nil && found {
				b.base = string(place)
			}
		}
	}
	return b
}

// branches are what the root may be: what is mounted without options, and every
// subvolume with an /etc.
func (v *volume) branches() []branch {
	list := []branch{v.whole()}
	for _, place := range slices.Sorted(maps.Values(v.places)) {
		b := branch{v, string(place)}
		if b.base != v.standard && (&tree.Tree{Files: v.files}).Find(tree.Join(b.base, "etc")) != nil {
			list = append(list, b)
		}
	}
	return list
}
