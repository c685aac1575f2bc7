package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

func errorIsNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// OpenFile opens a regular file with the flags of open(2); final symlinks are
// followed inside of the root, so that with O_CREATE a dangling link leads to
// the file that is made. A new file gets exactly mode. The caller closes it.
// What exists and is not a regular file is refused.
func (r *Root) OpenFile(name string, flags int, mode report.Mode) (*os.File, error) {
	resolved, err := r.Resolve(name)
	if err != nil {
		return nil, err
	}
	var f *os.File
	err = r.in("open", resolved, func(a at) error {
		f, err = openRegular(a, flags, mode)
		return err
	})
	return f, err
}

func openRegular(a at, flags int, mode report.Mode) (*os.File, error) {
	info, err := lstatat(a)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flags&os.O_CREATE != 0:
		return create(a, flags, mode)
	case err != nil:
		return nil, err
	case flags&os.O_EXCL != 0:
		return nil, unix.EEXIST
	case info.Type != report.File:
		return nil, fmt.Errorf("is a %s, not a regular file", info.Type)
	}
	fd, err := unix.Openat(a.fd, a.name, flags&^os.O_CREATE|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), a.name), nil
}

// create makes a new file with exactly mode.
func create(a at, flags int, mode report.Mode) (*os.File, error) {
	fd, err := unix.Openat(a.fd, a.name, flags|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, uint32(mode))
	if err != nil {
		return nil, err
	}
	if err := unix.Fchmod(fd, uint32(mode)); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), a.name), nil
}

// WriteFile makes data the content of a file.
//
// It means what open(2) with O_TRUNC means, done atomically: final symlinks
// are followed inside of the root; a new file gets mode and the process's
// owner; a file that exists keeps its owner, mode and extended attributes,
// but not security.capability, which the kernel takes from a file that is
// written to. It is replaced by a new inode in one rename, so that no reader
// sees half of it. The exception is a file with several names: it is
// rewritten in place, since the other names are to change with it.
func (r *Root) WriteFile(name string, data []byte, mode report.Mode) error {
	resolved, err := r.Resolve(name)
	if err != nil {
		return err
	}
	return r.in("write", resolved, func(a at) error {
		info, err := lstatat(a)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return replace(a, data, mode, nil)
		case err != nil:
			return err
		case info.Type != report.File:
			return fmt.Errorf("is a %s, not a regular file", info.Type)
		case info.Links > 1:
			return rewrite(a, data)
		default:
			return replace(a, data, info.Mode, &info)
		}
	})
}

func rewrite(a at, data []byte) error {
	f, err := openRegular(a, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return writeClose(f, data)
}

// replace writes a new inode aside and renames it over a. The name aside is
// fixed: a step is alone in its tree.
func replace(a at, data []byte, mode report.Mode, old *Info) (err error) {
	aside := at{fd: a.fd, name: ".assay-new"}
	f, err := create(aside, os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unix.Unlinkat(aside.fd, aside.name, 0))
		}
	}()
	if old != nil {
		err = keepMetadata(f, a, *old)
	}
	if err := errors.Join(err, writeClose(f, data)); err != nil {
		return err
	}
	return unix.Renameat(aside.fd, aside.name, a.fd, a.name)
}

// keepMetadata gives f the owner, mode and extended attributes of the file at
// a. The mode comes after the owner: chown(2) takes set-user-ID away.
func keepMetadata(f *os.File, a at, old Info) error {
	if err := f.Chown(int(old.UID), int(old.GID)); err != nil {
		return err
	}
	if err := unix.Fchmod(int(f.Fd()), uint32(old.Mode)); err != nil {
		return err
	}
	names, err := listXattrs(a)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == "security.capability" {
			continue
		}
		value, err := getXattr(a, name)
		if err != nil {
			return err
		}
		if err := unix.Fsetxattr(int(f.Fd()), name, value, 0); err != nil {
			return fmt.Errorf("keep extended attribute %s: %w", name, err)
		}
	}
	return nil
}

func writeClose(f *os.File, data []byte) error {
	_, err := f.Write(data)
	return errors.Join(err, f.Close())
}

// AppendFile adds data to a file, which is made with mode where there is
// none. Final symlinks are followed inside of the root.
func (r *Root) AppendFile(name string, data []byte, mode report.Mode) error {
	f, err := r.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, mode)
	if err != nil {
		return err
	}
	if err := writeClose(f, data); err != nil {
		return &fs.PathError{Op: "append", Path: name, Err: err}
	}
	return nil
}
