package dir

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// seen are the flags that statx(2) has at the bits of linux/fs.h, but for
// compression, which some drivers tell there of how they store a file.
const seen = fsys.Append | fsys.Immutable | fsys.Nodump | fsys.Encrypted | fsys.Verity

// seeFlags sets the flags of a name and its project: those that statx(2) shows of
// every name; all, of files and directories that the caller may open. Where the
// filesystem knows none, there are none.
func seeFlags(n *fsys.Node, fd int, name string, st *unix.Statx_t) {
	flags, more, err := uint32(st.Attributes)&seen, uint32(0), error(unix.EACCES)
	if n.Err == nil {
		if more, n.Project, err = readFlags(n.Type, fd, name); known(err) != nil {
			n.Fail(fmt.Errorf("read flags: %w", err))
		}
	}
	if flags&fsys.Immutable != 0 && more&fsys.Immutable == 0 && !stored(n.Type, fd, err) {
		flags &^= fsys.Immutable
	}
	n.Attributes = fsys.AttributeNames(flags | more)
}

// stored tells whether inodes of a name's filesystem have flags, as err of asking for its
// own says, or else the directory fd that it is in. Where they have none, statx(2)
// calls every name immutable if the filesystem cannot be written (EROFS):
// chattr(1) has not set that, and could not take it away.
func stored(kind report.Type, fd int, err error) bool {
	if opened := kind == report.File || kind == report.Directory; !opened || err != nil && !noFlags(err) {
		_, err = unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	}
	return !noFlags(err)
}

func noFlags(err error) bool {
	return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS)
}

// readFlags asks for flags and project by the way that suits the type.
func readFlags(kind report.Type, fd int, name string) (flags, project uint32, err error) {
	if kind != report.File && kind != report.Directory {
		a, err := fileAttributes(fd, name)
		return 0, a.project, err
	}
	if name != "" {
		fd, err = unix.Openat(fd, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, 0, err
		}
		defer unix.Close(fd)
	}
	flags, err = unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if known(err) != nil {
		return 0, 0, err
	}
	x, errX := extendedAttributes(fd)
	return flags, x.project, errors.Join(err, known(errX))
}

// known takes the errors away that say that there is nothing to be seen, or not by
// this user; a name that is gone by now is told by who reads its content.
func known(err error) error {
	for _, none := range []error{unix.ENOTTY, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.EACCES, unix.EPERM, unix.EAGAIN, unix.ENOENT, unix.ELOOP, unix.ENXIO, unix.ETXTBSY} {
		if errors.Is(err, none) {
			return nil
		}
	}
	return err
}

// An fsxattr is what FS_IOC_FSGETXATTR fills: linux/fs.h.
type fsxattr struct {
	flags, extentSize, extents, project, cowExtentSize uint32
	_                                                  [8]byte
}

func extendedAttributes(fd int) (fsxattr, error) {
	const get = 0x801c581f // _IOR('X', 31, struct fsxattr), where reading is 2
	var x fsxattr
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), get, uintptr(unsafe.Pointer(&x))); errno != 0 {
		return fsxattr{}, errno
	}
	return x, nil
}

// A fileAttr is what file_getattr(2) fills, of Linux 6.17 and later. It opens
// nothing, and so tells of links and devices too.
type fileAttr struct {
	flags                                       uint64
	extentSize, extents, project, cowExtentSize uint32
}

func fileAttributes(fd int, name string) (fileAttr, error) {
	const call = 468 // on every architecture but alpha
	var a fileAttr
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return a, err
	}
	_, _, errno := unix.Syscall6(call, uintptr(fd), uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&a)), unsafe.Sizeof(a), unix.AT_SYMLINK_NOFOLLOW, 0)
	if errno != 0 {
		return fileAttr{}, errno
	}
	return a, nil
}
