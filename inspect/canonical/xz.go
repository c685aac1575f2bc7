package canonical

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/assay-os/assay/inspect/lzma2"
)

// An xzReader reads the container around LZMA2 data: "The .xz File Format",
// version 1.2.1. The library's own reader takes the size of the dictionary
// from the file, up to 4 GiB, and allocates it; this one has a bound.
type xzReader struct {
	r     *counter
	lzma2 *lzma2.Reader
	work  *Work
	// block is the content of the block that is open, with its check.
	block io.Reader
	sum   hash.Hash
	check int
	size  int64
	start int64
	// records are what the index must say of the blocks before it.
	records []xzRecord
	// checks are the kinds of all streams that were begun.
	checks []int
	// single ends the reading with the first stream.
	single bool
	ended  bool
}

type xzRecord struct{ unpadded, uncompressed int64 }

const (
	xzMagic = "\xfd7zXZ\x00"
	// maxXzBlocks bounds what is remembered until the index comes.
	maxXzBlocks = 1 << 16
)

func openXz(w *Work, r *bufio.Reader) (io.ReadCloser, error) {
	x := &xzReader{r: &counter{r: r}, work: w, lzma2: w.lzma2()}
	return x, x.header()
}

// Close hands the decompressor back.
func (x *xzReader) Close() error {
	x.work.lzma2s = append(x.work.lzma2s, x.lzma2)
	return nil
}

// describe tells the kinds of check: the kernel reads none but CRC32 and none at all.
func (x *xzReader) describe() string { return fmt.Sprint("checks ", x.checks) }

// header reads the start of a stream.
func (x *xzReader) header() error {
	var h [12]byte
	if _, err := io.ReadFull(x.r, h[:]); err != nil {
		return noEOF(err)
	}
	if string(h[:6]) != xzMagic || h[6] != 0 || h[7] > 15 || binary.LittleEndian.Uint32(h[8:]) != crc32.ChecksumIEEE(h[6:8]) {
		return malformed("no stream header")
	}
	x.check, x.records = int(h[7]), nil
	x.checks = append(x.checks, x.check)
	return nil
}

