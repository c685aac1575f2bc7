package store

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/report"
)

// A snapshot remembers, for every path of a tree that was just copied, which
// inode it is and when its status changed last. No program can set the time of
// a status change, and every change of content, metadata or name count sets it
// (inode(7)): what has the same inode and the same time is unchanged.
type snapshot map[string]stamp

type stamp struct {
	ino   uint64
	ctime unix.Timespec
}

// same tells whether path is as it was. Without a snapshot nothing is.
func (s snapshot) same(path string, st *unix.Stat_t) bool {
	old, ok := s[path]
	return ok && old == stamp{st.Ino, st.Ctim}
}

// takeSnapshot remembers the tree in root, and returns when the filesystem's
// clock has passed every time in it, so that no later change can hide in the
// same tick.
func takeSnapshot(root string) (snapshot, error) {
	s := make(snapshot)
	var last unix.Timespec
	err := filepath.WalkDir(root, func(disk string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(disk, &st); err != nil {
			return &os.PathError{Op: "lstat", Path: disk, Err: err}
		}
		s[cmp.Or(disk[len(root):], "/")] = stamp{st.Ino, st.Ctim}
		if after(st.Ctim, last) {
			last = st.Ctim
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, waitPast(root+".tick", last)
}

func after(a, b unix.Timespec) bool {
	return cmp.Or(cmp.Compare(a.Sec, b.Sec), cmp.Compare(a.Nsec, b.Nsec)) > 0
}

// waitPast touches the file probe until its time of change is after t.
func waitPast(probe string, t unix.Timespec) error {
	for {
		if err := os.WriteFile(probe, nil, 0o600); err != nil {
			return err
		}
		if err := os.Chmod(probe, 0o600); err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(probe, &st); err != nil {
			return err
		}
		if after(st.Ctim, t) {
			return os.Remove(probe)
		}
		time.Sleep(time.Millisecond)
	}
}

// A layerMaker moves what changed out of a whole tree into a directory of the
// same form as an overlay's upper one.
type layerMaker struct {
	tree, data string
	base       *fold
	delta      *delta
	// made are the paths that are in data, with what they are.
	made map[report.Raw]report.Type
	dirs []*item
}

// build makes the layer's directory and returns its form.
func (m *layerMaker) build(found []*scanned) (string, error) {
	m.made = make(map[report.Raw]report.Type)
	for _, f := range found { // a directory comes before what is in it
		if err := m.parents(f.item.entry.Path); err != nil {
			return "", err
		}
		if err := m.add(f.item); err != nil {
			return "", err
		}
	}
	form, err := m.whiteouts()
	if err != nil {
		return "", err
	}
	for n := len(m.dirs) - 1; n >= 0; n-- {
		e := &m.dirs[n].entry
		if err := setMtime(filepath.Join(m.data, string(e.Path)), e.Mtime); err != nil {
			return "", err
		}
	}
	return form, nil
}

func (m *layerMaker) add(i *item) error {
	e := &i.entry
	disk := filepath.Join(m.data, string(e.Path))
	m.made[e.Path] = e.Type
	if e.Type != report.Directory {
		return os.Rename(filepath.Join(m.tree, string(e.Path)), disk)
	}
	m.dirs = append(m.dirs, i)
	if e.Path != "/" {
		if err := os.Mkdir(disk, 0o700); err != nil {
			return err
		}
	}
	return applyMetadata(disk, e)
}

// parents carries the unchanged directories above path.
func (m *layerMaker) parents(path report.Raw) error {
	for n := range len(path) {
		if path[n] != '/' || path == "/" {
			continue
		}
		dir := path[:max(n, 1)]
		if _, ok := m.made[dir]; ok {
			continue
		}
		old := m.base.entry(dir)
		if old == nil {
			return &os.PathError{Op: "find in the base", Path: string(dir), Err: fs.ErrNotExist}
		}
		carried := &item{entry: old.entry, line: old.line}
		m.delta.carry(carried)
		if err := m.add(carried); err != nil {
			return err
		}
	}
	return nil
}

// whiteouts marks what was removed, for overlay mounts of a later time. A
// filesystem that takes no whiteouts could not serve them anyway.
func (m *layerMaker) whiteouts() (string, error) {
	removed := make(map[report.Raw]bool, len(m.delta.removed))
	for _, p := range m.delta.removed {
		removed[p] = true
		parent := report.Raw(filepath.Dir(string(p)))
		if kind, ok := m.made[parent]; removed[parent] || ok && kind != report.Directory {
			continue
		}
		if err := m.parents(p); err != nil {
			return "", err
		}
		switch err := unix.Mknod(filepath.Join(m.data, string(p)), unix.S_IFCHR, 0); err {
		case nil:
		case unix.EPERM, unix.ENOTSUP, unix.EINVAL:
			return formPlain, nil
		default:
			return "", &os.PathError{Op: "make whiteout", Path: string(p), Err: err}
		}
	}
	return formOverlay, nil
}
