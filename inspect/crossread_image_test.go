package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/imagetest"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// Our reader and the kernel agree on every fact of every entry that has hard
// content, and on each flag that a filesystem lets its owner set.
func TestReadersAgreeOnHardContent(t *testing.T) {
	fixtures.RequireRoot(t)
	for name, flags := range map[string]int{"ext4": 9, "ext2": 6, "xfs": 5, "btrfs": 7, "squashfs": 0, "erofs": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := imagetest.Makers()[name](t, 100)
			if flags > 0 {
				kerneltest.PopulateAs(t, strings.Replace(name, "ext2", "ext4", 1), fs.Path, func(dir string) {
					if n := setFlags(t, filepath.Join(dir, "flags")); n < flags {
						t.Errorf("%d flags can be set", n)
					}
					check(t, os.Remove(filepath.Join(dir, "sizes/sparse"))) // both would hash 4 GiB of zeros
				})
			}
			ours, theirs := inspectPath(t, fs.Path), inspectViaKernel(t, fs.Path)
			for i, d := range inspect.CrossRead(ours, theirs) {
				if i < 20 {
					t.Error(d)
				}
			}
			if s := ours.Sections["files"]; s.Status != report.OK || len(ours.Files) < 300 {
				t.Errorf("%d files: %+v", len(ours.Files), s)
			}
		})
	}
}

// setFlags makes a file and a directory with each flag of FS_IOC_SETFLAGS that the
// filesystem takes, and counts those of files.
func setFlags(t *testing.T, dir string) int {
	t.Helper()
	check(t, os.Mkdir(dir, 0o755))
	taken := 0
	for bit := range 32 {
		for _, kind := range []string{"file", "dir"} {
			path := filepath.Join(dir, fmt.Sprint(kind, bit))
			if kind == "dir" {
				check(t, os.Mkdir(path, 0o755))
			} else {
				check(t, os.WriteFile(path, nil, 0o644))
			}
			f, err := os.Open(path)
			check(t, err)
			old, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
			check(t, err)
			err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(old|1<<bit))
			if err == nil && kind == "file" {
				taken++
			}
			check(t, f.Close())
		}
	}
	return taken
}

// inspectViaKernel is what the kernel's drivers show of an image.
func inspectViaKernel(t *testing.T, path string) *report.Report {
	t.Helper()
	img, err := image.Open(context.Background(), path, image.Options{})
	check(t, err)
	defer func() { check(t, img.Close()) }()
	check(t, img.ViaKernel(context.Background(), image.Options{}))
	r, err := inspect.Inspect(context.Background(), img, inspect.Options{})
	check(t, errors.Join(err, img.Trees[0].Err))
	return r
}
