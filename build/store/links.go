package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// restoreLinks puts every hard-link group that the step touched whole into the
// upper directory.
//
// When one name of a file with several is changed in an overlay, only that
// name is copied up; overlayfs' index (the directory ovl/index) remembers the
// inode, under the file handle of the lower one, so that the other names lead
// to it. The index ends with the mount. So the names that are still in the
// tree are linked to the inode here, and the next step sees one file.
func (w *dirWork) restoreLinks(base *fold) error {
	index := filepath.Join(w.path, "ovl", "index")
	names, err := os.ReadDir(index)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	groups, err := w.groupsByHandle(base)
	if err != nil {
		return err
	}
	for _, n := range names {
		raw, err := hex.DecodeString(n.Name())
		if err != nil || len(raw) <= handleOffset {
			continue // "#12": overlayfs' own temporary
		}
		members := groups[handleKey(int32(raw[handleTypeOffset]), raw[handleOffset:])]
		for _, m := range members {
			if err := w.restoreLink(base, m.entry.Path, filepath.Join(index, n.Name())); err != nil {
				return fmt.Errorf("restore hard link %s: %w", m.entry.Path, err)
			}
		}
	}
	return nil
}

// An index name is the hex form of struct ovl_fb (fs/overlayfs/overlayfs.h):
// version, magic, length, flags, handle type, 16 bytes of UUID, file handle.
const (
	handleTypeOffset = 4
	handleOffset     = 21
)

func handleKey(kind int32, handle []byte) string { return fmt.Sprintf("%d:%x", kind, handle) }

// groupsByHandle maps the file handle of each group's inode in the layers to
// the group.
func (w *dirWork) groupsByHandle(base *fold) (map[string][]*item, error) {
	groups := make(map[string][]*item)
	for _, members := range base.groups() {
		disk, err := w.lowerPath(members[0].entry.Path)
		if err != nil {
			return nil, err
		}
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, disk, 0)
		if err != nil {
			return nil, &os.PathError{Op: "get file handle of", Path: disk, Err: err}
		}
		groups[handleKey(handle.Type(), handle.Bytes())] = members
	}
	return groups, nil
}

// lowerPath is where the topmost layer that has path keeps it.
func (w *dirWork) lowerPath(path report.Raw) (string, error) {
	for _, l := range w.view.Lower {
		root := filepath.Join(w.view.Base, l)
		if ok, err := hasName(root, string(path)); err != nil || ok {
			return filepath.Join(root, string(path)), err
		}
	}
	return "", fmt.Errorf("%s is in no layer", path)
}

// hasName tells whether root holds path, no symlink followed on the way.
func hasName(root, path string) (bool, error) {
	dir, err := os.OpenFile(root, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return false, err
	}
	defer dir.Close() // a path handle: nothing to lose
	fd, err := unix.Openat2(int(dir.Fd()), "."+path, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS,
	})
	switch {
	case err == nil:
		return true, unix.Close(fd)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return false, nil
	}
	return false, &os.PathError{Op: "open", Path: filepath.Join(root, path), Err: err}
}

// restoreLink links path in the upper directory to inode, unless the step
// removed or replaced the name.
func (w *dirWork) restoreLink(base *fold, path report.Raw, inode string) error {
	upper := filepath.Join(w.path, "upper")
	visible, err := baseShows(upper, path)
	if err != nil || !visible {
		return err
	}
	if err := carryParents(upper, base, path); err != nil {
		return err
	}
	disk := filepath.Join(upper, string(path))
	return keepMtime(filepath.Dir(disk), func() error { return os.Link(inode, disk) })
}

// baseShows tells whether the merged tree shows the base's entry at path: the
// upper directory has neither the name nor anything that hides it.
func baseShows(upper string, path report.Raw) (bool, error) {
	for n := 1; n <= len(path); n++ {
		if n < len(path) && path[n] != '/' {
			continue
		}
		node, err := readInode(filepath.Join(upper, string(path[:n])))
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if n == len(path) || !node.isDir() || node.opaque {
			// A name inside of an opaque directory is visible only when it is
			// in the upper directory itself.
			return false, nil
		}
	}
	return false, nil
}

// carryParents makes the directories above path that root does not have yet,
// as they are in base.
func carryParents(root string, base *fold, path report.Raw) error {
	for n := 1; n < len(path); n++ {
		if path[n] != '/' {
			continue
		}
		dir := path[:n]
		disk := filepath.Join(root, string(dir))
		if _, err := os.Lstat(disk); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			continue
		}
		i := base.entry(dir)
		if i == nil {
			return fmt.Errorf("the base has no directory %s", dir)
		}
		err := keepMtime(filepath.Dir(disk), func() error { return os.Mkdir(disk, 0o700) })
		if err == nil {
			err = applyMetadata(disk, &i.entry)
		}
		if err == nil {
			err = setMtime(disk, i.entry.Mtime)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepMtime undoes what change does to the time of directory dir.
func keepMtime(dir string, change func() error) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return setMtime(dir, info.ModTime())
}
