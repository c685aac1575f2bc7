package inspect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A volume is one filesystem of the image with all its names.
type volume struct {
	*image.Volume
	index int
	// files has paths that start at the volume's own root, which is the top level
	// where it has subvolumes.
	files []tree.File
	// places are where the subvolumes lie, standard is the place of the one that
	// is mounted without options: "/" where there are none.
	places   map[uint64]report.Raw
	standard string
	// mounted are the places that were put into the tree.
	mounted []string
}

// String names the volume for a reason.
func (v *volume) String() string {
	switch {
	case v.Mapped != "":
		return fmt.Sprintf("%s (%s)", v.Mapped, v.Filesystem.Type)
	case v.Partition == 0:
		return "the " + v.Filesystem.Type + " filesystem"
	}
	return fmt.Sprintf("partition %d (%s)", v.Partition, v.Filesystem.Type)
}

// prefix stands before the paths of what the image mounts nowhere.
func (v *volume) prefix() string {
	if v.Mapped != "" {
		return v.Mapped + ":"
	}
	return fmt.Sprintf("partition %d:", v.Partition)
}

// readTree walks each volume once and puts them together.
func (in *inspection) readTree(ctx context.Context) error {
	var volumes []*volume
	in.tree = &tree.Tree{Factory: in.img.Subject.Kind == "commit"}
	in.volumes = make([]*volume, len(in.img.Trees))
	for i := range in.img.Trees {
		v := &volume{Volume: &in.img.Trees[i], index: i}
		in.volumes[i] = v
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
		in.tree.Missing = "the whole image"
	} else {
		in.mount(volumes)
	}
	in.tree.Link()
	return nil
}

// unreadable records a filesystem without a tree. Where the reader gives no
// error the filesystem holds no files (swap).
func (in *inspection) unreadable(v *volume) {
	if v.Err == nil {
		return
	}
	in.troubles.files.add("", v.Err.Error())
	in.tree.Missing = v.String()
}

// walk collects a volume's names, sorted by path.
func (in *inspection) walk(ctx context.Context, v *volume) error {
	top, err := v.topLevel()
	if err == nil {
		err = top.Walk(ctx, func(n *image.Node) error {
			boundTime(n)
			if n.Err != nil {
				in.troubles.files.add(string(n.Path), n.Err.Error())
			}
			v.files = append(v.files, tree.File{Path: string(n.Path), Node: n, Source: top, Volume: v.index})
			return nil
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		in.troubles.files.add("", v.String()+": "+err.Error())
		in.tree.Missing = v.String()
	}
	tree.Sort(v.files)
	in.keepFirst(v)
	return nil
}

// boundTime moves a time that JSON has no form for (RFC 3339: the years 0 to 9999) to the
// nearest that it has, with an error. Filesystems and archives hold 64-bit times.
func boundTime(n *image.Node) {
	first, last := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	sec := n.Mtime.Unix()
	switch {
	case sec < first.Unix():
		n.Mtime = first
	case sec >= last.Unix():
		n.Mtime = last.Add(-1)
	default:
		return
	}
	n.Fail(fmt.Errorf("its time, %d seconds after 1970, is outside of the years 0 to 9999", sec))
}

// keepFirst leaves one entry of each path: only a broken directory has a name twice.
func (in *inspection) keepFirst(v *volume) {
	v.files = slices.CompactFunc(v.files, func(a, b tree.File) bool {
		if a.Path == b.Path {
			in.troubles.files.add(a.Path, "its directory has this name twice; the first is shown")
		}
		return a.Path == b.Path
	})
}

// topLevel is the tree that holds all of the volume.
func (v *volume) topLevel() (image.Tree, error) {
	v.standard = "/"
	s, ok := v.Tree.(image.Subvolumes)
	if !ok {
		return v.Tree, nil
	}
	places, id, err := s.Places()
	if err != nil {
		return nil, err
	}
	v.places = places
	if place, ok := places[id]; ok {
		v.standard = string(place)
	}
	return s.TopLevel()
}
