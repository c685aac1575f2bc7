package dir

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// chunk bounds one path argument; Linux takes 4096 bytes.
const chunk = 3 << 10

// Open implements fsys.Tree. It fails when the name is another file by now.
func (t *Tree) Open(n *fsys.Node) (fsys.Content, error) {
	if n.Type != report.File {
		return nil, fmt.Errorf("open %s: a %s has no content", n.Path, n.Type)
	}
	fd, err := t.openFile(strings.TrimPrefix(string(n.Path), "/"))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	f := os.NewFile(uintptr(fd), string(n.Path))
	st, err := stat(fd)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || t.inode(unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino) != n.Inode {
		return nil, errors.Join(fmt.Errorf("open %s: it was replaced while it was read", n.Path), f.Close())
	}
	c := &content{File{File: f, size: int64(st.Size)}, stampOf(st)}
	if listed, ok := n.Sys.(stamp); ok && listed != c.opened {
		return nil, errors.Join(fmt.Errorf("open %s: %w", n.Path, errChanged), f.Close())
	}
	return c, nil
}

// errChanged says that content and what is known of it are of different times.
var errChanged = errors.New("it was changed while it was read")

// A content is a file of a tree, which others may write to.
type content struct {
	File
	opened stamp
}

// Unchanged implements fsys.Unchanged.
func (c *content) Unchanged() error {
	st, err := stat(int(c.Fd()))
	if err != nil {
		return err
	}
	if stampOf(st) != c.opened {
		return errChanged
	}
	return nil
}

func stat(fd int) (*unix.Statx_t, error) {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, statxMask, &st)
	return &st, err
}

// openFile opens a path below the root. No component may be a symlink, none may leave
// the mount, and O_NONBLOCK keeps a FIFO that took the name from waiting.
func (t *Tree) openFile(path string) (int, error) {
	resolve := uint64(unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV)
	if t.cross {
		resolve &^= unix.RESOLVE_NO_XDEV
	}
	at, owned := int(t.root.Fd()), false
	for {
		part, rest := split(path)
		how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC | unix.O_NOFOLLOW, Resolve: resolve}
		if rest != "" {
			how.Flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
		}
		fd, err := unix.Openat2(at, part, &how)
		if owned {
			unix.Close(at)
		}
		if err != nil || rest == "" {
			return fd, err
		}
		at, owned, path = fd, true, rest
	}
}

// split cuts a path that is too long for one call.
func split(path string) (part, rest string) {
	if len(path) <= chunk {
		return path, ""
	}
	at := strings.LastIndexByte(path[:chunk], '/')
	if at < 0 {
		return path, ""
	}
	return path[:at], path[at+1:]
}

// A File is an open regular file. It implements fsys.Content and fsys.Device.
type File struct {
	*os.File
	size int64
}

// OpenFile opens a regular file or a block device for reading, as the medium
// of an image.
func OpenFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return FileOf(f)
}

// FileOf takes an open regular file or block device as the medium of an image. With an
// error it is closed.
func FileOf(f *os.File) (*File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	size := info.Size()
	if info.Mode()&os.ModeDevice != 0 {
		if size, err = f.Seek(0, 2); err != nil {
			return nil, errors.Join(fmt.Errorf("find size of %s: %w", f.Name(), err), f.Close())
		}
	}
	return &File{File: f, size: size}, nil
}

// NewFile takes an open file as the medium of an image.
func NewFile(f *os.File, size int64) *File { return &File{File: f, size: size} }

// Size is the length of the file when it was opened.
func (f *File) Size() int64 { return f.size }

// Extents asks the filesystem for holes (lseek(2), SEEK_DATA). Where it
// knows none, the whole file is one extent.
func (f *File) Extents() ([]fsys.Extent, error) {
	var out []fsys.Extent
	for at := int64(0); at < f.size; {
		start, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return out, nil
		}
		if err != nil { // a block device, or a filesystem without holes
			return []fsys.Extent{{Length: f.size, Physical: -1}}, nil //nolint:nilerr
		}
		end, err := unix.Seek(int(f.Fd()), start, unix.SEEK_HOLE)
		if err != nil {
			return nil, fmt.Errorf("find holes of %s: %w", f.Name(), err)
		}
		if end = min(end, f.size); end <= start {
			return out, nil
		}
		out = append(out, fsys.Extent{Offset: start, Length: end - start, Physical: -1})
		at = end
	}
	return out, nil
}
