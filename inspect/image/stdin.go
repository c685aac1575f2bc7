package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/assay-os/assay/inspect/image/dir"
)

// Spool makes a file that can be read at any place of f, which may be a pipe: what
// comes from it is written into a file without a name, up to o.MaxSize bytes. A
// regular file or a block device is given back as it is. The caller closes the result.
func Spool(ctx context.Context, f *os.File, o Options) (*os.File, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case mode.IsRegular(), mode&(fs.ModeDevice|fs.ModeCharDevice) == fs.ModeDevice:
		return f, nil
	case mode.IsDir():
		return nil, fmt.Errorf("open %s: it is a directory; name it instead", f.Name())
	}
	out, err := unnamedFile(o.TempDir)
	if err != nil {
		return nil, err
	}
	limit := o.MaxSize
	if limit == 0 {
		limit = DefaultMaxSize
	}
	if _, err := copySparse(ctx, out, &interruptible{ctx, f}, limit); err != nil {
		return nil, errors.Join(fmt.Errorf("read %s: %w", f.Name(), err), out.Close())
	}
	return out, nil
}

// An interruptible reader ends with its context, even while it waits for a pipe.
type interruptible struct {
	ctx context.Context
	f   *os.File
}

func (i *interruptible) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own, done := make([]byte, len(b)), make(chan result, 1)
	go func() {
		n, err := i.f.Read(own)
		done <- result{n, err}
	}()
	select {
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	case r := <-done:
		return copy(b, own[:r.n]), r.err
	}
}

// OpenFile opens what an open file holds, as [Open] does, and closes the file with the
// image, or at once with an error. Errors call it name. No file beside it is read.
func OpenFile(ctx context.Context, f *os.File, name string, o Options) (*Image, error) {
	file, err := dir.FileOf(f)
	if err != nil {
		return nil, err
	}
	img := &Image{options: o, closers: []func() error{f.Close}}
	if err := img.detect(ctx, file, place{Options: o}); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", name, err), img.Close())
	}
	return img, nil
}
