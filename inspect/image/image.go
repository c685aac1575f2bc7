// Package image opens anything that holds a tree of files (a directory, a
// tar, a disk image, a filesystem) and shows it in one uniform, read-only way:
// a [Tree] of nodes with every fact that report.Entry records.
//
// It mounts nothing, needs no root, and trusts nothing that it reads: every
// size, offset and count is checked, and what is wrong becomes an error that
// names the place. It computes no digests and knows no operating system; see
// package inspect.
//
//	img, err := image.Open(ctx, "disk.qcow2", image.Options{})
//	if err != nil { ... }
//	defer img.Close()
//	for _, v := range img.Trees {
//		if v.Err != nil { ... } // this filesystem cannot be read; why
//		err := v.Tree.Walk(ctx, func(n *image.Node) error { ... })
//	}
package image

import (
	"errors"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

// The views that readers hand out; package fsys holds their contracts.
type (
	Tree    = fsys.Tree
	Node    = fsys.Node
	Content = fsys.Content
	Device  = fsys.Device
	Extent  = fsys.Extent

	Subvolumes = fsys.Subvolumes
)

// Unchanged tells of a content that others may write to, in a directory of the running
// system, whether it is still what was listed.
func Unchanged(c Content) error { return fsys.Unchanged(c) }

// An Image is an opened subject.
type Image struct {
	Subject report.Subject
	// Disk is nil for directories and archives. Its Regions have no SHA256:
	// whoever reads Device fills them in.
	Disk *report.Disk
	// Device gives the guest-visible bytes of a disk; nil when Disk is.
	Device Device
	// Container is what the configuration of a container image says; nil for what is
	// none, and where it could not be read.
	Container *report.Container
	// Mapped are those devices of Disk.Mapped that can be read, by their names.
	Mapped map[string]Device
	// Trees are the filesystems that were found, in the order of their
	// partitions, then of Disk.Mapped. A directory or an archive has exactly one.
	Trees []Volume
	// Proofs are claims of mapped devices that nothing has settled yet.
	Proofs []Proof
	// Problems are what is wrong around the volumes although they could be
	// found: a broken primary table, a partition that overlaps another, data
	// that is missing at the end.
	Problems []error

	// formatVersion is that of the container that holds the disk.
	formatVersion string

	options Options
	closers []func() error
}

// Close releases what the image holds open. Trees and contents are not to be
// used after it.
func (i *Image) Close() error {
	var errs []error
	for n := len(i.closers) - 1; n >= 0; n-- {
		errs = append(errs, i.closers[n]())
	}
	i.closers = nil
	return errors.Join(errs...)
}

// A Volume is one filesystem of an image.
type Volume struct {
	// Partition is the index in Disk.Partitions, counted from 1; 0 when the
	// subject is the filesystem itself, or when Mapped is set.
	Partition int
	// Mapped is the name in Disk.Mapped of the device that it lies on.
	Mapped     string
	Filesystem report.Filesystem
	// Tree is nil when the filesystem cannot be read; Err says why.
	Tree Tree
	Err  error
	// start is where the volume lies in Device, -1 when it is not one run of it.
	start int64
}
