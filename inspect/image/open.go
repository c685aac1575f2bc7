package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-os/assay/inspect/image/cpio"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/tarball"
	"github.com/assay-os/assay/inspect/image/vhd"
	"github.com/assay-os/assay/report"
)

// Options say how far a subject is opened. The zero value is the safe one.
type Options struct {
	// MaxSize bounds the decompressed size of a compressed subject, in bytes;
	// 0 is [DefaultMaxSize].
	MaxSize int64
	// TempDir is where a compressed subject is unpacked to, into a file without a
	// name; empty is the system's directory.
	TempDir string
	// AllowBacking lets an image read the files that it names: what a qcow2 image
	// is based on, the extents of a VMDK descriptor. They must lie in the same
	// directory. Without it such an image is refused: its content would depend on
	// a file that the caller did not name.
	AllowBacking bool
	// Platform chooses among container images: "os/architecture" or
	// "os/architecture/variant". Empty takes the only one.
	Platform string
	// Passphrases are tried on encrypted volumes, one after the other.
	Passphrases [][]byte
	// Name chooses among container images, too: a name, a tag or a digest.
	Name string
	// Ref chooses among the commits of an OSTree repository: a ref or a checksum. Empty
	// takes the only one.
	Ref string
	// CrossMounts reads what is mounted in a directory from a disk, too.
	CrossMounts bool
}

// DefaultMaxSize is where the unpacking of a compressed subject stops.
const DefaultMaxSize = 64 << 30

// Open opens the subject at path. What it is shows from its content, never
// from its name. The caller closes the image.
//
// An error says that there is nothing to be read; a subject of which only
// parts can be read opens, and its volumes and nodes say what is missing.
func Open(ctx context.Context, path string, o Options) (*Image, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: there is no such file or directory", path)
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openDirectory(ctx, path, o)
	}
	if !info.Mode().IsRegular() && info.Mode()&(fs.ModeDevice|fs.ModeCharDevice) != fs.ModeDevice {
		return nil, fmt.Errorf("open %s: it is neither a directory, a regular file nor a block device", path)
	}
	return openFile(ctx, path, o)
}

// openFile opens a file or a block device. What was opened is closed again when
// there is nothing to be read.
func openFile(ctx context.Context, path string, o Options) (*Image, error) {
	f, err := dir.OpenFile(path)
	if err != nil {
		return nil, err
	}
	img := &Image{options: o, closers: []func() error{f.Close}}
	if err := img.detect(ctx, f, place{Options: o, beside: filepath.Dir(path)}); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), img.Close())
	}
	return img, nil
}

// maxLayers bounds how deep what is compressed or archived lies in each other: a
// compressed archive of compressed disks has three.
const maxLayers = 3

// detect finds out what the content of a file is, layer by layer.
func (i *Image) detect(ctx context.Context, f Device, at place) error {
	if f.Size() == 0 {
		return errors.New("it is empty")
	}
	head := bytesAt(f, 0, headSize)
	if c, ok := compressionOf(head); ok {
		if len(at.layers) == maxLayers {
			return fmt.Errorf("it is packed more than %d times", maxLayers)
		}
		if c.hopeless(f) {
			return errNoImage
		}
		plain, err := c.unpack(ctx, f, at.Options)
		if err != nil {
			return fmt.Errorf("decompress %s: %w", c.name, err)
		}
		i.closers = append(i.closers, plain.Close)
		return i.detect(ctx, plain, at.inside(c.name))
	}
	if tarball.IsHeader(head) || isEmptyTar(f, head) {
		return i.openTar(ctx, f, at)
	}
	if cpio.Detect(head) {
		return i.openCPIO(ctx, f, at)
	}
	if found, err := i.openContainer(ctx, f, head, at); found {
		return err
	}
	if err := i.openDisk(ctx, f, at.format("raw")); err != nil {
		return err
	}
	if vhd.Leftover(f, f.Size()) {
		i.Problems = append(i.Problems, errors.New("it ends with the footer of a VHD that it is not: taken as a raw disk"))
	}
	return nil
}

// format names what was found with the layers around it.
func (p place) format(name string) string {
	return strings.Join(append(p.layers[:len(p.layers):len(p.layers)], name), "+")
}

// openTar opens an archive as the tree that it holds, or as the disk that is in it.
func (i *Image) openTar(ctx context.Context, f Device, at place) error {
	tree, err := tarball.Open(ctx, f, f.Size())
	if err != nil {
		return err
	}
	if found, err := i.openPackedDisk(ctx, tree, at); found || err != nil {
		return err
	}
	kind := func(kind string) string { return at.format(archiveOf(kind)) }
	if found, err := i.openWithin(ctx, tree, tree.Holds, at.Options, kind); found || err != nil {
		return err
	}
	i.Subject = report.Subject{Kind: "tar", Format: at.format("tar")}
	i.Trees = []Volume{{Filesystem: report.Filesystem{Type: "tar"}, Tree: tree}}
	return nil
}

func (i *Image) openCPIO(ctx context.Context, f Device, at place) error {
	format := "cpio"
	tree, err := cpio.Open(ctx, f, f.Size(), func(ctx context.Context, from int64) (io.ReaderAt, int64, error) {
		rest, err := newSection(f, from, f.Size()-from)
		if err != nil {
			return nil, 0, err
		}
		c, ok := compressionOf(bytesAt(rest, 0, headSize))
		if !ok {
			return nil, 0, nil
		}
		plain, err := c.unpack(ctx, rest, at.Options)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.name, err)
		}
		i.closers = append(i.closers, plain.Close)
		format += "," + c.name + "+cpio"
		return plain, plain.Size(), nil
	})
	if err != nil {
		return err
	}
	i.Subject = report.Subject{Kind: "cpio", Format: at.format(format)}
	i.Trees = []Volume{{Filesystem: report.Filesystem{Type: "cpio"}, Tree: tree}}
	return nil
}

// isEmptyTar tells of an archive without members: nothing but the end, which
// tar(1) pads to 10 KiB.
func isEmptyTar(f Device, head []byte) bool {
	const end, usual = 1024, 10 << 10
	return f.Size() >= end && f.Size() <= usual && len(bytes.Trim(head, "\x00")) == 0
}

func openDirectory(ctx context.Context, path string, o Options) (*Image, error) {
	tree, err := dir.Open(path)
	if err != nil {
		return nil, err
	}
	if o.CrossMounts {
		tree.CrossMounts()
	}
	img := &Image{closers: []func() error{tree.Close}}
	holds := func(name string) bool { return holdsName(path, name) }
	found, err := img.openWithin(ctx, tree, holds, o, func(kind string) string { return kind })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), img.Close())
	}
	if found {
		return img, nil
	}
	img.Subject = report.Subject{Kind: "directory"}
	img.Trees = []Volume{{Filesystem: report.Filesystem{Type: "directory"}, Tree: tree}}
	return img, nil
}
