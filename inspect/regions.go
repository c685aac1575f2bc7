package inspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// The grain of a region: blocks of zeros separate two, and the ends are cut
// to sectors. maxRegions bounds what a strange disk may put into a report.
const (
	regionBlock = 64 << 10
	regionGrain = 512
	maxRegions  = 10_000
)

// regions hashes the non-zero runs of what lies around the filesystems. Boot
// code and table are one run each.
func regions(ctx context.Context, d image.Device, extents []image.Extent, disk *report.Disk) ([]report.Region, error) {
	var list []report.Region
	for _, s := range spans(disk, d.Size()) {
		r := &runs{span: s, d: d, list: list, buf: make([]byte, regionBlock)}
		if err := r.read(ctx, extents); err != nil {
			return nil, fmt.Errorf("%s: %w", s.role, err)
		}
		list = r.list
	}
	return list, nil
}

// runs finds the non-zero runs of one span.
type runs struct {
	span
	d    image.Device
	list []report.Region
	buf  []byte
	// open hashes the run from..to, when there is one.
	open     hash.Hash
	from, to int64
}

// read goes over the span's blocks, without those that are holes.
func (r *runs) read(ctx context.Context, extents []image.Extent) error {
	for at := r.start; at < r.end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		next := min(at+regionBlock, r.end)
		if skip := holeBlocks(extents, at, r.end); skip > 0 {
			if err := r.flush(); err != nil {
				return err
			}
			at += skip
			continue
		}
		block := r.buf[:next-at]
		if err := readFull(r.d, block, at); err != nil {
			return err
		}
		if err := r.block(block, at); err != nil {
			return err
		}
		at = next
	}
	return r.flush()
}

// holeBlocks is how many bytes from at, in whole blocks, are in a hole: only
// so does the cut into blocks not depend on the container.
func holeBlocks(extents []image.Extent, at, end int64) int64 {
	i, _ := slices.BinarySearchFunc(extents, at, func(x image.Extent, at int64) int {
		if x.Offset+x.Length <= at {
			return -1
		}
		return 1
	})
	if i == len(extents) || extents[i].Offset >= end {
		return end - at
	}
	return max(0, extents[i].Offset-at) / regionBlock * regionBlock
}

// block adds one block to the open run, or ends that run if it is all zeros.
func (r *runs) block(b []byte, at int64) error {
	if isZero(b) {
		return r.flush()
	}
	lo, hi := 0, len(b)
	for isZero(b[lo:min(lo+regionGrain, hi)]) {
		lo += regionGrain
	}
	for cut := (hi - 1) / regionGrain * regionGrain; isZero(b[cut:hi]); cut -= regionGrain {
		hi = cut
	}
	if r.open == nil {
		r.open, r.from = sha256.New(), at+int64(lo)
	} else {
		r.open.Write(make([]byte, at+int64(lo)-r.to))
	}
	r.open.Write(b[lo:hi])
	r.to = at + int64(hi)
	return nil
}

// flush ends the open run.
func (r *runs) flush() error {
	if r.open == nil {
		return nil
	}
	if len(r.list) == maxRegions {
		return fmt.Errorf("more than %d runs of bytes lie outside of filesystems", maxRegions)
	}
	r.list = append(r.list, report.Region{
		Role: r.role, Offset: r.from, Length: r.to - r.from, SHA256: hex.EncodeToString(r.open.Sum(nil)),
	})
	r.open = nil
	return nil
}
