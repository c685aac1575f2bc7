// Package kernel reads a filesystem image through the kernel's own driver, as
// the second, independent reader beside this project's: root is needed.
//
// The mount is read-only and detached: it belongs to no directory and to no
// namespace, nobody else can see it, and it goes when the tree is closed. The
// driver trusts the image more than our readers do: it is no way to read
// hostile ones.
package kernel

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/dir"
)

// Options say which part of a file is mounted, and how.
type Options struct {
	// Type is the filesystem's, as in /proc/filesystems.
	Type string
	// Flags are more options of the mount: "compress=zstd", "nodatasum".
	Flags []string
	// Offset and Size choose a partition; Size 0 is up to the end.
	Offset, Size int64
	// Replay lets the driver write to the file, as it must to replay a
	// journal. Write lets everybody do so, through [Tree.Path]. Both are for
	// copies.
	Replay, Write bool
}

// A Tree is a mounted filesystem.
type Tree struct {
	*dir.Tree
	root *os.File
	loop string
}

// Path leads to the root of the mount, for this process alone.
func (t *Tree) Path() string { return fmt.Sprintf("/proc/self/fd/%d", t.root.Fd()) }

// Open mounts a raw image. The caller closes the tree.
func Open(path string, o Options) (*Tree, error) {
	loop, err := attach(path, o)
	if err != nil {
		return nil, err
	}
	defer loop.Close() // the mount holds the device from here on
	root, err := mount(loop.Name(), o)
	if err != nil {
		return nil, fmt.Errorf("mount %s as %s: %w", path, o.Type, err)
	}
	tree, err := dir.New(root)
	if err != nil {
		return nil, err
	}
	return &Tree{Tree: tree, root: root, loop: loop.Name()}, nil
}

// Again mounts the same device once more, read-only, with other options. It is to be
// closed before t.
func (t *Tree) Again(kind string, flags ...string) (*Tree, error) {
	root, err := mount(t.loop, Options{Type: kind, Flags: flags})
	if err != nil {
		return nil, fmt.Errorf("mount %s as %s with %s: %w", t.loop, kind, strings.Join(flags, ","), err)
	}
	tree, err := dir.New(root)
	if err != nil {
		return nil, err
	}
	return &Tree{Tree: tree, root: root}, nil
}

// Close unmounts. When it returns without an error, the kernel has written
// everything and let go of the file.
func (t *Tree) Close() error {
	if err := t.Tree.Close(); err != nil {
		return err
	}
	if t.loop == "" { // another tree's
		return nil
	}
	backing := "/sys/block/" + strings.TrimPrefix(t.loop, "/dev/") + "/loop/backing_file"
	const patience, step = 10 * time.Second, 5 * time.Millisecond
	for waited := time.Duration(0); waited < patience; waited += step {
		if _, err := os.Stat(backing); errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(step)
	}
	return fmt.Errorf("unmount %s: the device is still in use after %v", t.loop, patience)
}

// attach gives the file to a free loop device, which lets go of it when the last
// user closes: loop(4).
func attach(path string, o Options) (*os.File, error) {
	mode, flags := os.O_RDONLY, uint32(unix.LO_FLAGS_AUTOCLEAR|unix.LO_FLAGS_READ_ONLY)
	if o.Replay || o.Write {
		mode, flags = os.O_RDWR, unix.LO_FLAGS_AUTOCLEAR
	}
	file, err := os.OpenFile(path, mode, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	config := unix.LoopConfig{Fd: uint32(file.Fd())}
	config.Info.Offset, config.Info.Sizelimit, config.Info.Flags = uint64(o.Offset), uint64(o.Size), flags
	const attempts = 64 // another process may take the free device first
	for range attempts {
		loop, err := freeLoop(mode)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(loop.Fd()), &config)
		if err == nil {
			return loop, nil
		}
		loop.Close()
		if !errors.Is(err, unix.EBUSY) {
			return nil, fmt.Errorf("attach %s to a loop device: %w", path, err)
		}
	}
	return nil, fmt.Errorf("attach %s: no loop device stays free", path)
}

func freeLoop(mode int) (*os.File, error) {
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
	if err != nil {
		return nil, fmt.Errorf("find a free loop device: %w", err)
	}
	return os.OpenFile(fmt.Sprintf("/dev/loop%d", n), mode, 0)
}

// mount makes a detached mount: fsopen(2), fsconfig(2), fsmount(2).
func mount(device string, o Options) (*os.File, error) {
	fs, err := unix.Fsopen(o.Type, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fs)
	attr := unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	if err := unix.FsconfigSetString(fs, "source", device); err != nil {
		return nil, err
	}
	if !o.Write {
		attr |= unix.MOUNT_ATTR_RDONLY
		if err := unix.FsconfigSetFlag(fs, "ro"); err != nil {
			return nil, err
		}
	}
	if err := setFlags(fs, o.Flags); err != nil {
		return nil, err
	}
	if err := unix.FsconfigCreate(fs); err != nil {
		return nil, err
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, attr)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	root, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(root), o.Type), nil
}

// setFlags gives options to the driver: fsconfig(2).
func setFlags(fs int, flags []string) error {
	for _, flag := range flags {
		name, value, found := strings.Cut(flag, "=")
		var err error
		if found {
			err = unix.FsconfigSetString(fs, name, value)
		} else {
			err = unix.FsconfigSetFlag(fs, name)
		}
		if err != nil {
			return fmt.Errorf("option %s: %w", flag, err)
		}
	}
	return nil
}
