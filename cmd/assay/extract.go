package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

type extractOptions struct {
	opening
	output  string
	devices bool
}

func newExtract() *cobra.Command {
	var o extractOptions
	c := &cobra.Command{
		Use:   "extract SUBJECT [PATH] -o DIR",
		Short: "Copy files out of a subject",
		Long: `Extract copies PATH (default /) of a directory, an archive or an image into the
directory DIR, which must be empty or not exist. Nothing is written outside of DIR.

Root gets every fact of each entry: owner, mode, time, attributes. A common user
gets modes without set-user-ID and set-group-ID, times, and user.* attributes.
Device nodes are left out unless root asks for them by --devices. What was left
out or could not be read is told, and then the exit code is 2.`,
		Example: "  assay extract disk.qcow2 /etc -o etc-of-the-image",
		Args:    positional(cobra.RangeArgs(1, 2)),
		RunE:    bounded(&o.maxMemory, func(c *cobra.Command, args []string) error { return runExtract(c, args, o) }),
	}
	c.Flags().StringVarP(&o.output, "output-directory", "o", "", "write into `DIR`")
	c.Flags().BoolVar(&o.devices, "devices", false, "make device nodes too (root only)")
	o.define(c.Flags())
	return c
}

func runExtract(c *cobra.Command, args []string, o extractOptions) (err error) {
	if o.output == "" {
		return usage(errors.New("extract: name the directory to write into by -o DIR"))
	}
	from := "/"
	if len(args) > 1 {
		from = args[1]
	}
	tree, err := openSubjectTree(c.Context(), args[0], o.opening)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	f, err := tree.Lookup(from)
	if err != nil {
		return notThere(err)
	}
	target, err := emptyDirectory(o.output)
	if err != nil {
		return usage(fmt.Errorf("extract: %w", err))
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	x := &extractor{target: target, root: os.Geteuid() == 0, devices: o.devices, base: f.Path, first: map[string]string{}}
	if err := x.run(c.Context(), tree.Below(f)); err != nil {
		return err
	}
	for _, reason := range x.left {
		fmt.Fprintf(c.ErrOrStderr(), "assay: extract: %s\n", reason)
	}
	if x.count > 0 {
		return &exitError{exitInconclusive, fmt.Errorf("extract: %d entries were left out or are not whole", x.count)}
	}
	return nil
}

// emptyDirectory opens a directory that holds nothing, and makes it when it is
// not there.
func emptyDirectory(name string) (*os.Root, error) {
	if err := os.Mkdir(name, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	names, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		return nil, fmt.Errorf("%s is not empty; name a new directory", name)
	}
	return os.OpenRoot(name)
}

// An extractor writes entries into a directory that it alone fills. Each is made
// new below a parent that it made itself, without following any link.
type extractor struct {
	target  *os.Root
	root    bool
	devices bool
	base    string
	// first is where the first name of a file with more was written to.
	first map[string]string
	// left are the first reasons for what is missing, count is of all.
	left  []string
	count int
}

func (x *extractor) run(ctx context.Context, files []*tree.File) error {
	var dirs []*tree.File
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := x.entry(ctx, f)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			x.leave(f, err)
			continue
		}
		if f.Node.Type == report.Directory {
			dirs = append(dirs, f)
		}
	}
	// Times and modes of directories last, the deepest first: what is written
	// into one changes the first and may be forbidden by the second.
	slices.SortStableFunc(dirs, func(a, b *tree.File) int { return -cmp.Compare(a.Path, b.Path) })
	for _, f := range dirs {
		if err := x.facts(f); err != nil {
			x.leave(f, err)
		}
	}
	return nil
}

func (x *extractor) leave(f *tree.File, err error) {
	const shown = 20
	if x.count++; x.count <= shown {
		x.left = append(x.left, report.Printable(f.Path+": "+err.Error()))
	}
}

// place is where an entry goes, relative to the target.
func (x *extractor) place(f *tree.File) string {
	if f.Path == x.base {
		if f.Node.Type != report.Directory {
			return path.Base(f.Path)
		}
		return "."
	}
	return strings.TrimPrefix(strings.TrimPrefix(f.Path, x.base), "/")
}

