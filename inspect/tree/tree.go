// Package tree is an image's own tree of files as the readers of its parts see
// it: names are looked up as the image itself would, links and all, and no
// look-up leaves it.
//
// Package inspect puts it together from the image's volumes; here nothing is
// walked, hashed or mounted.
package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/assay-os/assay/inspect/canonical"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// A Tree is the image's own tree of files, its volumes mounted where the
// image's fstab says. It resolves names as the image would: a symbolic link is
// followed inside of the tree, an absolute one from the tree's root.
//
// A name that is not there gives an error that is [fs.ErrNotExist], but only
// where that is certain: below a directory that could not be read it is
// [ErrUnread].
type Tree struct {
	// Files is sorted by the bytes of the path.
	Files []File
	// Missing says that a volume of the tree could not be read, and which.
	Missing string
	// Factory says that the tree is not deployed yet: what it has in /usr/etc will
	// be its /etc, where it has none: ostree-prepare-root(1).
	Factory bool
}

// ErrUnread says that it cannot be known whether a name exists.
var ErrUnread = errors.New("could not be read")

// A File is one name of a Tree.
type File struct {
	// Path is where the name is in the whole tree; the node knows only its
	// place in its own volume.
	Path string
	Node *image.Node
	// Source opens the content.
	Source image.Tree
	// Volume tells the inodes of one filesystem from another's.
	Volume int
	// First is the first name, in order, of the same inode when it has more.
	First *File
	// Survey is what was seen of an initramfs while its contents were read; nil for any
	// other file, and where contents are not read.
	Survey *canonical.Survey
}

// The bounds of a look-up: Linux' own for links (path_resolution(7)) and four
// times PATH_MAX for a path with all its links written out.
const (
	MaxLinks = 40
	maxPath  = 16384
)

// Find is the entry of a clean path, no link followed; nil when there is none.
func (t *Tree) Find(clean string) *File {
	i, ok := slices.BinarySearchFunc(t.Files, clean, func(f File, name string) int {
		return strings.Compare(f.Path, name)
	})
	if !ok {
		return nil
	}
	return &t.Files[i]
}

// Sort sorts files by the bytes of their path.
func Sort(files []File) {
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// Lookup finds name and follows links, the last one included.
func (t *Tree) Lookup(name string) (*File, error) { return t.resolve(name, true) }

// Lstat finds name and follows links, but not the last one.
func (t *Tree) Lstat(name string) (*File, error) { return t.resolve(name, false) }

func (t *Tree) resolve(name string, last bool) (*File, error) {
	at, todo, links := "/", strings.Split(name, "/"), 0
	for len(todo) > 0 {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		next := Join(at, part)
		f := t.Find(next)
		if f == nil && t.Factory && next == "/etc" {
			next = "/usr/etc"
			f = t.Find(next)
		}
		if f == nil {
			return nil, t.notThere(name, next)
		}
		if f.Node.Type != report.Symlink || !last && !rest(todo) {
			at = next
			continue
		}
		target := string(f.Node.Target)
		if links++; links > MaxLinks || len(target)+len(name) > maxPath {
			return nil, fmt.Errorf("look up %s: too many symbolic links at %s", name, next)
		}
		if strings.HasPrefix(target, "/") {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	f := t.Find(at)
	if f == nil {
		return nil, t.notThere(name, at)
	}
	return f, nil
}

// rest tells whether anything of a split path is left to look up.
func rest(parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return p != "" && p != "." })
}

// Join is the path of a name in a clean directory.
func Join(dir, name string) string {
	if dir == "/" {
		return "/" + name
	}
	return dir + "/" + name
}

// notThere is the error for a look-up of name that ended at the missing path at.
func (t *Tree) notThere(name, at string) error {
	for dir := path.Dir(at); ; dir = path.Dir(dir) {
		if f := t.Find(dir); f != nil {
			if f.Node.Err != nil {
				return fmt.Errorf("look up %s: %s %w: %w", name, dir, ErrUnread, f.Node.Err)
			}
			break
		}
		if dir == "/" {
			break
		}
	}
	if t.Missing != "" {
		return fmt.Errorf("look up %s: not there, but %s %w", name, t.Missing, ErrUnread)
	}
	return fmt.Errorf("look up %s: %w", name, fs.ErrNotExist)
}

// ReadFile gives the whole content of the regular file that name leads to. A
// file of more than limit bytes is an error, and nothing of it is read.
func (t *Tree) ReadFile(name string, limit int64) ([]byte, error) {
	f, err := t.Lookup(name)
	if err != nil {
		return nil, err
	}
	return f.Read(limit)
}

// Read gives the whole content of a regular file, as [Tree.ReadFile] does.
func (f *File) Read(limit int64) ([]byte, error) {
	if f.Node.Type != report.File {
		return nil, fmt.Errorf("read %s: it is a %s, not a file", f.Path, f.Node.Type)
	}
	if f.Node.Size > limit {
		return nil, fmt.Errorf("read %s: %d bytes are more than the %d that are read of such a file", f.Path, f.Node.Size, limit)
	}
	c, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	data := make([]byte, f.Node.Size)
	if n, err := c.ReadAt(data, 0); err != nil && (err != io.EOF || n != len(data)) {
		return nil, fmt.Errorf("read %s: %w", f.Path, err)
	}
	if err := image.Unchanged(c); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Path, err)
	}
	return data, nil
}

