package ext4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// holeUnit is what is looked at at once; a hole is never smaller.
const holeUnit = 64 << 10

// dig makes holes of the zeros that mke2fs wrote: the journal and the inode
// tables. It changes no content, so it does not matter where the file lies or
// whether holes can be made there. mke2fs' own way, -E discard, would let the
// image depend on that.
func dig(image string, offset, size int64) error {
	f, err := os.OpenFile(image, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(digFile(f, offset, offset+size), f.Close())
}

func digFile(f *os.File, at, end int64) error {
	zeros, buf := make([]byte, holeUnit), make([]byte, holeUnit)
	for at < end {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for data in %s: %w", f.Name(), err)
		}
		if at = max(at, data/holeUnit*holeUnit); at >= end {
			return nil
		}
		n, err := f.ReadAt(buf[:min(holeUnit, end-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if bytes.Equal(buf[:n], zeros[:n]) {
			err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, int64(n))
			if errors.Is(err, unix.EOPNOTSUPP) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("make a hole in %s: %w", f.Name(), err)
			}
		}
		at += int64(max(n, 1))
	}
	return nil
}
