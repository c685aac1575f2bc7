package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/inspect/image/qcow2"
	"github.com/assay-os/assay/inspect/image/vmdk"
)

// maxBacking bounds a chain of backing files, and so ends one that is a circle.
const maxBacking = 16

// openQCOW2 opens an image and, where that is allowed, what it is based on.
func (i *Image) openQCOW2(f Device, at place, depth int) (Device, error) {
	h, err := qcow2.ReadHeader(f)
	if err != nil {
		return nil, err
	}
	if depth == 0 {
		i.formatVersion = map[uint32]string{2: "0.10", 3: "1.1"}[h.Version]
	}
	if h.Backing == "" {
		return qcow2.Open(f, f.Size(), nil)
	}
	if !at.AllowBacking || at.beside == "" {
		return nil, fmt.Errorf("it has the backing file %q: its content is not in this file alone; allow it (--allow-backing), or merge them by qemu-img convert", h.Backing)
	}
	below, err := i.openBacking(h, at, depth+1)
	if err != nil {
		return nil, fmt.Errorf("backing file %q: %w", h.Backing, err)
	}
	return qcow2.Open(f, f.Size(), below)
}

// openBacking opens the file below an image.
func (i *Image) openBacking(h *qcow2.Header, at place, depth int) (Device, error) {
	if depth > maxBacking {
		return nil, fmt.Errorf("more than %d images stand on each other", maxBacking)
	}
	f, err := i.openBeside(h.Backing, at)
	if err != nil {
		return nil, err
	}
	switch h.BackingFormat {
	case "raw":
		return f, nil
	case "qcow2":
		return i.openQCOW2(f, at, depth)
	case "":
		return nil, errors.New("the image does not say its format, and guessing would let its content choose; qemu-img rebase -u -F FORMAT says it")
	}
	return nil, fmt.Errorf("its format %q is not read (raw and qcow2 are)", h.BackingFormat)
}

// openBeside opens a file that an image names. It must lie in the same directory:
// the name is the image's word, which may be a trap.
func (i *Image) openBeside(name string, at place) (Device, error) {
	if filepath.Base(name) != name || name == ".." || name == "." {
		return nil, errors.New("it is not in the same directory")
	}
	root, err := os.OpenRoot(at.beside)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	file, err := root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	i.closers = append(i.closers, file.Close)
	now, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(info, now) {
		return nil, errors.New("it was replaced while it was opened")
	}
	return dir.NewFile(file, now.Size()), nil
}

// vmdkExtent opens the extents that a VMDK descriptor names.
func (i *Image) vmdkExtent(at place) vmdk.Beside {
	if at.beside == "" {
		return nil
	}
	return func(name string) (io.ReaderAt, int64, error) {
		if !at.AllowBacking {
			return nil, 0, errors.New("the content is not in this file alone; allow files beside it (--allow-backing), or merge them by qemu-img convert")
		}
		f, err := i.openBeside(name, at)
		if err != nil {
			return nil, 0, err
		}
		return f, f.Size(), nil
	}
}
