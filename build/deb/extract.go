package deb

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/tree"
	"github.com/assay-os/assay/report"
)

// Extract writes the files of packages into root, in the order given, after
// the links of a merged /usr. No script runs and nothing is registered.
//
// No member leaves root, whatever links a package brings along. Where two
// packages have the same path, the one that Replaces the other wins, as with
// dpkg; two that do not are refused. A directory keeps the mode, owner and
// time of the first package that has it.
func (s *Set) Extract(ctx context.Context, root *tree.Root, packages []*Package) error {
	if err := mergeUsr(root, s.Packages); err != nil {
		return err
	}
	x := &extractor{root: root, set: s, owner: map[string]*Package{}, buf: make([]byte, 256<<10)}
	err := unpackInOrder(ctx, packages, func(p *Package, files io.Reader) error {
		if err := x.extract(p, files); err != nil {
			return fmt.Errorf("unpack %s %s: %w", p.Name, p.Version, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return x.setTimes()
}

// mergeUsr makes /bin and its like links into /usr before anything is
// unpacked, as debootstrap does: packages still ship ./bin/….
func mergeUsr(root *tree.Root, packages []*Package) error {
	names := []string{"bin", "sbin", "lib"}
	if slices.ContainsFunc(packages, func(p *Package) bool { return p.Architecture == "amd64" }) {
		names = append(names, "lib32", "lib64", "libx32")
	}
	for _, name := range names {
		if there, err := root.Exists(name); err != nil || there {
			if err != nil {
				return err
			}
			continue
		}
		if err := root.MkdirAll("usr/"+name, 0o755); err != nil {
			return err
		}
		if err := root.Symlink("usr/"+name, name); err != nil {
			return err
		}
	}
	return nil
}

// An extractor writes packages into one tree.
type extractor struct {
	root  *tree.Root
	set   *Set
	owner map[string]*Package // by path, as the first package spelled it
	dirs  []directoryTime
	buf   []byte
}

type directoryTime struct {
	name string
	time time.Time
}

func (x *extractor) extract(p *Package, files io.Reader) error {
	archive := tar.NewReader(files)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := memberName(h.Name)
		if err != nil {
			return err
		}
		if name == "." {
			continue
		}
		if err := x.member(p, name, h, archive); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// memberName is a clean relative name. One that climbs is an attack, even
// though the tree would stop it.
func memberName(raw string) (string, error) {
	if slices.Contains(strings.Split(raw, "/"), "..") {
		return "", fmt.Errorf("member %q climbs out of the package", raw)
	}
	if clean := path.Join("/", raw); clean != "/" {
		return clean[1:], nil
	}
	return ".", nil
}

func (x *extractor) member(p *Package, name string, h *tar.Header, content io.Reader) error {
	if h.Typeflag == tar.TypeDir {
		return x.directory(name, h)
	}
	write, err := x.claim(p, name, h)
	if err != nil || !write {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return x.file(name, h, content)
	case tar.TypeSymlink:
		if err := x.root.Symlink(h.Linkname, name); err != nil {
			return err
		}
	case tar.TypeLink:
		target, err := memberName(h.Linkname)
		if err != nil {
			return err
		}
		return x.root.Link(target, name)
	default:
		return fmt.Errorf("is a %s, which no package of a build root needs", typeName(h.Typeflag))
	}
	if err := x.root.Chown(name, uint32(h.Uid), uint32(h.Gid)); err != nil {
		return err
	}
	return x.root.Utimes(name, h.ModTime.Truncate(time.Second))
}

func typeName(flag byte) string {
	switch flag {
	case tar.TypeChar:
		return "character device"
	case tar.TypeBlock:
		return "block device"
	case tar.TypeFifo:
		return "fifo"
	}
	return fmt.Sprintf("tar member of type %q", flag)
}

// directory makes a directory that is not there; a link to one serves too.
func (x *extractor) directory(name string, h *tar.Header) error {
	info, err := x.root.Stat(name)
	switch {
	case err == nil && info.Type == report.Directory && info.Mode == 0:
		// The sandbox makes mount points of mode 0 where a tree lacks them.
		return x.describe(name, h)
	case err == nil && info.Type == report.Directory:
		return nil
	case err == nil:
		return fmt.Errorf("is a directory here and a %s in another package", info.Type)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := x.parents(name); err != nil {
		return err
	}
	if err := x.root.Mkdir(name, 0o700); err != nil {
		return err
	}
	return x.describe(name, h)
}

// describe gives a directory what its package says of it.
func (x *extractor) describe(name string, h *tar.Header) error {
	if err := x.root.Chown(name, uint32(h.Uid), uint32(h.Gid)); err != nil {
		return err
	}
	x.dirs = append(x.dirs, directoryTime{name, h.ModTime.Truncate(time.Second)})
	return x.root.Chmod(name, report.Mode(h.Mode&0o7777))
}

// parents makes directories that the package did not list.
func (x *extractor) parents(name string) error {
	dir := path.Dir(name)
	if dir == "." {
		return nil
	}
	if there, err := x.root.Exists(dir); err == nil && there {
		return nil
	}
	return x.root.MkdirAll(dir, 0o755)
}

// claim makes the place free for p's file and tells whether p's is the one to
// be written.
func (x *extractor) claim(p *Package, name string, h *tar.Header) (bool, error) {
	info, err := x.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		x.owner[canonical(name)] = p
		return true, x.parents(name)
	}
	if err != nil {
		return false, err
	}
	other := x.owner[canonical(name)]
	switch {
	case info.Type == report.Symlink && h.Typeflag == tar.TypeSymlink && x.sameLink(name, h.Linkname):
		return false, nil
	case info.Type == report.Directory:
		return false, errors.New("is a directory in another package")
	case other == nil:
		return false, errors.New("is there already")
	case x.replaces(other, p):
		return false, nil
	case other != p && !x.replaces(p, other):
		return false, fmt.Errorf("is in %s too, and neither package Replaces the other", other.Name)
	}
	x.owner[canonical(name)] = p
	return true, x.root.Remove(name)
}

func (x *extractor) sameLink(name, target string) bool {
	there, err := x.root.Readlink(name)
	return err == nil && there == target
}

// replaces tells whether a's Replaces field names b.
func (x *extractor) replaces(a, b *Package) bool {
	return a != b && slices.ContainsFunc(a.Replaces, func(r Alternatives) bool { return slices.Contains(r, b.Name) })
}

// canonical is the same for both spellings of a path in a merged /usr.
func canonical(name string) string {
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "bin", "sbin", "lib", "lib32", "lib64", "libx32":
		return "usr/" + name
	}
	return name
}

func (x *extractor) file(name string, h *tar.Header, content io.Reader) (err error) {
	f, err := x.root.OpenFile(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// Hiding ReadFrom makes CopyBuffer use the buffer.
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, content, x.buf); err != nil {
		return err
	}
	fd := int(f.Fd())
	if err := unix.Fchown(fd, h.Uid, h.Gid); err != nil {
		return err
	}
	// After chown(2), which clears set-user-ID.
	if err := unix.Fchmod(fd, uint32(h.Mode&0o7777)); err != nil {
		return err
	}
	t := unix.NsecToTimeval(h.ModTime.Truncate(time.Second).UnixNano())
	return unix.Futimes(fd, []unix.Timeval{t, t})
}

// setTimes comes last: every file made in a directory changes its time.
func (x *extractor) setTimes() error {
	for _, d := range x.dirs {
		if err := x.root.Utimes(d.name, d.time); err != nil {
			return err
		}
	}
	return nil
}