// entry makes one entry. An error of what was read is returned after what could
// be read was written.
func (x *extractor) entry(ctx context.Context, f *tree.File) error {
	name, n := x.place(f), f.Node
	if first, ok := x.linkTo(f); ok {
		return x.target.Link(first, name)
	}
	var err error
	switch n.Type {
	case report.Directory:
		if name != "." {
			err = x.target.Mkdir(name, 0o700)
		}
		return errors.Join(err, n.Err)
	case report.File:
		err = x.file(ctx, f, name)
	case report.Symlink:
		err = x.target.Symlink(string(n.Target), name)
	case report.FIFO, report.Socket, report.Char, report.Block:
		err = x.node(f, name)
	default:
		err = errors.New("of no known type")
	}
	if err != nil {
		return errors.Join(n.Err, err)
	}
	return errors.Join(n.Err, x.facts(f))
}

// linkTo is the place of an earlier name of the same file.
func (x *extractor) linkTo(f *tree.File) (string, bool) {
	if f.Node.Links < 2 || f.Node.Inode == 0 || f.Node.Type == report.Directory {
		return "", false
	}
	key := f.Inode()
	if first, ok := x.first[key]; ok {
		return first, true
	}
	x.first[key] = x.place(f)
	return "", false
}

func (x *extractor) file(ctx context.Context, f *tree.File, name string) (err error) {
	out, err := x.target.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	runs, err := content.Extents()
	if err = errors.Join(err, out.Truncate(f.Node.Size)); err != nil {
		return err
	}
	for _, r := range runs {
		if err := copyRun(ctx, out, content, r); err != nil {
			return err
		}
	}
	return image.Unchanged(content)
}

// copyRun copies one run to the same place; what is between runs stays a hole.
func copyRun(ctx context.Context, out *os.File, content image.Content, r image.Extent) error {
	buf := make([]byte, min(r.Length, 1<<20))
	for off := r.Offset; off < r.Offset+r.Length; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := content.ReadAt(buf[:min(int64(len(buf)), r.Offset+r.Length-off)], off)
		if n == 0 {
			return fmt.Errorf("read at byte %d: %w", off, cmp.Or(err, io.ErrUnexpectedEOF))
		}
		if _, err := out.WriteAt(buf[:n], off); err != nil {
			return err
		}
		off += int64(n)
	}
	return nil
}

func (x *extractor) node(f *tree.File, name string) error {
	kind := map[report.Type]uint32{report.FIFO: unix.S_IFIFO, report.Socket: unix.S_IFSOCK, report.Char: unix.S_IFCHR, report.Block: unix.S_IFBLK}[f.Node.Type]
	var dev uint64
	if f.Node.Device != "" {
		if !x.devices || !x.root {
			return errors.New("a device node: left out (root makes them with --devices)")
		}
		major, minor, _ := strings.Cut(f.Node.Device, ":")
		a, err1 := strconv.ParseUint(major, 10, 32)
		b, err2 := strconv.ParseUint(minor, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		dev = unix.Mkdev(uint32(a), uint32(b))
	}
	return x.inParent(name, func(fd int, base string) error { return unix.Mknodat(fd, base, kind|0o600, int(dev)) })
}

// inParent opens the directory of a name and hands it over with the last part.
func (x *extractor) inParent(name string, do func(fd int, base string) error) (err error) {
	parent, err := x.target.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parent.Close()) }()
	return do(int(parent.Fd()), path.Base(name))
}

// facts sets owner, attributes, mode and time, in the order in which the kernel lets
// the later ones stand: a new owner takes away set-user-ID and capabilities.
func (x *extractor) facts(f *tree.File) error {
	return x.inParent(x.place(f), func(fd int, base string) error {
		n := f.Node
		var errs []error
		if x.root {
			errs = append(errs, unix.Fchownat(fd, base, int(n.UID), int(n.GID), unix.AT_SYMLINK_NOFOLLOW))
		}
		for name, value := range n.Xattrs {
			if x.root || strings.HasPrefix(name, "user.") && n.Type != report.Symlink {
				at := "/proc/self/fd/" + strconv.Itoa(fd) + "/" + base
				if err := unix.Lsetxattr(at, name, []byte(value), 0); err != nil {
					errs = append(errs, fmt.Errorf("set %s: %w", name, err))
				}
			}
		}
		if n.Type != report.Symlink {
			mode := uint32(n.Mode)
			if !x.root {
				mode &^= unix.S_ISUID | unix.S_ISGID
			}
			errs = append(errs, unix.Fchmodat(fd, base, mode, 0))
		}
		when := unix.NsecToTimespec(int64(n.Mtime.Nanosecond()))
		when.Sec += n.Mtime.Unix()
		errs = append(errs, unix.UtimesNanoAt(fd, base, []unix.Timespec{when, when}, unix.AT_SYMLINK_NOFOLLOW))
		return errors.Join(errs...)
	})
}
