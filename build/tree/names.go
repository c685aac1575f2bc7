package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// Mkdir makes one directory with exactly mode. As mkdir(2) has it, below a
// directory with set-group-ID it takes that bit and the group from there.
func (r *Root) Mkdir(name string, mode report.Mode) error {
	return r.in("mkdir", name, func(a at) error { return mkdirat(a, mode) })
}

func mkdirat(a at, mode report.Mode) error {
	if err := unix.Mkdirat(a.fd, a.name, uint32(mode)); err != nil {
		return err
	}
	info, err := lstatat(a)
	if err != nil {
		return err
	}
	return chmodat(a, mode|info.Mode&unix.S_ISGID)
}

// MkdirAll makes a directory and those above it that do not exist, each as
// [Root.Mkdir] does. What exists keeps its mode; a symlink to a directory counts as one.
func (r *Root) MkdirAll(name string, mode report.Mode) error {
	info, err := r.Stat(name)
	if err == nil && info.Type == report.Directory {
		return nil
	}
	if err == nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: unix.ENOTDIR}
	}
	if !errorIsNotExist(err) {
		return err
	}
	if dir, _ := split(name); strings.Trim(dir, "/") != "" {
		if err := r.MkdirAll(dir, mode); err != nil {
			return err
		}
	}
	return r.Mkdir(name, mode)
}

// Symlink makes name a symlink that holds target, which may be any text: it
// is confined when it is used, not when it is stored.
func (r *Root) Symlink(target, name string) error {
	return r.in("symlink", name, func(a at) error { return unix.Symlinkat(target, a.fd, a.name) })
}

// Link makes name another name of old. A symlink at old is linked itself, not followed.
func (r *Root) Link(old, name string) error {
	return r.pair("link", old, name, func(a, b at) error { return unix.Linkat(a.fd, a.name, b.fd, b.name, 0) })
}

// Rename gives old another name, and replaces what is there as rename(2) does.
func (r *Root) Rename(old, name string) error {
	return r.pair("rename", old, name, func(a, b at) error { return unix.Renameat(a.fd, a.name, b.fd, b.name) })
}

func (r *Root) pair(op, old, name string, do func(a, b at) error) error {
	return r.in(op, old, func(a at) error {
		b, err := r.parent(op, name)
		if err != nil {
			return err
		}
		defer b.close()
		if err := do(a, b); err != nil {
			return &os.LinkError{Op: op, Old: old, New: name, Err: err}
		}
		return nil
	})
}

// Mknod makes a device node, a FIFO or a socket with exactly mode. major and
// minor count for devices only.
func (r *Root) Mknod(name string, t report.Type, mode report.Mode, major, minor uint32) error {
	kinds := map[report.Type]uint32{
		report.Char: unix.S_IFCHR, report.Block: unix.S_IFBLK, report.FIFO: unix.S_IFIFO, report.Socket: unix.S_IFSOCK,
	}
	kind, ok := kinds[t]
	if !ok {
		return &fs.PathError{Op: "mknod", Path: name, Err: fmt.Errorf("a %s is not made by mknod(2)", t)}
	}
	return r.in("mknod", name, func(a at) error {
		if err := unix.Mknodat(a.fd, a.name, kind|uint32(mode), int(unix.Mkdev(major, minor))); err != nil {
			return err
		}
		return chmodat(a, mode)
	})
}

// Remove removes one name: a file, a symlink itself, or an empty directory.
func (r *Root) Remove(name string) error {
	return r.in("remove", name, func(a at) error {
		err := unix.Unlinkat(a.fd, a.name, 0)
		if err == unix.EISDIR {
			err = unix.Unlinkat(a.fd, a.name, unix.AT_REMOVEDIR)
		}
		return err
	})
}

// RemoveAll removes name and everything below it. Symlinks are removed, not
// followed. It is no error when there is nothing of that name. The root
// itself is refused.
func (r *Root) RemoveAll(name string) error {
	err := r.in("remove", name, func(a at) error {
		if a.name == "." {
			return unix.EINVAL
		}
		return removeAll(a)
	})
	if errorIsNotExist(err) {
		return nil
	}
	return err
}

func removeAll(a at) error {
	err := unix.Unlinkat(a.fd, a.name, 0)
	if err != unix.EISDIR {
		return err
	}
	fd, err := unix.Openat(a.fd, a.name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	dir := os.NewFile(uintptr(fd), a.name)
	names, err := dir.Readdirnames(-1)
	slices.Sort(names)
	for _, name := range names {
		err = errors.Join(err, removeAll(at{fd: fd, name: name}))
	}
	if err := errors.Join(err, dir.Close()); err != nil {
		return err
	}
	return unix.Unlinkat(a.fd, a.name, unix.AT_REMOVEDIR)
}
