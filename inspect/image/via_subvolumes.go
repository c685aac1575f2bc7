package image

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/report"
)

// subvolumes is a filesystem of several trees as the kernel shows it: the mount
// without options, and that of the top level. Where the others lie is our reader's
// word, and the kernel's that each of them is there.
type subvolumes struct {
	*kernel.Tree
	top      *kernel.Tree
	places   map[uint64]report.Raw
	standard uint64
}

// TopLevel implements fsys.Subvolumes.
func (s *subvolumes) TopLevel() (Tree, error) { return s.top, nil }

// Places implements fsys.Subvolumes.
func (s *subvolumes) Places() (map[uint64]report.Raw, uint64, error) {
	return s.places, s.standard, nil
}

// Close ends both mounts.
func (s *subvolumes) Close() error { return errors.Join(s.top.Close(), s.Tree.Close()) }

// openSubvolumes mounts the top level beside what was mounted without options. With
// an error both are closed.
func openSubvolumes(tree *kernel.Tree, ours fsys.Subvolumes) (*subvolumes, error) {
	top, err := tree.Again("btrfs", "subvolid=5")
	if err != nil {
		return nil, errors.Join(err, tree.Close())
	}
	s := &subvolumes{Tree: tree, top: top}
	if s.places, _, err = ours.Places(); err == nil {
		s.standard, err = subvolumeAt(tree.Path(), "")
	}
	for id, place := range s.places {
		if err != nil {
			break
		}
		var there uint64
		if there, err = subvolumeAt(top.Path(), strings.Trim(string(place), "/")); err == nil && there != id {
			err = fmt.Errorf("subvolume %d is not at %s: there is %d", id, place, there)
		}
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// subvolumeAt asks the kernel for the number of the subvolume that starts at a
// directory below root: ioctl_btrfs(2), BTRFS_IOC_INO_LOOKUP.
func subvolumeAt(root, place string) (uint64, error) {
	const lookup, firstInode = 0xd0009412, 256 // _IOWR(0x94, 18, 4096 bytes), where reading is 2
	dir, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(dir)
	if place == "" {
		place = "."
	}
	fd, err := unix.Openat2(dir, place, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return 0, fmt.Errorf("open subvolume %s: %w", place, err)
	}
	defer unix.Close(fd)
	args := struct {
		tree, object uint64
		name         [4080]byte
	}{object: firstInode}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), lookup, uintptr(unsafe.Pointer(&args))); errno != 0 {
		return 0, fmt.Errorf("look up subvolume %s: %w", place, errno)
	}
	return args.tree, nil
}
