package inspect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/report"
)

// hashRegions fills the SHA-256 of the regions that the image reader found:
// over their bytes, those of holes included. Extents are the disk's.
func (in *inspection) hashRegions(ctx context.Context, extents []image.Extent) ([]report.Region, error) {
	found := in.img.Disk.Regions
	runs := map[string][]image.Extent{"": extents}
	h := &hasher{buf: make([]byte, bufferSize), zero: make([]byte, zeroSize), progress: &progress{}}
	list := make([]report.Region, len(found))
	for i, r := range found {
		var sum [sha256.Size]byte
		d := in.img.Device
		if r.Device != "" {
			d = in.img.Mapped[r.Device]
		}
		if _, known := runs[r.Device]; !known {
			var err error
			if runs[r.Device], err = d.Extents(); err != nil {
				return nil, fmt.Errorf("map %s: %w", r.Device, err)
			}
		}
		part := &deviceRange{d: d, extents: runs[r.Device], start: r.Offset, size: r.Length}
		if err := h.stream(ctx, part, &sum); err != nil {
			return nil, fmt.Errorf("%s at byte %d: %w", r.Role, r.Offset, err)
		}
		r.SHA256 = hex.EncodeToString(sum[:])
		spans, err := in.identitySpans(r, part)
		if err == nil && len(spans) > 0 {
			err = h.stream(ctx, &maskedRange{part, spans}, &sum)
			r.Roles = sumByRole(sum, spans)
		}
		if err != nil {
			return nil, fmt.Errorf("%s at byte %d: %w", r.Role, r.Offset, err)
		}
		list[i] = r
	}
	return list, nil
}

// A deviceRange is a range of a disk's bytes as a content.
type deviceRange struct {
	d           image.Device
	extents     []image.Extent
	start, size int64
}

func (r *deviceRange) ReadAt(p []byte, off int64) (int, error) { return r.d.ReadAt(p, r.start+off) }
func (r *deviceRange) Size() int64                             { return r.size }
func (r *deviceRange) Close() error                            { return nil }

// Extents are the device's, as far as they lie in the range.
func (r *deviceRange) Extents() ([]image.Extent, error) {
	var list []image.Extent
	for _, x := range r.extents {
		from, to := max(x.Offset, r.start), min(x.Offset+x.Length, r.start+r.size)
		if from < to {
			list = append(list, image.Extent{Offset: from - r.start, Length: to - from, Physical: -1})
		}
	}
	return list, nil
}
