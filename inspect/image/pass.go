package image

import (
	"os"

	"github.com/assay-os/assay/inspect/image/pass"
)

// Pass begins a pass over the whole disk, which the reading of files takes part in:
// see package pass. It is nil where there is no disk. The caller ends it.
//
// What is decompressed for parts of blocks, because the files of a block are read at
// different times, is kept in a file without a name until the image is closed.
func (i *Image) Pass(chunk int64, keep int, visit pass.Visitor) *pass.Pass {
	d, ok := i.Device.(*pass.Device)
	if !ok {
		return nil
	}
	i.keepUnpacked(d.Below())
	return d.Begin(chunk, keep, visit)
}

// keepUnpacked has a disk whose blocks are compressed keep them.
func (i *Image) keepUnpacked(below Device) {
	d, ok := below.(interface {
		Keep(open func() (*os.File, error))
	})
	if !ok {
		return
	}
	var kept *os.File
	d.Keep(func() (*os.File, error) {
		f, err := unnamedFile(i.options.TempDir)
		kept = f
		return f, err
	})
	i.closers = append(i.closers, func() error {
		if kept == nil {
			return nil
		}
		return kept.Close()
	})
}
