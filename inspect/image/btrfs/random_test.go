package btrfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/fixtures"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
)

// TestRandomContentAgreesWithKernel writes, cuts and shares parts of files in all ways; the seeds are fixed.
func TestRandomContentAgreesWithKernel(t *testing.T) {
	t.Parallel()
	fixtures.RequireRoot(t)
	mounts := []string{"", "compress-force=zstd", "compress=lzo", "compress-force=zlib", "compress-force=lzo,autodefrag"}
	mkfs := []string{"", "-O ^no-holes", "-n 4096 --csum xxhash", "-M"}
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if seed > 1 {
				fixtures.RequireFull(t)
			}
			path := makeImage(t, 300<<20, mkfs[seed%4])
			for round := range uint64(2) { // a second mount changes what the first wrote
				populate(t, path, mounts[(seed+round)%5], func(dir string) { scribble(t, dir, rand.New(rand.NewPCG(seed, round))) })
				if round == 0 {
					populate(t, path, "", func(dir string) { within(t, dir, "btrfs", "subvolume", "snapshot", ".", "snap") })
				}
			}
			compareWithKernel(t, path)
		})
	}
}

// scribble changes parts of six files.
func scribble(t testing.TB, dir string, rnd *rand.Rand) {
	t.Helper()
	const most, sector = 1 << 20, 4096
	var files []*os.File
	for i := range 6 {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprint("f", i)), os.O_RDWR|os.O_CREATE, 0o644)
		kerneltest.Must(t, err)
		defer f.Close()
		files = append(files, f)
	}
	for range 150 {
		f, other := files[rnd.IntN(6)], files[rnd.IntN(6)]
		fd, off, n := int(f.Fd()), rnd.Int64N(most), rnd.Int64N(most/4)+1
		var err error
		switch rnd.IntN(8) {
		case 0, 1, 2:
			_, err = f.WriteAt(bytes.Repeat([]byte(fmt.Sprintf("%x,", rnd.Uint32())), int(n)/9+1), off)
		case 3:
			err = unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
		case 4:
			err = unix.Fallocate(fd, []uint32{0, unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_ZERO_RANGE}[rnd.IntN(3)], off, n)
		case 5:
			err = f.Truncate(off)
		case 6, 7:
			from := unix.FileCloneRange{Src_fd: int64(other.Fd()), Src_offset: uint64(off / sector * sector), Src_length: uint64(n/sector*sector + sector), Dest_offset: uint64(rnd.Int64N(most) / sector * sector)}
			err = unix.IoctlFileCloneRange(fd, &from)
		}
		if err != nil && !errors.Is(err, unix.EINVAL) { // beyond the end, or onto itself
			t.Fatal(err)
		}
		if rnd.IntN(20) == 0 {
			kerneltest.Must(t, unix.Syncfs(fd))
		}
	}
}
