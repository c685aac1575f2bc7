package tree

import (
	"fmt"
	"strings"
)

// Names lists what was found in the directory f, sorted by name. Unlike
// [Tree.ReadDir] it also gives what a directory that could not be read whole
// has shown: the caller looks at f.Node.Err.
func (t *Tree) Names(f *File) []*File { return t.children(f.Path) }

// Below lists f and everything that was found below it, sorted by path, so that
// a directory comes before what is in it.
func (t *Tree) Below(f *File) []*File {
	list := []*File{f}
	prefix := Join(f.Path, "")
	for i := t.search(prefix); i < len(t.Files) && strings.HasPrefix(t.Files[i].Path, prefix); i++ {
		if t.Files[i].Path != f.Path {
			list = append(list, &t.Files[i])
		}
	}
	return list
}

// Inode tells whether two files are one: names of the same inode of the same
// volume have equal strings. It is empty where that is not known.
func (f *File) Inode() string {
	if f.Node.Inode == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d", f.Volume, f.Node.Inode)
}
