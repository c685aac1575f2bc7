package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// Export implements [Store].
func (d *Dir) Export(ctx context.Context, t Tree, dst string) error {
	if err := d.export(ctx, t, dst); err != nil {
		return fmt.Errorf("export tree to %s: %w", dst, err)
	}
	return nil
}

func (d *Dir) export(ctx context.Context, t Tree, dst string) (err error) {
	if _, err := os.Lstat(dst); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return err
		}
		return fmt.Errorf("it exists already; remove it or choose another name")
	}
	f, err := d.fold(t)
	if err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dst))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	aside, err := os.MkdirTemp(parent, asidePrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(aside))
		}
	}()
	if err := os.Chmod(aside, 0o755); err != nil {
		return err
	}
	if err := d.materialise(ctx, f, aside); err != nil {
		return err
	}
	if err := syncFilesystem(aside); err != nil {
		return err
	}
	// RENAME_NOREPLACE: somebody may have made dst meanwhile.
	if err := unix.Renameat2(unix.AT_FDCWD, aside, unix.AT_FDCWD, dst, unix.RENAME_NOREPLACE); err != nil {
		return &os.LinkError{Op: "rename", Old: aside, New: dst, Err: err}
	}
	return syncDir(parent)
}

// materialise makes the whole tree f in the empty directory root. The list
// says what each entry is, the layers give the content.
func (d *Dir) materialise(ctx context.Context, f *fold, root string) error {
	for _, i := range f.items {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := d.makeEntry(i, root); err != nil {
			return fmt.Errorf("%s: %w", i.entry.Path, err)
		}
	}
	// Making names in a directory changes its time: the deepest comes first.
	for _, i := range slices.Backward(f.items) {
		if i.entry.Type == report.Directory {
			if err := setMtime(filepath.Join(root, string(i.entry.Path)), i.entry.Mtime); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Dir) makeEntry(i *item, root string) error {
	e := &i.entry
	dst := filepath.Join(root, string(e.Path))
	if e.Hardlink != "" && e.Hardlink != e.Path {
		return os.Link(filepath.Join(root, string(e.Hardlink)), dst)
	}
	if err := d.makeInode(i, dst); err != nil {
		return err
	}
	if err := applyMetadata(dst, e); err != nil {
		return err
	}
	return setMtime(dst, e.Mtime)
}

func (d *Dir) makeInode(i *item, dst string) error {
	e := &i.entry
	switch e.Type {
	case report.Directory:
		if e.Path == "/" {
			return nil
		}
		return os.Mkdir(dst, 0o700)
	case report.File:
		return copyContent(d.join("layers", i.layer, "data", string(e.Path)), dst, e.Size)
	case report.Symlink:
		return os.Symlink(string(e.Target), dst)
	case report.FIFO:
		return unix.Mkfifo(dst, 0o600)
	case report.Char:
		return makeDevice(dst, unix.S_IFCHR, e.Device)
	case report.Block:
		return makeDevice(dst, unix.S_IFBLK, e.Device)
	}
	return fmt.Errorf("a %s cannot be made", e.Type)
}

func makeDevice(dst string, kind uint32, numbers string) error {
	major, minor, _ := strings.Cut(numbers, ":")
	a, err := strconv.ParseUint(major, 10, 32)
	if err != nil {
		return fmt.Errorf("device %q: %w", numbers, err)
	}
	b, err := strconv.ParseUint(minor, 10, 32)
	if err != nil {
		return fmt.Errorf("device %q: %w", numbers, err)
	}
	return unix.Mknod(dst, kind|0o600, int(unix.Mkdev(uint32(a), uint32(b))))
}

// applyMetadata sets all but the time. The order counts: a change of owner
// takes set-user-ID and capabilities away, a change of mode an ACL's mask.
func applyMetadata(disk string, e *report.Entry) error {
	if err := os.Lchown(disk, int(e.UID), int(e.GID)); err != nil {
		return err
	}
	if e.Type != report.Symlink {
		if err := dropACL(disk, e); err != nil {
			return err
		}
		if err := unix.Chmod(disk, uint32(e.Mode)); err != nil {
			return &os.PathError{Op: "chmod", Path: disk, Err: err}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Xattrs)) {
		if err := unix.Lsetxattr(disk, name, []byte(e.Xattrs[name]), 0); err != nil {
			return &os.PathError{Op: "set attribute " + name + " of", Path: disk, Err: err}
		}
	}
	return nil
}

// dropACL removes the lists that a new file has from its directory's default
// list: acl(5).
func dropACL(disk string, e *report.Entry) error {
	for _, name := range []string{"system.posix_acl_access", "system.posix_acl_default"} {
		if _, ok := e.Xattrs[name]; ok {
			continue
		}
		err := unix.Lremovexattr(disk, name)
		if err != nil && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.ENOTSUP) {
			return &os.PathError{Op: "remove attribute " + name + " of", Path: disk, Err: err}
		}
	}
	return nil
}

// copyContent copies a file's bytes: shared where the filesystem can share
// them, else run by run, so that holes stay holes.
func copyContent(src, dst string, size int64) (err error) {
	in, err := os.OpenFile(src, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer in.Close() // opened for reading: nothing to lose
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return fmt.Errorf("%s is not the file of %d bytes that the layer's list says; run assay store verify --repair", src, size)
	}
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if size == 0 || unix.IoctlFileClone(int(out.Fd()), int(in.Fd())) == nil {
		return nil
	}
	if err := out.Truncate(size); err != nil {
		return err
	}
	return copyRuns(out, in, size)
}

// copyRuns copies the runs that hold data.
func copyRuns(out, in *os.File, size int64) error {
	return dataRuns(in, size, func(start, end int64) error {
		if _, err := out.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(out, in, end-start); err != nil {
			return fmt.Errorf("copy bytes %d to %d of %s: %w", start, end, in.Name(), err)
		}
		return nil
	})
}

// dataRuns calls f for each run of a file that holds data, with the file
// positioned at its start: lseek(2), SEEK_DATA.
func dataRuns(in *os.File, size int64, f func(start, end int64) error) error {
	for end := int64(0); end < size; {
		start, err := in.Seek(end, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil // a hole to the end
		}
		if err != nil {
			return err
		}
		if end, err = in.Seek(start, unix.SEEK_HOLE); err != nil {
			return err
		}
		if _, err := in.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if err := f(start, end); err != nil {
			return err
		}
	}
	return nil
}
