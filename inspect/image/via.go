package image

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/pass"
)

// ViaKernel replaces what our readers show of each volume by what the kernel's
// drivers show, through read-only mounts that nobody else sees. Root is needed,
// and trust in the image: drivers are not made for hostile ones. A volume
// that the kernel does not read has an error afterwards.
//
// A disk that is no raw file, and one with a journal to replay, is copied into
// a file without a name in o.TempDir first, as sparse as it is.
func (i *Image) ViaKernel(ctx context.Context, o Options) error {
	if os.Geteuid() != 0 {
		return errors.New("only root reads through the kernel")
	}
	if i.Device == nil {
		return fmt.Errorf("the subject is a %s: there is nothing to mount", i.Subject.Kind)
	}
	for n := range i.Trees {
		v := &i.Trees[n]
		tree, err := i.mountVolume(ctx, v, o)
		if err != nil {
			v.Tree, v.Err = nil, fmt.Errorf("the kernel does not read the %s filesystem %s: %w", v.Filesystem.Type, v.place(), err)
			continue
		}
		ours, several := v.Tree.(fsys.Subvolumes)
		v.Tree, v.Err = tree, nil
		if !several {
			i.closers = append(i.closers, tree.Close)
			continue
		}
		s, err := openSubvolumes(tree, ours)
		if err != nil {
			v.Tree, v.Err = nil, fmt.Errorf("the kernel does not show the subvolumes %s: %w", v.place(), err)
			continue
		}
		v.Tree = s
		i.closers = append(i.closers, s.Close)
	}
	return nil
}

// driver is the kernel's name of a filesystem that blkid(8) names otherwise.
func driver(kind string) string {
	switch kind {
	case "ext2", "ext3":
		return "ext4"
	}
	return kind
}

func (i *Image) mountVolume(ctx context.Context, v *Volume, o Options) (*kernel.Tree, error) {
	if v.start < 0 {
		return i.mountMapped(ctx, v, o)
	}
	size := i.volumeSize(v)
	mount := kernel.Options{Type: driver(v.Filesystem.Type), Offset: v.start, Size: size}
	if f, ok := i.file(); ok {
		tree, err := kernel.Open(descriptor(f.File), mount)
		if err == nil || !errors.Is(err, unix.EROFS) {
			return tree, err
		}
	}
	part, err := newSection(i.Device, v.start, size)
	if err != nil {
		return nil, err
	}
	return mountCopy(ctx, part, v, o)
}

// file is the file that the device is, where it is no more than that.
func (i *Image) file() (*dir.File, bool) {
	d, ok := i.Device.(*pass.Device)
	if !ok {
		return nil, false
	}
	f, ok := d.Below().(*dir.File)
	return f, ok
}

// mountMapped mounts a copy of a mapped device: the kernel's own device mapper
// would show it to everybody. The copy of an encrypted one is not encrypted.
func (i *Image) mountMapped(ctx context.Context, v *Volume, o Options) (*kernel.Tree, error) {
	dev := i.Mapped[v.Mapped]
	if dev == nil {
		return nil, v.Err
	}
	return mountCopy(ctx, dev, v, o)
}

func mountCopy(ctx context.Context, dev Device, v *Volume, o Options) (*kernel.Tree, error) {
	file, err := copyDevice(ctx, dev, o)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the loop device holds it from here on
	return kernel.Open(descriptor(file), kernel.Options{Type: driver(v.Filesystem.Type), Replay: true})
}

// place tells where a volume lies.
func (v *Volume) place() string {
	if v.Mapped != "" {
		return "on " + v.Mapped
	}
	return fmt.Sprintf("at byte %d", v.start)
}

// volumeSize is how much of the device is the volume's.
func (i *Image) volumeSize(v *Volume) int64 {
	for _, p := range i.Disk.Partitions {
		if p.Index == v.Partition {
			return p.Size
		}
	}
	return i.Device.Size()
}

// descriptor is a path that leads to an open file, whatever its name is by now.
func descriptor(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }

// copyDevice copies what a device holds into a file without a name.
func copyDevice(ctx context.Context, dev Device, o Options) (*os.File, error) {
	extents, err := dev.Extents()
	if err != nil {
		return nil, err
	}
	out, err := unnamedFile(o.TempDir)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 1<<20)
	for _, x := range extents {
		for at := x.Offset; at < x.Offset+x.Length; {
			piece := buf[:min(int64(len(buf)), x.Offset+x.Length-at)]
			n, err := dev.ReadAt(piece, at)
			if n == len(piece) {
				_, err = out.WriteAt(piece, at)
			}
			if err = errors.Join(err, ctx.Err()); err != nil {
				return nil, errors.Join(fmt.Errorf("copy the disk: %w", err), out.Close())
			}
			at += int64(len(piece))
		}
	}
	if err := out.Truncate(dev.Size()); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return out, nil
}
