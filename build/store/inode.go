package store

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// overlayXattrs is the namespace that overlayfs keeps for itself. Nothing in
// it belongs to a tree.
const overlayXattrs = "trusted.overlay."

const opaqueXattr = overlayXattrs + "opaque"

// An inode is what lstat and the extended attributes tell of one name on disk.
type inode struct {
	st unix.Stat_t
	// xattrs are those of the tree, own the names of those of overlayfs.
	xattrs map[string]report.Raw
	own    []string
	// opaque says that nothing of the lower layers shows in this directory.
	opaque bool
}

func readInode(path string) (*inode, error) {
	n := new(inode)
	if err := unix.Lstat(path, &n.st); err != nil {
		return nil, &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	names, err := listXattrs(path)
	if err != nil {
		return nil, &os.PathError{Op: "list attributes of", Path: path, Err: err}
	}
	for _, name := range names {
		value, err := getXattr(path, name)
		if err != nil {
			return nil, &os.PathError{Op: "read attribute " + name + " of", Path: path, Err: err}
		}
		if strings.HasPrefix(name, overlayXattrs) {
			n.own = append(n.own, name)
			n.opaque = n.opaque || name == opaqueXattr && string(value) == "y"
			continue
		}
		if n.xattrs == nil {
			n.xattrs = make(map[string]report.Raw)
		}
		n.xattrs[name] = report.Raw(value)
	}
	return n, nil
}

func (n *inode) isDir() bool      { return n.st.Mode&unix.S_IFMT == unix.S_IFDIR }
func (n *inode) isSocket() bool   { return n.st.Mode&unix.S_IFMT == unix.S_IFSOCK }
func (n *inode) isWhiteout() bool { return isWhiteout(&n.st) }

// isWhiteout knows overlayfs' mark of a removed name: a character device 0:0.
func isWhiteout(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == 0
}

// entry describes the inode, with its time clamped to epoch. SHA256 and
// Hardlink are left to the caller.
func (n *inode) entry(path, disk string, epoch time.Time) (report.Entry, error) {
	e := report.Entry{
		Path: report.Raw(path), Mode: report.Mode(n.st.Mode & 0o7777), UID: n.st.Uid, GID: n.st.Gid,
		Mtime: clamp(n.st.Mtim, epoch),
	}
	// One decoder for a tree on disk and a tree in an image, or the two could
	// not be compared.
	decoded := fsys.Node{Entry: e}
	decoded.SetXattrs(n.xattrs)
	e = decoded.Entry
	switch n.st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		e.Type, e.Size = report.File, n.st.Size
	case unix.S_IFDIR:
		e.Type = report.Directory
	case unix.S_IFLNK:
		e.Type = report.Symlink
		target, err := os.Readlink(disk)
		if err != nil {
			return e, err
		}
		e.Target = report.Raw(target)
	case unix.S_IFCHR:
		e.Type, e.Device = report.Char, device(n.st.Rdev)
	case unix.S_IFBLK:
		e.Type, e.Device = report.Block, device(n.st.Rdev)
	case unix.S_IFIFO:
		e.Type = report.FIFO
	default:
		return e, fmt.Errorf("%s: file type %#o is not known", path, n.st.Mode&unix.S_IFMT)
	}
	return e, nil
}

func device(rdev uint64) string { return fmt.Sprintf("%d:%d", unix.Major(rdev), unix.Minor(rdev)) }

// clamp is the rule of time: nothing newer than the epoch, whole seconds.
func clamp(t unix.Timespec, epoch time.Time) time.Time {
	return time.Unix(min(t.Sec, epoch.Unix()), 0).UTC()
}

// setMtime sets the modification time of a name itself, whatever it is.
func setMtime(path string, t time.Time) error {
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Sec: t.Unix(), Nsec: int64(t.Nanosecond())}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "set time of", Path: path, Err: err}
	}
	return nil
}

// listXattrs returns the names, sorted; none where the filesystem has none.
func listXattrs(path string) ([]string, error) {
	size, err := unix.Llistxattr(path, nil)
	for err == nil && size > 0 {
		buf := make([]byte, size)
		if size, err = unix.Llistxattr(path, buf); err == nil {
			names := strings.Split(strings.TrimSuffix(string(buf[:size]), "\x00"), "\x00")
			slices.Sort(names)
			return names, nil
		}
		if !errors.Is(err, unix.ERANGE) {
			break
		}
		size, err = unix.Llistxattr(path, nil)
	}
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	return nil, err
}

func getXattr(path, name string) ([]byte, error) {
	buf := make([]byte, 256)
	n, err := unix.Lgetxattr(path, name, buf)
	if errors.Is(err, unix.ERANGE) {
		buf = make([]byte, 64<<10) // the kernel's own limit: xattr(7)
		n, err = unix.Lgetxattr(path, name, buf)
	}
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}
