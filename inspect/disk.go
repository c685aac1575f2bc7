package inspect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"

	"golang.org/x/sync/errgroup"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// chunkSize is the unit of a disk's digest.
const chunkSize = 1 << 20

// readDisk fills the digest of the whole disk and those of the bytes that
// belong to no filesystem.
func (in *inspection) readDisk(ctx context.Context) error {
	if in.report.Disk == nil || in.img.Device == nil {
		in.set(sectionDisk, report.Section{Status: report.Absent, Reason: "the subject is no disk"})
		return nil
	}
	for _, p := range in.img.Problems {
		in.troubles.disk.add("", p.Error())
	}
	if in.wants(sectionDisk) {
		if err := in.digestDisk(ctx); err != nil {
			return err
		}
	}
	in.set(sectionDisk, in.unlessSkipped(&in.troubles.disk, in.NoHash))
	return nil
}

func (in *inspection) digestDisk(ctx context.Context) error {
	if in.NoHash {
		return nil
	}
	extents, err := in.img.Device.Extents()
	if err != nil {
		in.troubles.disk.add("", "map disk: "+err.Error())
		return nil //nolint:nilerr // trouble is data of the report
	}
	digest, err := diskDigest(ctx, in.img.Device, extents, in.Workers, &in.chunks)
	if err == nil {
		in.report.Disk.Digest = digest
		in.report.Disk.Regions, err = in.hashRegions(ctx, extents)
		in.verify(ctx)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		in.troubles.disk.add("", err.Error())
	}
	return nil
}

// verify settles what the image claims of its mapped devices, and writes down
// how that went.
func (in *inspection) verify(ctx context.Context) {
	for _, p := range in.img.Proofs {
		m := &in.report.Disk.Mapped[p.Mapped]
		m.Settings = maps.Clone(m.Settings)
		m.Settings["verified"] = "yes"
		if err := p.Verify(ctx, in.Workers); err != nil {
			m.Settings["verified"] = "no"
			in.troubles.disk.add("", err.Error())
		}
	}
}

// diskDigest is the hex SHA-256 over a list: for each chunk of 1 MiB that
// holds a byte other than zero, in order, the chunk's index as a big-endian
// 64-bit number and the SHA-256 of its bytes; then the disk's size in bytes,
// as such a number. The last chunk ends where the disk does. So equal content
// gives equal digests in any container, and holes cost nothing.
//
// Those of chunks that are known already are not read again.
func diskDigest(ctx context.Context, d image.Device, extents []image.Extent, workers int, known *chunkSums) (string, error) {
	chunks, err := chunksOf(extents, d.Size())
	if err != nil {
		return "", err
	}
	sums := make([][]byte, len(chunks))
	g, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		g.Go(func() error {
			buf := make([]byte, chunkSize)
			for i := w; i < len(chunks); i += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				var seen bool
				if sums[i], seen = known.get(chunks[i]); seen {
					continue
				}
				if err := chunkSum(d, chunks[i], buf, &sums[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	h := sha256.New()
	for i, sum := range sums {
		if sum != nil {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(chunks[i])))
			h.Write(sum)
		}
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(d.Size())))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// chunksOf are the indices of the chunks that may hold data.
func chunksOf(extents []image.Extent, size int64) ([]int64, error) {
	var list []int64
	next, end := int64(0), int64(0)
	for _, x := range extents {
		if x.Offset < end || x.Length < 0 || x.Length > size-x.Offset {
			return nil, fmt.Errorf("map disk: the extent of %d bytes at %d is out of order or beyond the end", x.Length, x.Offset)
		}
		end = x.Offset + x.Length
		for next = max(next, x.Offset/chunkSize); next*chunkSize < end; next++ {
			list = append(list, next)
		}
	}
	return list, nil
}

// chunkSum sets sum to the SHA-256 of a chunk, and leaves it nil for zeros.
func chunkSum(d image.Device, index int64, buf []byte, sum *[]byte) error {
	off := index * chunkSize
	buf = buf[:min(chunkSize, d.Size()-off)]
	if err := readFull(d, buf, off); err != nil {
		return fmt.Errorf("disk: %w", err)
	}
	*sum = chunkDigest(buf)
	return nil
}

// chunkDigest is that of a chunk, nil for zeros.
func chunkDigest(chunk []byte) []byte {
	if isZero(chunk) {
		return nil
	}
	s := sha256.Sum256(chunk)
	return s[:]
}

// isZero compares a buffer with itself, one byte further: memcmp is faster
// than any loop in Go.
func isZero(b []byte) bool {
	return len(b) == 0 || b[0] == 0 && bytes.Equal(b[1:], b[:len(b)-1])
}
