package dir

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// statxMask asks for every field of an entry, and the mount that it is on.
const statxMask = unix.STATX_BASIC_STATS | unix.STATX_MNT_ID

// A stamp is what changes with a file: its size, and when content and inode last did.
type stamp struct {
	size         int64
	mtime, ctime unix.StatxTimestamp
}

func stampOf(st *unix.Statx_t) stamp {
	return stamp{int64(st.Size), st.Mtime, st.Ctime}
}

// node describes the name in the directory fd, or the directory itself when
// name is empty.
func (t *Tree) node(fd int, name string, path report.Raw) (*fsys.Node, error) {
	var st unix.Statx_t
	flags := unix.AT_SYMLINK_NOFOLLOW | unix.AT_NO_AUTOMOUNT
	if name == "" {
		flags |= unix.AT_EMPTY_PATH
	}
	if err := unix.Statx(fd, name, flags, statxMask, &st); err != nil {
		return nil, err
	}
	n := &fsys.Node{Entry: report.Entry{
		Path:  path,
		Mode:  report.Mode(st.Mode & 0o7777),
		UID:   st.Uid,
		GID:   st.Gid,
		Mtime: time.Unix(st.Mtime.Sec, int64(st.Mtime.Nsec)).UTC(),
	}, Links: st.Nlink, Physical: -1}
	n.Inode = t.inode(unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino)
	if name != "" && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		n.Fail(t.covers(&st))
	}
	t.fill(n, fd, name, &st)
	seeFlags(n, fd, name, &st)
	return n, nil
}

// covers is the error of a name where another filesystem is mounted, unless that is to
// be read too.
func (t *Tree) covers(st *unix.Statx_t) error {
	kind := ""
	if t.mounts != nil && st.Mask&unix.STATX_MNT_ID != 0 {
		kind = t.mounts.kinds[st.Mnt_id]
	}
	if kind == "" {
		return &covered{}
	}
	if t.cross && slices.Contains(onDisk(), kind) {
		return nil
	}
	return &covered{kind, t.mounts.leftOut(t.cross)}
}

// fill sets what depends on the type.
func (t *Tree) fill(n *fsys.Node, fd int, name string, st *unix.Statx_t) {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		n.Type = report.File
		n.Size = int64(st.Size)
		n.Sys = stampOf(st)
		if err := t.readable(fd, name); err != nil && n.Err == nil {
			n.Err = fmt.Errorf("read content: %w", err)
		}
	case unix.S_IFDIR:
		n.Type = report.Directory
	case unix.S_IFLNK:
		n.Type = report.Symlink
		target, err := readLink(fd, name)
		n.Target = report.Raw(target)
		n.Fail(err)
	case unix.S_IFCHR:
		n.Type = report.Char
	case unix.S_IFBLK:
		n.Type = report.Block
	case unix.S_IFIFO:
		n.Type = report.FIFO
	case unix.S_IFSOCK:
		n.Type = report.Socket
	}
	if n.Type == report.Char || n.Type == report.Block {
		n.Device = fmt.Sprintf("%d:%d", st.Rdev_major, st.Rdev_minor)
	}
	attrs, err := readXattrs(fd, name)
	n.Fail(err)
	n.SetXattrs(attrs)
}

// readable tells before the content is wanted that it will not be had. Root
// reads everything.
func (t *Tree) readable(fd int, name string) error {
	if t.uid == 0 {
		return nil
	}
	return unix.Faccessat(fd, name, unix.R_OK, unix.AT_EACCESS|unix.AT_SYMLINK_NOFOLLOW)
}

func readLink(fd int, name string) (string, error) {
	buf := make([]byte, unix.PathMax+1)
	n, err := unix.Readlinkat(fd, name, buf)
	if err != nil {
		return "", fmt.Errorf("read link: %w", err)
	}
	return string(buf[:n]), nil
}

// openDirectory opens for reading without touching the access time where the
// kernel lets the caller (open(2), O_NOATIME).
func openDirectory(fd int, name string) (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	sub, err := unix.Openat(fd, name, flags|unix.O_NOATIME, 0)
	if errors.Is(err, unix.EPERM) {
		sub, err = unix.Openat(fd, name, flags, 0)
	}
	return sub, err
}

// readNames returns the sorted names of an open directory; with an error, those
// that were read before it.
func readNames(fd int) ([]string, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(dup), "")
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// readXattrs returns the attributes of a name without following it. There is
// no fgetxattr for symlinks and device nodes, and lgetxattr takes a path: the
// kernel's link to the open directory makes one that cannot be redirected.
func readXattrs(fd int, name string) (map[string]report.Raw, error) {
	path := "/proc/self/fd/" + strconv.Itoa(fd) + "/" + name
	list, err := sized(func(buf []byte) (int, error) { return unix.Llistxattr(path, buf) })
	if errors.Is(err, unix.ENOTSUP) || err == nil && len(list) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list attributes: %w", err)
	}
	attrs := map[string]report.Raw{}
	for _, attr := range strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		value, err := sized(func(buf []byte) (int, error) { return unix.Lgetxattr(path, attr, buf) })
		if errors.Is(err, unix.ENODATA) {
			continue // removed since, or the kernel lists what it does not give
		}
		if err != nil {
			return attrs, fmt.Errorf("read attribute %s: %w", attr, err)
		}
		attrs[attr] = report.Raw(value)
	}
	return attrs, nil
}

// sized calls read with a buffer that fits. 64 KiB are the kernel's bound for
// a list and for a value: xattr(7).
func sized(read func([]byte) (int, error)) ([]byte, error) {
	var small [256]byte
	n, err := read(small[:])
	if err == nil {
		return slices.Clone(small[:n]), nil
	}
	if !errors.Is(err, unix.ERANGE) {
		return nil, err
	}
	buf := make([]byte, 64<<10)
	if n, err = read(buf); err != nil {
		return nil, err
	}
	return slices.Clone(buf[:n]), nil
}
