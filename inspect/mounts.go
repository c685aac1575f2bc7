package inspect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A mount is a branch of a volume and the directory where it belongs.
type mount struct {
	branch
	dir string
}

// mount makes one tree of the volumes: the root, and in it what its fstab or
// else the types of the partitions mount. What neither mounts stays in the
// list of files, each path with the volume's prefix.
func (in *inspection) mount(volumes []*volume) {
	root := in.chooseRoot(volumes)
	root.mounted = append(root.mounted, root.base)
	in.tree.Files = root.files()
	in.noteMountpoint(root.volume, "/")
	in.deploy(volumes)
	table := in.mountsOf(root, volumes)
	slices.SortStableFunc(table, func(a, b mount) int { return cmp.Compare(depth(a.dir), depth(b.dir)) })
	for _, m := range table {
		in.noteMountpoint(m.volume, m.dir)
		if !slices.Contains(m.mounted, m.base) {
			m.mounted = append(m.mounted, m.base)
			in.graft(m)
		}
	}
	for _, v := range volumes {
		in.keepAside(v.left())
	}
	in.tree.Files = append(in.tree.Files, in.aside...)
	tree.Sort(in.tree.Files)
}

// left are the names that no mount has shown.
func (v *volume) left() []tree.File {
	switch {
	case len(v.mounted) == 0:
		return v.files
	case slices.Contains(v.mounted, "/"):
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.files), func(f tree.File) bool {
		return slices.ContainsFunc(v.mounted, func(base string) bool { return branch{v, base}.within(f.Path) })
	})
}

func depth(name string) int {
	return len(strings.FieldsFunc(name, func(r rune) bool { return r == '/' }))
}

// chooseRoot finds what the others are mounted in: the branch whose
// fstab says of itself that it is "/", else the first with an os-release, one of
// a root partition's type before others, else the first with such a type or an
// fstab, else the first.
func (in *inspection) chooseRoot(volumes []*volume) branch {
	best, rank := volumes[0].whole(), 0
	for _, v := range volumes {
		for _, b := range v.branches() {
			if r := in.rootRank(volumes, b); r > rank {
				best, rank = b, r
			}
		}
	}
	return best
}

func (in *inspection) rootRank(volumes []*volume, b branch) int {
	lines := b.fstab()
	for _, l := range lines {
		if l.File == "/" && in.findVolume(volumes, l.Spec) == b.volume && b.option(l.Options) == b {
			return 4
		}
	}
	discovered := in.discovered(b.volume) == "/" && b.base == b.standard
	system := b.has("/etc/os-release") || b.has("/usr/lib/os-release")
	switch {
	case discovered && system:
		return 3
	case system, b.has(deploymentsDir):
		return 2
	case discovered, len(lines) > 0:
		return 1
	}
	return 0
}

// mountsOf is what belongs into the root's tree: by its fstab, or where that
// names no volume of the image, by the partitions' types.
func (in *inspection) mountsOf(root branch, volumes []*volume) []mount {
	var table []mount
	for _, line := range fstabOf(in.tree) {
		if v := in.findVolume(volumes, line.Spec); v != nil && strings.HasPrefix(line.File, "/") {
			table = append(table, mount{v.option(line.Options), line.File})
		}
	}
	if table != nil {
		return table
	}
	for _, v := range volumes {
		if dir := in.discoveredIn(root, v); v != root.volume && dir != "" && dir != "/" {
			table = append(table, mount{v.whole(), dir})
		}
	}
	return table
}

// noteMountpoint writes into the record of the disk where a filesystem belongs.
func (in *inspection) noteMountpoint(v *volume, dir string) {
	var place **report.Filesystem
	if p := in.partition(v.Partition); p != nil {
		place = &p.Filesystem
	} else if m := in.mapped(v); m != nil {
		place = &m.Filesystem
	}
	if place != nil && *place != nil && (*place).Mountpoint == "" {
		f := **place
		f.Mountpoint = dir
		*place = &f
	}
}

// graft replaces the directory of m by the root of its volume. What lies hidden
// under it cannot be seen by a running system, but it is on the disk: it is
// kept aside, unless the mount shows just that.
func (in *inspection) graft(m mount) {
	dir := "/" + strings.Join(strings.FieldsFunc(m.dir, func(r rune) bool { return r == '/' }), "/")
	if f, err := in.tree.Lookup(m.dir); err == nil {
		dir = f.Path
	}
	below := tree.Join(dir, "")
	var hidden []tree.File
	kept := slices.DeleteFunc(in.tree.Files, func(f tree.File) bool {
		if strings.HasPrefix(f.Path, below) {
			if f.Volume != m.index || !m.within(string(f.Node.Path)) {
				hidden = append(hidden, f)
			}
			return true
		}
		return f.Path == dir
	})
	for _, f := range m.files() {
		if f.Path == "/" {
			f.Path = dir
		} else {
			f.Path = dir + f.Path
		}
		kept = append(kept, f)
	}
	tree.Sort(kept)
	in.tree.Files = kept
	in.keepAside(hidden)
}

// keepAside takes files that are in no directory of the tree, under the name of
// their volume and their place in it.
func (in *inspection) keepAside(files []tree.File) {
	for _, f := range files {
		f.Path = in.volumes[f.Volume].prefix() + string(f.Node.Path)
		in.aside = append(in.aside, f)
	}
}
