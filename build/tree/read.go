package tree

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// An Info is what lstat(2) tells of one name.
type Info struct {
	// Name is the last component; "." for the root.
	Name string
	Type report.Type
	Mode report.Mode
	UID  uint32
	GID  uint32
	// Size is st_size, in bytes.
	Size  int64
	Mtime time.Time
	// Links is the number of names that the inode has.
	Links uint64
	// Major and Minor are a device node's own numbers.
	Major, Minor uint32
	// Device and Inode tell whether two names are one inode.
	Device, Inode uint64
}

// Lstat tells about name; a symlink itself is told about, not what it points to.
func (r *Root) Lstat(name string) (Info, error) {
	var info Info
	err := r.in("lstat", name, func(a at) (err error) {
		info, err = lstatat(a)
		return err
	})
	return info, err
}

// Stat tells about what name leads to, final symlinks followed inside of the root.
func (r *Root) Stat(name string) (Info, error) {
	resolved, err := r.Resolve(name)
	if err != nil {
		return Info{}, err
	}
	return r.Lstat(resolved)
}

// Exists says whether there is something of that name; a dangling symlink is.
func (r *Root) Exists(name string) (bool, error) {
	_, err := r.Lstat(name)
	if errorIsNotExist(err) {
		return false, nil
	}
	return err == nil, err
}

func lstatat(a at) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(a.fd, a.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return Info{}, err
	}
	info := infoOf(&st)
	info.Name = a.name
	return info, nil
}

func infoOf(st *unix.Stat_t) Info {
	return Info{
		Type:   typeOf(st.Mode),
		Mode:   report.Mode(st.Mode & 0o7777),
		UID:    st.Uid,
		GID:    st.Gid,
		Size:   st.Size,
		Mtime:  time.Unix(st.Mtim.Sec, st.Mtim.Nsec).UTC(),
		Links:  uint64(st.Nlink), //nolint:unconvert // 32 bits on arm64
		Major:  unix.Major(st.Rdev),
		Minor:  unix.Minor(st.Rdev),
		Device: st.Dev,
		Inode:  st.Ino,
	}
}

func typeOf(mode uint32) report.Type {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return report.Directory
	case unix.S_IFLNK:
		return report.Symlink
	case unix.S_IFCHR:
		return report.Char
	case unix.S_IFBLK:
		return report.Block
	case unix.S_IFIFO:
		return report.FIFO
	case unix.S_IFSOCK:
		return report.Socket
	default:
		return report.File
	}
}

// Readlink is the target of the symlink name, as it is stored.
func (r *Root) Readlink(name string) (string, error) {
	var target string
	err := r.in("readlink", name, func(a at) (err error) {
		target, err = readlinkat(a)
		return err
	})
	return target, err
}

func readlinkat(a at) (string, error) {
	buf := make([]byte, unix.PathMax+1)
	n, err := unix.Readlinkat(a.fd, a.name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// ReadFile is the content of a regular file of at most [MaxFile] bytes. Final
// symlinks are followed inside of the root. Anything that is not a regular
// file is refused unopened: a FIFO would block, a device may act.
func (r *Root) ReadFile(name string) ([]byte, error) {
	f, err := r.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	if len(data) > MaxFile {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("the file is larger than %d bytes", MaxFile)}
	}
	return data, nil
}

// ReadDir lists a directory, sorted by the bytes of the names. Final symlinks
// are followed inside of the root.
func (r *Root) ReadDir(name string) ([]Info, error) {
	fd, err := r.openat2(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, &fs.PathError{Op: "read directory", Path: name, Err: err}
	}
	list, err := readDir(os.NewFile(uintptr(fd), name))
	if err != nil {
		return nil, &fs.PathError{Op: "read directory", Path: name, Err: err}
	}
	return list, nil
}

// readDir lists and closes an open directory.
func readDir(dir *os.File) ([]Info, error) {
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	list := make([]Info, 0, len(names))
	for _, name := range names {
		info, err := lstatat(at{fd: int(dir.Fd()), name: name})
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	return list, nil
}

// Walk calls do for name and for everything below it, each directory before
// what it holds, names sorted by their bytes. Symlinks are not followed, name
// itself included. Where do returns [fs.SkipDir] for a directory, that is not
// entered; any other error ends the walk. Mounts below are walked too.
func (r *Root) Walk(name string, do func(name string, info Info) error) error {
	info, err := r.Lstat(name)
	if err != nil {
		return err
	}
	return r.walk(clean(name), info, do)
}

func (r *Root) walk(name string, info Info, do func(string, Info) error) error {
	err := do(name, info)
	if err == fs.SkipDir && info.Type == report.Directory {
		return nil
	}
	if err != nil || info.Type != report.Directory {
		return err
	}
	list, err := r.ReadDir(name)
	if err != nil {
		return err
	}
	for _, child := range list {
		if err := r.walk(strings.TrimSuffix(name, "/")+"/"+child.Name, child, do); err != nil {
			return err
		}
	}
	return nil
}

// clean makes a name absolute and, where that cannot change what it means
// (there is no ".." in it), shortest.
func clean(name string) string {
	if slices.Contains(strings.Split(name, "/"), "..") {
		return "/" + strings.Trim(name, "/")
	}
	return path.Clean("/" + name)
}
