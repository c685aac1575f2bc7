package ext4

import (
	"bytes"
	"errors"
	"fmt"
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
	err = digFile(f, offset, offset+size)
	if errors.Is(err, unix.EOPNOTSUPP) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

func digFile(f *os.File, at, end int64) error {
	zeros, buf := make([]byte, holeUnit), make([]byte, holeUnit)
	for at < end {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			data, err = end, nil
		}
		if err != nil {
			return fmt.Errorf("look for data in %s: %w", f.Name(), err)
		}
		// What reads as a hole may be space that mke2fs had the kernel reserve.
		if data = min(data, end); data > at {
			if err := punch(f, at, data-at); err != nil {
				return err
			}
		}
		if at = data; at == end {
			return nil
		}
		n, err := f.ReadAt(buf[:min(holeUnit-at%holeUnit, end-at)], at)
		if err != nil {
			return err
		}
		if bytes.Equal(buf[:n], zeros[:n]) {
			if err := punch(f, at, int64(n)); err != nil {
				return err
			}
		}
		at += int64(n)
	}
	return nil
}

func punch(f *os.File, at, length int64) error {
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, length)
	if err != nil {
		return fmt.Errorf("make a hole in %s: %w", f.Name(), err)
	}
	return nil
}
