package qcow2

import (
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/image/blockmap"
)

// packedPlace is where a compressed cluster begins, and how many bytes it has at most.
// The entry has its offset in the low bits and the count of further sectors of
// 512 bytes above.
func (m *clusters) packedPlace(entry uint64) (offset, size int64) {
	shift := 62 - (m.ClusterBits - 8)
	offset = int64(entry & (1<<shift - 1))
	sectors := int64(entry &^ (3 << 62) >> shift)
	return offset, (sectors+1)*512 - offset%512
}

// Unpack implements blockmap.Map.
func (m *clusters) Unpack(_ blockmap.Piece, start int64) ([]byte, error) {
	cluster := start >> m.ClusterBits
	table, err := m.table(cluster / m.l2Entries())
	if err != nil {
		return nil, err
	}
	offset, size := m.packedPlace(be.Uint64(table[cluster%m.l2Entries()*m.entrySize():]))
	size = min(size, m.length-offset)
	if offset > m.length || size <= 0 {
		return nil, fmt.Errorf("its data lies at byte %d, the file ends at byte %d: it is truncated", offset, m.length)
	}
	packed := make([]byte, size)
	if n, err := m.r.ReadAt(packed, offset); n < len(packed) {
		return nil, blockmap.Short(err)
	}
	b, err := m.decompress(packed)
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return b, nil
}

// decompress gives exactly one cluster, whatever the data says of its size. What
// follows it in the last sector is another's.
func (m *clusters) decompress(packed []byte) ([]byte, error) {
	b := make([]byte, m.clusterSize())
	if m.zstd {
		return b, m.readZstd(packed, b)
	}
	r, ok := m.readers.Get().(io.ReadCloser)
	if !ok {
		r = flate.NewReader(bytes.NewReader(packed))
	} else if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), nil); err != nil {
		return nil, err
	}
	defer m.readers.Put(r)
	_, err := io.ReadFull(r, b)
	return b, err
}

// maxZstd bounds the memory of a decompressor: a frame may claim any window.
const maxZstd = 16 << 20

func (m *clusters) readZstd(packed, b []byte) error {
	d, ok := m.readers.Get().(*zstd.Decoder)
	if !ok {
		var err error
		d, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxZstd), zstd.WithDecoderMaxWindow(maxZstd))
		if err != nil {
			return err
		}
	}
	defer m.readers.Put(d)
	if err := d.Reset(bytes.NewReader(packed)); err != nil {
		return err
	}
	_, err := io.ReadFull(d, b)
	return err
}
