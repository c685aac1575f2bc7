package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// A volume is one filesystem of the image with all its names.
type volume struct {
	*image.Volume
	index int
	// files has paths that start at the volume's own root.
	files   []File
	mounted bool
}

// String names the volume for a reason.
func (v *volume) String() string {
	if v.Partition == 0 {
		return "the " + v.Filesystem.Type + " filesystem"
	}
	return fmt.Sprintf("partition %d (%s)", v.Partition, v.Filesystem.Type)
}

// view is the volume alone, as a tree.
func (v *volume) view() *Tree { return &Tree{files: v.files} }

// readTree walks each volume once and puts them together.
func (in *inspection) readTree(ctx context.Context) error {
	var volumes []*volume
	in.tree = &Tree{}
	for i := range in.img.Trees {
		v := &volume{Volume: &in.img.Trees[i], index: i}
		if v.Tree == nil {
			in.unreadable(v)
			continue
		}
		if err := in.walk(ctx, v); err != nil {
			return err
		}
		volumes = append(volumes, v)
	}
	if len(volumes) == 0 {
		in.troubles.files.add("", "no filesystem that can be read was found")
		in.tree.missing = "the whole image"
	} else {
		in.mount(volumes)
	}
	in.tree.link()
	return nil
}

// unreadable records a filesystem without a tree. Where the reader gives no
// error the filesystem holds no files (swap).
func (in *inspection) unreadable(v *volume) {
	if v.Err == nil {
		return
	}
	in.troubles.files.add("", v.Err.Error())
	in.tree.missing = v.String()
}

// walk collects a volume's names, sorted by path.
func (in *inspection) walk(ctx context.Context, v *volume) error {
	err := v.Tree.Walk(ctx, func(n *image.Node) error {
		if n.Err != nil {
			in.troubles.files.add(string(n.Path), n.Err.Error())
		}
		v.files = append(v.files, File{Path: string(n.Path), Node: n, tree: v.Tree, volume: v.index})
		return nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		in.troubles.files.add("", v.String()+": "+err.Error())
		in.tree.missing = v.String()
	}
	sortFiles(v.files)
	return nil
}

func sortFiles(files []File) {
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// mount makes one tree of the volumes by the fstab of the root volume.
func (in *inspection) mount(volumes []*volume) {
	root, table := in.chooseRoot(volumes)
	root.mounted = true
	in.tree.files = root.files
	for _, line := range table {
		v := in.findVolume(volumes, line.Spec)
		if v == nil {
			continue
		}
		in.noteMountpoint(v.Partition, line.File)
		if v.mounted {
			continue
		}
		v.mounted = true
		in.graft(v, line.File)
	}
	for _, v := range volumes {
		if !v.mounted {
			in.troubles.files.add("", v.String()+": no line of the image's /etc/fstab mounts it, its files are not in this report")
		}
	}
}

// chooseRoot finds the volume that the others are mounted in: the one whose
// fstab says of itself that it is "/", else the first with an os-release, else
// the first with an fstab, else the first. The lines of its fstab that mount
// something come sorted, parents first.
func (in *inspection) chooseRoot(volumes []*volume) (*volume, []report.FstabEntry) {
	best, rank, table := volumes[0], 0, []report.FstabEntry(nil)
	for _, v := range volumes {
		lines := v.fstab()
		if r := in.rootRank(volumes, v, lines); r > rank || v == best {
			best, rank, table = v, r, lines
		}
	}
	table = slices.DeleteFunc(table, func(l report.FstabEntry) bool { return !strings.HasPrefix(l.File, "/") })
	slices.SortStableFunc(table, func(a, b report.FstabEntry) int {
		return cmp.Compare(depth(a.File), depth(b.File))
	})
	return best, table
}

func depth(name string) int {
	return len(strings.FieldsFunc(name, func(r rune) bool { return r == '/' }))
}

func (in *inspection) rootRank(volumes []*volume, v *volume, lines []report.FstabEntry) int {
	for _, l := range lines {
		if l.File == "/" && in.findVolume(volumes, l.Spec) == v {
			return 3
		}
	}
	if _, err := v.view().Lstat("/etc/os-release"); err == nil {
		return 2
	}
	if len(lines) > 0 {
		return 1
	}
	return 0
}

// fstab reads the volume's own fstab. Trouble with it is the fstab
// inspector's to report; here it means that nothing is mounted, and each
// volume that is not is reported.
func (v *volume) fstab() []report.FstabEntry {
	data, err := v.view().ReadFile("/etc/fstab", maxTable)
	if err != nil {
		return nil
	}
	lines, err := parseFstab(data)
	if err != nil {
		return nil
	}
	return lines
}

// noteMountpoint writes into the partition table where a filesystem belongs.
func (in *inspection) noteMountpoint(partition int, dir string) {
	if in.report.Disk == nil {
		return
	}
	for i := range in.report.Disk.Partitions {
		p := &in.report.Disk.Partitions[i]
		if p.Index == partition && p.Filesystem != nil && p.Filesystem.Mountpoint == "" {
			f := *p.Filesystem
			f.Mountpoint = dir
			p.Filesystem = &f
		}
	}
}

// graft replaces the directory dir by the root of v. What lies hidden under
// it cannot be seen by a running system, but it is on the disk.
func (in *inspection) graft(v *volume, dir string) {
	if f, err := in.tree.Lookup(dir); err == nil {
		dir = f.Path
	} else {
		dir = "/" + strings.Join(strings.FieldsFunc(dir, func(r rune) bool { return r == '/' }), "/")
	}
	below := join(dir, "")
	hidden := 0
	kept := slices.DeleteFunc(in.tree.files, func(f File) bool {
		if strings.HasPrefix(f.Path, below) {
			hidden++
			return true
		}
		return f.Path == dir
	})
	if hidden > 0 {
		in.troubles.files.add(dir, fmt.Sprintf("%d entries lie hidden under the mount point of %s", hidden, v))
	}
	for _, f := range v.files {
		if f.Path == "/" {
			f.Path = dir
		} else {
			f.Path = dir + f.Path
		}
		kept = append(kept, f)
	}
	sortFiles(kept)
	in.tree.files = kept
}
