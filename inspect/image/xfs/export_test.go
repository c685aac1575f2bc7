package xfs

import (
	"context"
	"io"
)

// OpenUnchecked is Open without checksums, so that what is changed is believed.
func OpenUnchecked(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	return open(ctx, newDevice(r, false), size)
}
