package inspect

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assay-os/assay/report"
)

// A mount is a volume and the directory where it belongs.
type mount struct {
	*volume
	dir string
}

// mount makes one tree of the volumes: the root, and in it what its fstab or
// else the types of the partitions mount. What neither mounts stays in the
// list of files, each path with the volume's prefix.
func (in *inspection) mount(volumes []*volume) {
	root := in.chooseRoot(volumes)
	root.mounted = true
	in.tree.files = root.files
	in.noteMountpoint(root, "/")
	table := in.mountsOf(root, volumes)
	slices.SortStableFunc(table, func(a, b mount) int { return cmp.Compare(depth(a.dir), depth(b.dir)) })
	for _, m := range table {
		in.noteMountpoint(m.volume, m.dir)
		if !m.mounted {
			m.mounted = true
			in.graft(m)
		}
	}
	for _, v := range volumes {
		if !v.mounted {
			in.keepAside(v.files)
		}
	}
	in.tree.files = append(in.tree.files, in.aside...)
	sortFiles(in.tree.files)
}

func depth(name string) int {
	return len(strings.FieldsFunc(name, func(r rune) bool { return r == '/' }))
}

// chooseRoot finds the volume that the others are mounted in: the one whose
// fstab says of itself that it is "/", else that of a root partition's type,
// else the first with an os-release, else the first with an fstab, else the
// first.
func (in *inspection) chooseRoot(volumes []*volume) *volume {
	best, rank := volumes[0], 0
	for _, v := range volumes {
		if r := in.rootRank(volumes, v); r > rank {
			best, rank = v, r
		}
	}
	return best
}

func (in *inspection) rootRank(volumes []*volume, v *volume) int {
	lines := v.fstab()
	for _, l := range lines {
		if l.File == "/" && in.findVolume(volumes, l.Spec) == v {
			return 4
		}
	}
	switch {
	case in.discovered(v) == "/":
		return 3
	case v.has("/etc/os-release"), v.has("/usr/lib/os-release"):
		return 2
	case len(lines) > 0:
		return 1
	}
	return 0
}

// mountsOf is what belongs into the root's tree: by its fstab, or where that
// names no volume of the image, by the partitions' types.
func (in *inspection) mountsOf(root *volume, volumes []*volume) []mount {
	var table []mount
	for _, line := range root.fstab() {
		if v := in.findVolume(volumes, line.Spec); v != nil && strings.HasPrefix(line.File, "/") {
			table = append(table, mount{v, line.File})
		}
	}
	if table != nil {
		return table
	}
	for _, v := range volumes {
		if dir := in.discoveredIn(root, v); v != root && dir != "" && dir != "/" {
			table = append(table, mount{v, dir})
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
// kept aside.
func (in *inspection) graft(m mount) {
	dir := "/" + strings.Join(strings.FieldsFunc(m.dir, func(r rune) bool { return r == '/' }), "/")
	if f, err := in.tree.Lookup(m.dir); err == nil {
		dir = f.Path
	}
	below := join(dir, "")
	var hidden []File
	kept := slices.DeleteFunc(in.tree.files, func(f File) bool {
		if strings.HasPrefix(f.Path, below) {
			hidden = append(hidden, f)
			return true
		}
		return f.Path == dir
	})
	for _, f := range m.files {
		if f.Path == "/" {
			f.Path = dir
		} else {
			f.Path = dir + f.Path
		}
		kept = append(kept, f)
	}
	sortFiles(kept)
	in.tree.files = kept
	in.keepAside(hidden)
}

// keepAside takes files that are in no directory of the tree, under the name of
// their volume and their place in it.
func (in *inspection) keepAside(files []File) {
	for _, f := range files {
		f.Path = in.volumes[f.volume].prefix() + string(f.Node.Path)
		in.aside = append(in.aside, f)
	}
}
