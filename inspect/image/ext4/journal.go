package ext4

import (
	"context"
	"errors"
	"io"
)

func (fs *FS) replay(ctx context.Context, r io.ReaderAt) (io.ReaderAt, error) {
	return nil, errors.New("not yet")
}