func (x *xzReader) Read(p []byte) (int, error) {
	for {
		if x.ended {
			return 0, io.EOF
		}
		if x.block == nil {
			if err := x.next(); err != nil {
				x.ended = err == io.EOF
				return 0, err
			}
		}
		n, err := x.block.Read(p)
		x.sum.Write(p[:n])
		x.size += int64(n)
		if err == io.EOF {
			err = x.endBlock()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the next block, in this stream or in one that follows.
func (x *xzReader) next() error {
	for {
		x.start = x.r.n
		size, err := x.r.r.ReadByte()
		if err != nil {
			return noEOF(err)
		}
		x.r.n++
		if size != 0 {
			return x.openBlock(size)
		}
		if err := x.endStream(); err != nil {
			return err
		}
	}
}

// openBlock reads a block's header, of which the first byte is read.
func (x *xzReader) openBlock(size byte) error {
	h := make([]byte, (int(size)+1)*4)
	h[0] = size
	if _, err := io.ReadFull(x.r, h[1:]); err != nil {
		return noEOF(err)
	}
	end := len(h) - 4
	if binary.LittleEndian.Uint32(h[end:]) != crc32.ChecksumIEEE(h[:end]) {
		return malformed("the sum of a block's header is wrong")
	}
	dict, err := xzDictionary(h[1:end])
	if err != nil {
		return err
	}
	x.lzma2.Reset(x.r, int(dict))
	x.block, x.size, x.sum = x.lzma2, 0, xzSum(x.check)
	return nil
}

// xzDictionary is the size of the dictionary from a block header's flags, sizes
// and its one filter.
func xzDictionary(h []byte) (int64, error) {
	r := bytes.NewReader(h[1:])
	if h[0]&3 != 0 {
		return 0, malformed("it has filters besides LZMA2")
	}
	fields := 2 // filter id, size of its properties
	for _, bit := range []byte{0x40, 0x80} {
		if h[0]&bit != 0 {
			fields++
		}
	}
	var id, props uint64
	for range fields {
		v, err := binary.ReadUvarint(r)
		if err != nil {
			return 0, malformed("a block's header is cut off")
		}
		id, props = props, v
	}
	bits, err := r.ReadByte()
	if err != nil || id != 0x21 || props != 1 || bits > 40 {
		return 0, malformed("it has a filter that is not LZMA2")
	}
	dict := int64(2|bits&1) << (bits/2 + 11)
	if dict > maxWindow {
		return 0, fmt.Errorf("%w: a dictionary of %d bytes", ErrLimit, dict)
	}
	return dict, nil
}

// xzSum is the hash of a kind of check. Of the kinds that only xz's authors
// may define later nothing is known.
func xzSum(check int) hash.Hash {
	switch check {
	case 1:
		return crc32.NewIEEE()
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		return sha256.New()
	default:
		return nullSum{crc32.NewIEEE()}
	}
}

// A nullSum is no sum at all.
type nullSum struct{ hash.Hash }

func (nullSum) Size() int           { return 0 }
func (nullSum) Sum(b []byte) []byte { return b }

// endBlock reads the padding and the check behind a block's data.
func (x *xzReader) endBlock() error {
	if x.check != 0 && x.sum.Size() == 0 {
		return malformed("its kind of check, %d, is not known", x.check)
	}
	unpadded := x.r.n - x.start + int64(x.sum.Size())
	if err := x.r.align(); err != nil {
		return err
	}
	want := x.sum.Sum(nil)
	if x.check == 1 || x.check == 4 {
		reverse(want)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(x.r, got); err != nil {
		return noEOF(err)
	}
	if !bytes.Equal(got, want) {
		return malformed("the sum of a block is wrong")
	}
	if len(x.records) == maxXzBlocks {
		return fmt.Errorf("%w: more than %d blocks", ErrLimit, maxXzBlocks)
	}
	x.records, x.block = append(x.records, xzRecord{unpadded, x.size}), nil
	return nil
}

// reverse turns Go's big-endian sums into the little-endian ones of the file.
func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}

// endStream reads the index, whose first byte is read, and the footer, and
// goes to the next stream. Without one it returns io.EOF.
func (x *xzReader) endStream() error {
	if err := x.index(); err != nil {
		return err
	}
	var f [12]byte
	if _, err := io.ReadFull(x.r, f[:]); err != nil {
		return noEOF(err)
	}
	if string(f[10:]) != "YZ" || f[8] != 0 || int(f[9]) != x.check ||
		binary.LittleEndian.Uint32(f[:]) != crc32.ChecksumIEEE(f[4:10]) {
		return malformed("no stream footer")
	}
	if x.single {
		return io.EOF
	}
	zeros, err := x.r.skipZeros()
	if err == nil || err == io.EOF {
		if zeros%4 != 0 {
			return malformed("%d bytes of padding behind a stream", zeros)
		}
	}
	if err != nil {
		return err
	}
	return x.header()
}

// index compares the index with the blocks that were read.
func (x *xzReader) index() error {
	sum := crc32.NewIEEE()
	sum.Write([]byte{0})
	b := &summed{x.r, sum}
	count, err := binary.ReadUvarint(b)
	if err != nil || count != uint64(len(x.records)) {
		return malformed("the index is of %d blocks instead of %d", count, len(x.records))
	}
	for _, rec := range x.records {
		unpadded, err := binary.ReadUvarint(b)
		if err != nil {
			return noEOF(err)
		}
		uncompressed, err := binary.ReadUvarint(b)
		if err != nil {
			return noEOF(err)
		}
		if unpadded != uint64(rec.unpadded) || uncompressed != uint64(rec.uncompressed) {
			return malformed("the index does not match the blocks")
		}
	}
	for (x.r.n-x.start)%4 != 0 {
		if c, err := b.ReadByte(); err != nil || c != 0 {
			return malformed("the index has wrong padding")
		}
	}
	var want [4]byte
	if _, err := io.ReadFull(x.r, want[:]); err != nil {
		return noEOF(err)
	}
	if binary.LittleEndian.Uint32(want[:]) != sum.Sum32() {
		return malformed("the sum of the index is wrong")
	}
	return nil
}

// summed reads single bytes into a sum.
type summed struct {
	r   *counter
	sum hash.Hash32
}

func (s *summed) ReadByte() (byte, error) {
	c, err := s.r.r.ReadByte()
	if err != nil {
		return 0, noEOF(err)
	}
	s.r.n++
	s.sum.Write([]byte{c})
	return c, nil
}
