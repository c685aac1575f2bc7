package qcow2

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
)

// ReadAt implements io.ReaderAt.
func (i *Image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read at negative offset %d", off)
	}
	if off >= i.Header.Size {
		return 0, io.EOF
	}
	want := len(p)
	if int64(want) > i.Header.Size-off {
		want = int(i.Header.Size - off)
	}
	for done := 0; done < want; {
		n, err := i.readRun(p[done:want], off+int64(done))
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

// readRun reads a piece and all that follows it in the file without a gap.
func (i *Image) readRun(p []byte, off int64) (int, error) {
	first, length, err := i.find(off)
	if err != nil {
		return 0, err
	}
	length = min(length, int64(len(p)))
	for first.kind == data && length < int64(len(p)) {
		next, more, err := i.find(off + length)
		if err != nil || next.kind != data || next.offset != first.offset+length {
			break // an error comes back when its place is read
		}
		length = min(length+more, int64(len(p)))
	}
	return i.readPiece(p[:length], off, first)
}

func (i *Image) readPiece(p []byte, off int64, from piece) (int, error) {
	switch from.kind {
	case data:
		n, err := i.r.ReadAt(p, from.offset)
		if n < len(p) {
			return n, fmt.Errorf("qcow2 cluster at byte %d: %w", from.offset, short(err))
		}
		return n, nil
	case compressed:
		cluster, err := i.unpack(from.packed)
		if err != nil {
			return 0, fmt.Errorf("qcow2 cluster %d: %w", off>>i.ClusterBits, err)
		}
		return copy(p, cluster[off&(i.clusterSize()-1):]), nil
	case absent:
		return i.readBelow(p, off)
	default:
		clear(p)
		return len(p), nil
	}
}

// readBelow reads the backing file, and zeros where it has ended.
func (i *Image) readBelow(p []byte, off int64) (int, error) {
	clear(p)
	if i.backing == nil || off >= i.backing.Size() {
		return len(p), nil
	}
	n := min(int64(len(p)), i.backing.Size()-off)
	if got, err := i.backing.ReadAt(p[:n], off); int64(got) < n {
		return got, fmt.Errorf("backing file at byte %d: %w", off, short(err))
	}
	return len(p), nil
}

// unpack decompresses a cluster. The entry has its offset in the low bits and
// the count of further sectors of 512 bytes above.
func (i *Image) unpack(entry uint64) ([]byte, error) {
	if b := i.clusters.get(entry); b != nil {
		return b, nil
	}
	shift := 62 - (i.ClusterBits - 8)
	offset := int64(entry & (1<<shift - 1))
	sectors := int64(entry &^ (3 << 62) >> shift)
	size := min((sectors+1)*512-offset%512, i.length-offset)
	if offset > i.length || size <= 0 {
		return nil, fmt.Errorf("its data lies at byte %d, the file ends at byte %d: it is truncated", offset, i.length)
	}
	packed := make([]byte, size)
	if n, err := i.r.ReadAt(packed, offset); n < len(packed) {
		return nil, short(err)
	}
	b, err := i.decompress(packed)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	i.clusters.put(entry, b)
	return b, nil
}

// decompress gives exactly one cluster, whatever the data says of its size.
func (i *Image) decompress(packed []byte) ([]byte, error) {
	b := make([]byte, i.clusterSize())
	if !i.zstd {
		_, err := io.ReadFull(flate.NewReader(bytes.NewReader(packed)), b)
		return b, err
	}
	d, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<27), zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	_, err = io.ReadFull(d, b)
	return b, err
}

// A cache keeps the clusters that were decompressed last; a reader comes back for
// the rest of each.
type cache struct {
	mu    sync.Mutex
	data  map[uint64][]byte
	order []uint64
	bytes int
}

// cacheBytes bounds the cache.
const cacheBytes = 16 << 20

func (c *cache) get(key uint64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.data[key]
}

func (c *cache) put(key uint64, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data == nil {
		c.data = map[uint64][]byte{}
	}
	if _, ok := c.data[key]; ok {
		return
	}
	for len(c.order) > 0 && c.bytes+len(b) > cacheBytes {
		c.bytes -= len(c.data[c.order[0]])
		delete(c.data, c.order[0])
		c.order = append(c.order[:0], c.order[1:]...)
	}
	c.data[key] = b
	c.order = append(c.order, key)
	c.bytes += len(b)
}
