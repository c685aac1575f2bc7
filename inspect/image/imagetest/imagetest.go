// Package imagetest makes an image of each filesystem with hard content, for tests
// of what holds for all of them.
package imagetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/fsys/fsystest"
	"github.com/assay-os/assay/inspect/image/kernel"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// A Filled is an image of a filesystem with hard content, and what the kernel shows
// of it; where the kernel has no driver, what is shown of the image itself, which the
// reader's own tests prove.
type Filled struct {
	Path string
	Want map[string]string
	// Comparable takes out of a list what Want does not have; nil for nothing.
	Comparable func(map[string]string) map[string]string
}

// A Maker makes an image with many names in one directory.
type Maker func(t testing.TB, many int) Filled

// Makers are those of all filesystems, by their names.
func Makers() map[string]Maker {
	return map[string]Maker{
		"ext4":     written("ext4", 64<<20, "mke2fs -q -F -t ext4 -b 4096 -N 8192 -O ea_inode"),
		"ext2":     written("ext4", 64<<20, "mke2fs -q -F -t ext2 -b 4096 -N 8192"),
		"xfs":      written("xfs", 96<<20, "mkfs.xfs -q -f --unsupported -l size=8m"),
		"xfs-v4":   version4,
		"btrfs":    written("btrfs", 128<<20, "mkfs.btrfs -q -f", "compress-force=zstd"),
		"squashfs": packed("squashfs", "mksquashfs FROM TO -noappend -quiet -no-progress -comp zstd"),
		"erofs":    packed("erofs", "mkfs.erofs -zlz4 TO FROM", "attributes/huge"), // of 64 KiB, which it writes wrongly
		"iso9660":  packed("", "xorriso -as mkisofs -quiet -R -o TO FROM", "links/symlink500", "links/symlink3999"),
		"vfat":     vfat,
	}
}

// written makes a filesystem of hard content through a mount with flags.
func written(kind string, size int64, mkfs string, flags ...string) Maker {
	return func(t testing.TB, many int) Filled {
		path := makeEmpty(t, size, mkfs)
		kerneltest.PopulateAs(t, kind, path, func(dir string) { kerneltest.Hard(t, dir, 4096, many) }, flags...)
		return Filled{Path: path, Want: shownByKernel(t, path, kind)}
	}
}

func makeEmpty(t testing.TB, size int64, mkfs string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fs.img")
	kerneltest.Must(t, os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	argv := append(strings.Fields(mkfs), path)
	kerneltest.Run(t, argv[0], argv[1:]...)
	return path
}

func shownByKernel(t testing.TB, path, kind string) map[string]string {
	t.Helper()
	oracle, err := kernel.Open(path, kernel.Options{Type: kind})
	kerneltest.Must(t, err)
	defer oracle.Close()
	return fsystest.Contents(t, oracle)
}

// packed makes a filesystem by a program that reads a tree. Kind is empty where the
// kernel has no driver; without is what the program cannot pack. All of them read every
// zero of a large file, and mkfs.erofs takes names of 254 bytes only.
func packed(kind, command string, without ...string) Maker {
	return func(t testing.TB, many int) Filled {
		path := filepath.Join(t.TempDir(), "fs.img")
		source := kerneltest.Make(t, 64<<20, "-t", "ext4", "-b", "4096", "-N", "8192", "-O", "ea_inode")
		kerneltest.Populate(t, source, func(dir string) {
			kerneltest.Hard(t, dir, 4096, many)
			names := filepath.Join(dir, "names") + "/"
			kerneltest.Must(t, os.Rename(names+strings.Repeat("n", 255), names+strings.Repeat("n", 254)))
			for _, name := range append(without, "sizes/sparse", "lost+found") {
				kerneltest.Must(t, os.Remove(filepath.Join(dir, name)))
			}
		})
		script := "mount -o loop,ro,noload $1 $2 && exec " + strings.NewReplacer("FROM", "$2", "TO", "$3").Replace(command)
		fixtures.RequireTool(t, strings.Fields(command)[0])
		kerneltest.Run(t, "unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", source, t.TempDir(), path)
		if kind == "" {
			return Filled{Path: path, Want: shownBare(t, path)}
		}
		return Filled{Path: path, Want: shownByKernel(t, path, kind)}
	}
}

func shownBare(t testing.TB, path string) map[string]string {
	t.Helper()
	img, err := image.Open(context.Background(), path, image.Options{})
	kerneltest.Must(t, err)
	defer img.Close()
	return fsystest.Contents(t, img.Trees[0].Tree)
}

// version4 is an image of version 4 of XFS, with a log to replay, and what Linux 6.1
// showed of it: package xfs keeps both.
func version4(t testing.TB, _ int) Filled {
	path := filepath.Join(t.TempDir(), "fs.img")
	data, want := fsystest.Kept(t, "xfs/testdata", "projid16")
	kerneltest.Must(t, os.WriteFile(path, data, 0o644))
	return Filled{Path: path, Want: want, Comparable: fsystest.WithoutDecoded}
}

// vfat is a FAT32 with what that can hold: long names of other scripts, deep
// directories, fragments, times.
func vfat(t testing.TB, many int) Filled {
	root, path := t.TempDir(), makeEmpty(t, 64<<20, "mkfs.vfat -F 32 -n MATRIX -i 1234abcd")
	put := func(name string, size int) {
		at, when := filepath.Join(root, name), time.Date(1980+size%120, 2, 28, 23, 59, 58, 0, time.UTC)
		kerneltest.Must(t, os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, bytes.Repeat([]byte{byte(size), 7}, size/2), 0o644), os.Chtimes(at, when, when))
	}
	for i, name := range []string{"EFI/BOOT/BOOTX64.EFI", strings.Repeat("n", 255), strings.Repeat("ü", 127), "日本語", "plus+[x]=,;.txt", strings.Repeat("deep/", 40) + "leaf", "lower.txt", "UPPER.TXT"} {
		put(name, 9001*i)
	}
	for i := range many {
		put(fmt.Sprintf("crowd/F%07d", i), i%3)
	}
	for i := range 30 {
		put(fmt.Sprintf("pieces/%d", i), 9000+i)
	}
	inside, err := filepath.Glob(filepath.Join(root, "*"))
	kerneltest.Must(t, err)
	fixtures.RequireTool(t, "mcopy")
	kerneltest.Run(t, "env", append(append([]string{"LC_ALL=C.UTF-8", "mcopy", "-i", path, "-s", "-m", "-Q"}, inside...), "::")...)
	return Filled{Path: path, Want: shownBare(t, path)}
}
