package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/assay-os/assay/inspect/image/dir"
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
	if err := img.detect(ctx, f, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), img.Close())
	}
	return img, nil
}

// detect finds out what the content of a file is.
func (i *Image) detect(ctx context.Context, f Device, o Options) error {
	if f.Size() == 0 {
		return errors.New("it is empty")
	}
	return i.openDisk(ctx, f, "raw")
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
