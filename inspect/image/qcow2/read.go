package qcow2

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-os/assay/inspect/image/blockmap"
	"github.com/assay-os/assay/inspect/inflate"
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

// An unpacker is what the decompression of a cluster needs, to be used again.
type unpacker struct {
	packed  []byte
	inflate inflate.Decoder
	zstd    *zstd.Decoder
}

// Unpack implements blockmap.Map. It gives exactly one cluster, whatever the data says of its size. What
// follows it in the last sector is another's.
func (m *clusters) Unpack(_ blockmap.Piece, start int64, dst []byte) ([]byte, error) {
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
	u, ok := m.unpackers.Get().(*unpacker)
	if !ok {
		u = new(unpacker)
	}
	defer m.unpackers.Put(u)
	u.packed = slices.Grow(u.packed[:0], int(size))[:size]
	if n, err := m.r.ReadAt(u.packed, offset); n < len(u.packed) {
		return nil, blockmap.Short(err)
	}
	if int64(cap(dst)) < m.clusterSize() {
		dst = make([]byte, m.clusterSize())
	}
	dst = dst[:m.clusterSize()]
	if m.zstd {
		err = u.readZstd(dst)
	} else {
		err = u.readDeflate(dst)
	}
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	return dst, nil
}

func (u *unpacker) readDeflate(b []byte) error {
	n, err := u.inflate.Fill(b, u.packed)
	if err == nil && n < len(b) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// maxZstd bounds the memory of a decompressor: a frame may claim any window.
const maxZstd = 16 << 20

func (u *unpacker) readZstd(b []byte) error {
	if u.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxZstd), zstd.WithDecoderMaxWindow(maxZstd))
		if err != nil {
			return err
		}
		u.zstd = d
	}
	if err := u.zstd.Reset(bytes.NewReader(u.packed)); err != nil {
		return err
	}
	_, err := io.ReadFull(u.zstd, b)
	return err
}
