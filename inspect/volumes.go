package inspect

import (
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
	// files has paths that start at the volume's own root, which is the top level
	// where it has subvolumes.
	files []File
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
	in.tree = &Tree{}
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
	tree, err := v.topLevel()
	if err == nil {
		err = tree.Walk(ctx, func(n *image.Node) error {
			if n.Err != nil {
				in.troubles.files.add(string(n.Path), n.Err.Error())
			}
			v.files = append(v.files, File{Path: string(n.Path), Node: n, tree: tree, volume: v.index})
			return nil
		})
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		in.troubles.files.add("", v.String()+": "+err.Error())
		in.tree.missing = v.String()
	}
	sortFiles(v.files)
	in.keepFirst(v)
	return nil
}

// keepFirst leaves one entry of each path: only a broken directory has a name twice.
func (in *inspection) keepFirst(v *volume) {
	v.files = slices.CompactFunc(v.files, func(a, b File) bool {
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

func sortFiles(files []File) {
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}
