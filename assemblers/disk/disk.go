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
	// Image is the path of a file that exists and is empty.
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

// Make makes the image.
func Make(ctx context.Context, s Spec) error {
	if problems := Check(s.Layout, s.Loader); len(problems) > 0 {
		return problems
	}
	placed, err := s.Layout.Place()
	if err != nil {
		return err
	}
	s.Layout = placed
	if len(placed.Mounts()) == 0 && len(s.Entries) > 1 {
		return errors.New("layout.partitions: no filesystem has the mountpoint /, so the tree has no place to go")
	}
	if err := os.Truncate(s.Image, placed.Size); err != nil {
		return fmt.Errorf("make disk: %w", err)
	}
	if err := s.table(ctx); err != nil {
		return fmt.Errorf("write partition table: %w", err)
	}
	if err := s.filesystems(ctx); err != nil {
		return err
	}
	if s.Loader == nil {
		return nil
	}
	if err := s.install(ctx); err != nil {
		return fmt.Errorf("install grub2: %w", err)
	}
	return nil
}

// Check finds everything that is wrong with a layout, or that it may say and
// this package cannot make. The loader may be nil.
func Check(l *layout.Layout, loader *Loader) layout.Problems {
	_, err := l.Place()
	var problems layout.Problems
	errors.As(err, &problems)
	for _, m := range l.Mounts() {
		if m.Mountpoint != "/" {
			problems = append(problems, layout.Problem{
				Path: fmt.Sprintf("partitions[%d].filesystem.mountpoint", m.Index-1),
				Message: fmt.Sprintf("a filesystem of its own for %s is not supported yet; keep it on the one at /",
					m.Mountpoint),
			})
		}
	}
	if loader != nil {
		problems = append(problems, loader.check(l)...)
	}
	return problems
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
