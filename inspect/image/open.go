package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/qcow2"
	"github.com/assay-os/assay/inspect/image/tarball"
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
	// AllowBacking lets a qcow2 image read the file below it, which must lie
	// in the same directory. Without it such an image is refused: its content
	// would depend on a file that the caller did not name.
	AllowBacking bool
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
		return openDirectory(path)
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
	img := &Image{closers: []func() error{f.Close}}
	if err := img.detect(ctx, f, filepath.Dir(path), o); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), img.Close())
	}
	return img, nil
}

// detect finds out what the content of a file is, through one layer of
// compression. Beside is the directory that the file lies in.
func (i *Image) detect(ctx context.Context, f Device, beside string, o Options) error {
	if f.Size() == 0 {
		return errors.New("it is empty")
	}
	head := bytesAt(f, 0, 64<<10)
	if c, ok := compressionOf(head); ok {
		plain, err := c.unpack(ctx, f, o)
		if err != nil {
			return fmt.Errorf("decompress %s: %w", c.name, err)
		}
		i.closers = append(i.closers, plain.Close)
		f, head = plain, bytesAt(plain, 0, 64<<10)
		if err := i.detectPlain(ctx, f, head, "", o); err != nil {
			return err
		}
		i.Subject.Format = c.name + "+" + i.Subject.Format
		return nil
	}
	return i.detectPlain(ctx, f, head, beside, o)
}

// detectPlain takes what is not compressed. Beside is empty where no file may be
// opened beside this one.
func (i *Image) detectPlain(ctx context.Context, f Device, head []byte, beside string, o Options) error {
	switch {
	case bytes.HasPrefix(head, []byte(qcow2.Magic)):
		dev, err := i.openQCOW2(f, beside, o, 0)
		if err != nil {
			return err
		}
		return i.openDisk(ctx, dev, "qcow2")
	case tarball.IsHeader(head) || isEmptyTar(f, head):
		return i.openTar(ctx, f)
	}
	if kind := unreadContainer(f, head); kind != "" {
		return fmt.Errorf("it is a %s image, which this version does not read; qemu-img convert -O raw makes a file that it does", kind)
	}
	return i.openDisk(ctx, f, "raw")
}

func (i *Image) openTar(ctx context.Context, f Device) error {
	tree, err := tarball.Open(ctx, f, f.Size())
	if err != nil {
		return err
	}
	i.Subject = report.Subject{Kind: "tar", Format: "tar"}
	i.Trees = []Volume{{Filesystem: report.Filesystem{Type: "tar"}, Tree: tree}}
	return nil
}

// isEmptyTar tells of an archive without members: nothing but the end, which
// tar(1) pads to 10 KiB.
func isEmptyTar(f Device, head []byte) bool {
	const end, usual = 1024, 10 << 10
	return f.Size() >= end && f.Size() <= usual && len(bytes.Trim(head, "\x00")) == 0
}

// unreadContainer names a container that has no reader yet.
func unreadContainer(f Device, head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("KDMV")), bytes.HasPrefix(head, []byte("# Disk DescriptorFile")):
		return "vmdk"
	case bytes.HasPrefix(head, []byte("vhdxfile")):
		return "vhdx"
	case bytes.HasPrefix(head, []byte("conectix")), bytes.Equal(bytesAt(f, f.Size()-512, 8), []byte("conectix")):
		return "vhd"
	case bytes.Equal(head[0x40:0x44], []byte("\x7f\x10\xda\xbe")):
		return "vdi"
	}
	return ""
}

func openDirectory(path string) (*Image, error) {
	tree, err := dir.Open(path)
	if err != nil {
		return nil, err
	}
	return &Image{
		Subject: report.Subject{Kind: "directory"},
		Trees:   []Volume{{Filesystem: report.Filesystem{Type: "directory"}, Tree: tree}},
		closers: []func() error{tree.Close},
	}, nil
}
