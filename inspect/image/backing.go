package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/qcow2"
)

// maxBacking bounds a chain of backing files, and so ends one that is a circle.
const maxBacking = 16

// openQCOW2 opens an image and, where that is allowed, what it is based on.
func (i *Image) openQCOW2(f Device, beside string, o Options, depth int) (Device, error) {
	h, err := qcow2.ReadHeader(f)
	if err != nil {
		return nil, err
	}
	if h.Backing == "" {
		return qcow2.Open(f, f.Size(), nil)
	}
	if !o.AllowBacking || beside == "" {
		return nil, fmt.Errorf("it has the backing file %q: its content is not in this file alone; allow backing files, or merge them by qemu-img convert", h.Backing)
	}
	below, err := i.openBacking(h, beside, o, depth+1)
	if err != nil {
		return nil, fmt.Errorf("backing file %q: %w", h.Backing, err)
	}
	return qcow2.Open(f, f.Size(), below)
}

// openBacking opens the file below an image. It must lie in the same directory:
// the name is the image's word, which may be a trap.
func (i *Image) openBacking(h *qcow2.Header, beside string, o Options, depth int) (Device, error) {
	if depth > maxBacking {
		return nil, fmt.Errorf("more than %d images stand on each other", maxBacking)
	}
	if filepath.Base(h.Backing) != h.Backing || h.Backing == ".." || h.Backing == "." {
		return nil, errors.New("it is not in the same directory")
	}
	root, err := os.OpenRoot(beside)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(h.Backing)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := root.Open(h.Backing)
	if err != nil {
		return nil, err
	}
	i.closers = append(i.closers, file.Close)
	f := dir.NewFile(file, info.Size())
	switch h.BackingFormat {
	case "raw":
		return f, nil
	case "qcow2":
		return i.openQCOW2(f, beside, o, depth)
	}
	return nil, fmt.Errorf("its format %q is not read (raw and qcow2 are)", h.BackingFormat)
}
