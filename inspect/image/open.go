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
	return nil, fmt.Errorf("open %s: neither a directory, an archive nor a disk image", path)
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
