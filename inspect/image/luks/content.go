package luks

import (
	"errors"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A content is an opened volume. It implements fsys.Device.
type content struct {
	*Volume
	cipher sectors
}

func (v *Volume) open(key []byte) (fsys.Device, error) {
	c, err := newCipher(v.Cipher, key)
	if err != nil {
		return nil, err
	}
	return &content{v, c}, nil
}

func (c *content) Size() int64 { return c.Volume.Size }

// Extents implements fsys.Device: what was never written is noise, not zeros.
func (c *content) Extents() ([]fsys.Extent, error) {
	return []fsys.Extent{{Length: c.Volume.Size, Physical: -1}}, nil
}

// ReadAt implements io.ReaderAt: it decrypts whole sectors, in pieces of up to
// maxPiece.
func (c *content) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("read at a negative offset")
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= c.Volume.Size {
			return n, io.EOF
		}
		got, err := c.piece(p[n:], at)
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// maxPiece bounds what is decrypted aside of the caller's buffer.
const maxPiece = 64 << 10

// piece reads the start of p, at least one byte. Whole sectors are decrypted
// where they belong, parts of one aside.
func (c *content) piece(p []byte, at int64) (int, error) {
	size := c.SectorSize
	if left := c.Volume.Size - at; int64(len(p)) > left {
		p = p[:left]
	}
	if at%size == 0 && int64(len(p)) >= size {
		p = p[:int64(len(p))/size*size]
		return c.whole(p, at)
	}
	start := at / size * size
	end := min(c.Volume.Size, (at+int64(len(p))+size-1)/size*size, start+maxPiece)
	b := make([]byte, end-start)
	if _, err := c.whole(b, start); err != nil {
		return 0, err
	}
	return copy(p, b[at-start:]), nil
}

// whole reads and decrypts whole sectors.
func (c *content) whole(p []byte, at int64) (int, error) {
	if n, err := c.dev.ReadAt(p, c.Offset+at); n < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	size := c.SectorSize
	for i := int64(0); i < int64(len(p)); i += size {
		c.cipher.decrypt(p[i:i+size], uint64(at+i)/512+c.tweak)
	}
	return len(p), nil
}
