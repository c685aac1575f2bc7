// Package disk makes a bootable raw disk image of a layout and a tree without
// mounting or attaching anything: partition table, filesystems and boot loader
// are written into a plain, sparse file by the build root's own tools.
package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/assay-os/assay/assemblers/ext4"
	"github.com/assay-os/assay/assemblers/layout"
	"github.com/assay-os/assay/build/step"
	"github.com/assay-os/assay/report"
)

// A Spec is a disk to be made.
type Spec struct {
	// Image is the file's path; the file must not exist.
	Image  string
	Layout *layout.Layout
	// Loader is nil for a disk that does not boot.
	Loader *Loader
	// Source is the directory of the tree that fills the filesystems, Entries
	// its record, sorted.
	Source  string
	Entries []report.Entry
	Epoch   time.Time
	// Scratch is an existing directory for what does not stay.
	Scratch string
	// Step runs the tools.
	Step *step.Context
}

// Make makes the image. When it fails it leaves no file.
func Make(ctx context.Context, s Spec) (err error) {
	placed, err := s.Layout.Place()
	if err != nil {
		return err
	}
	s.Layout = placed
	if err := s.check(); err != nil {
		return err
	}
	if err := create(s.Image, placed.Size); err != nil {
		return fmt.Errorf("make disk: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(s.Image))
		}
	}()
	if err := s.table(ctx); err != nil {
		return fmt.Errorf("write partition table: %w", err)
	}
	if err := s.filesystems(ctx); err != nil {
		return err
	}
	if s.Loader != nil {
		if err := s.install(ctx); err != nil {
			return fmt.Errorf("install grub2: %w", err)
		}
	}
	return nil
}

// check refuses what the layout may say and this package cannot make.
func (s Spec) check() error {
	mounts := s.Layout.Mounts()
	for _, m := range mounts {
		if m.Mountpoint != "/" {
			return fmt.Errorf("layout.partitions[%d].filesystem.mountpoint: only one filesystem, at /, can be filled as yet; leave %s out",
				m.Index-1, m.Mountpoint)
		}
	}
	if len(mounts) == 0 && len(s.Entries) > 1 {
		return errors.New("layout.partitions: no filesystem has the mountpoint /, so the tree has no place to go")
	}
	if s.Loader != nil {
		return s.Loader.check(s.Layout)
	}
	return nil
}

// create makes a sparse file of the given size.
func create(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

func (s Spec) filesystems(ctx context.Context) error {
	for i, p := range s.Layout.Partitions {
		if p.Filesystem == nil {
			continue
		}
		spec := ext4.Spec{
			Image: s.Image, Offset: p.Start, Size: p.Size / 4096 * 4096,
			UUID: strings.ToLower(p.Filesystem.UUID), Label: p.Filesystem.Label,
			Epoch: s.Epoch, Scratch: s.Scratch, Step: s.Step,
		}
		if p.Filesystem.Mountpoint != "" {
			spec.Source, spec.Entries = s.Source, s.Entries
		}
		if err := ext4.Make(ctx, spec); err != nil {
			return fmt.Errorf("partition %d: %w", i+1, err)
		}
	}
	return nil
}