// Open opens a regular file's content; the caller closes it.
func (f *File) Open() (image.Content, error) {
	c, err := f.Source.Open(f.Node)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Path, err)
	}
	return c, nil
}

// Name is the last part of the file's path.
func (f *File) Name() string { return path.Base(f.Path) }

// ReadDir gives what is in the directory that name leads to, sorted.
func (t *Tree) ReadDir(name string) ([]*File, error) {
	dir, err := t.Lookup(name)
	if err != nil {
		return nil, err
	}
	if dir.Node.Type != report.Directory {
		return nil, fmt.Errorf("list %s: it is a %s, not a directory", dir.Path, dir.Node.Type)
	}
	if dir.Node.Err != nil {
		return nil, fmt.Errorf("list %s: %w: %w", dir.Path, ErrUnread, dir.Node.Err)
	}
	return t.children(dir.Path), nil
}

// children steps over what is below the directory's own names instead of
// reading it: '0' is the byte after '/', so NAME0 is the first that is not in NAME/.
func (t *Tree) children(dir string) []*File {
	prefix := Join(dir, "")
	var list []*File
	for i := t.search(prefix); i < len(t.Files) && strings.HasPrefix(t.Files[i].Path, prefix); {
		f := &t.Files[i]
		name := f.Path[len(prefix):]
		if slash := strings.IndexByte(name, '/'); slash >= 0 {
			i = t.search(prefix + name[:slash] + "0")
			continue
		}
		if name != "" {
			list = append(list, f)
		}
		i++
	}
	return list
}

// search is the index of the first path that is not less than name.
func (t *Tree) search(name string) int {
	i, _ := slices.BinarySearchFunc(t.Files, name, func(f File, name string) int {
		return strings.Compare(f.Path, name)
	})
	return i
}

// Glob gives the names that match a pattern of path.Match's form, sorted.
// Directories in the pattern are looked up as names are. Nothing there is no
// error; what could not be read is.
func (t *Tree) Glob(pattern string) ([]*File, error) {
	dirs := []string{"/"}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for _, part := range parts[:len(parts)-1] {
		if t.Factory && part == "etc" && len(dirs) == 1 && dirs[0] == "/" && t.Find("/etc") == nil {
			dirs[0] = "/usr/etc"
			continue
		}
		matched, err := t.match(dirs, part)
		if err != nil {
			return nil, err
		}
		dirs = dirs[:0]
		for _, f := range matched {
			dirs = append(dirs, f.Path)
		}
	}
	return t.match(dirs, parts[len(parts)-1])
}

// match gives what matches pattern in each of dirs.
func (t *Tree) match(dirs []string, pattern string) ([]*File, error) {
	var found []*File
	for _, dir := range dirs {
		if f, err := t.Lookup(dir); err == nil && f.Node.Type != report.Directory {
			continue
		}
		list, err := t.candidates(dir, pattern)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, f := range list {
			ok, err := path.Match(pattern, f.Name())
			if err != nil {
				return nil, fmt.Errorf("match %s: %w", pattern, err)
			}
			if ok {
				found = append(found, f)
			}
		}
	}
	return found, nil
}

// candidates are what a pattern may match in a directory: of one that is a plain name, what has
// that name. A directory of units has hundreds of others.
func (t *Tree) candidates(dir, pattern string) ([]*File, error) {
	d, err := t.Lookup(dir)
	if err != nil || d.Node.Err != nil || strings.ContainsAny(pattern, `*?[\`) {
		return t.ReadDir(dir)
	}
	if f := t.Find(Join(d.Path, pattern)); f != nil {
		return []*File{f}, nil
	}
	return nil, nil
}

// Link makes each name of an inode with several know the first one.
func (t *Tree) Link() {
	type inode struct {
		volume int
		number uint64
	}
	first := map[inode]*File{}
	for i := range t.Files {
		f := &t.Files[i]
		if f.Node.Inode == 0 || f.Node.Links == 1 || f.Node.Type == report.Directory {
			continue
		}
		key := inode{f.Volume, f.Node.Inode}
		if other, ok := first[key]; ok {
			other.First, f.First = other, other
		} else {
			first[key] = f
		}
	}
}

// Entries makes the report's list. Unless the tree is kept it lets go of the
// nodes on the way, so that the two are never whole in memory at once.
func (t *Tree) Entries(keep bool) []report.Entry {
	list := make([]report.Entry, len(t.Files))
	for i := range t.Files {
		f := &t.Files[i]
		e := f.Node.Entry
		e.Path = report.Raw(f.Path)
		if f.First != nil {
			e.Hardlink = report.Raw(f.First.Path)
			if f.First != f {
				head := &list[t.search(f.First.Path)]
				e.SHA256, e.Canonical, e.Roles, e.Holes = head.SHA256, head.Canonical, head.Roles, head.Holes
			}
		}
		list[i] = e
		if !keep {
			f.Node = nil
		}
	}
	return list
}
