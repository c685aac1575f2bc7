package fsys

import (
	"fmt"
	"io"
)

// ReadPieces is ReadAt of a content of size bytes that is put together from pieces. Read
// reads some of p, at least one byte unless it fails.
func ReadPieces(p []byte, off, size int64, read func(p []byte, off int64) (int, error)) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= size {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), size-off))
	for done := 0; done < want; {
		n, err := read(p[done:want], off+int64(done))
		done += n
		if err != nil {
			return done, err
		}
	}
	if want < len(p) {
		return want, io.EOF
	}
	return want, nil
}
