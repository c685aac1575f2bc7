package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/assay-os/assay/inspect"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/tree"
	"github.com/assay-os/assay/report"
)

// A subject is what a command compares or shows: a saved report, or an image
// with the report that was made of it just now.
type subject struct {
	report *report.Report
	image  *image.Image
	tree   *tree.Tree
}

// openSubject opens path as a saved report where it is one, else as anything
// that package image opens. What is wrong with the path is the caller's fault.
func openSubject(ctx context.Context, path string, how opening, o inspect.Options) (*subject, error) {
	saved, err := how.savedReport(ctx, path)
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", path, err))
	}
	if saved != nil {
		return &subject{report: saved}, nil
	}
	img, err := how.open(ctx, path)
	if err != nil {
		return nil, err
	}
	r, tree, err := inspect.WithTree(ctx, img, o)
	if err != nil {
		return nil, errors.Join(err, img.Close())
	}
	return &subject{report: r, image: img, tree: tree}, nil
}

// savedReport reads a saved report; it is nil when path is something else, which
// shows by the first byte that is no white space.
func (o *opening) savedReport(ctx context.Context, path string) (r *report.Report, err error) {
	f, err := o.file(ctx, path)
	if f == nil || err != nil {
		return nil, err
	}
	defer func() {
		if r != nil || err != nil || f != o.stdin {
			f.Close()
		}
		if r != nil && f == o.stdin {
			o.stdin = nil
		}
	}()
	head := make([]byte, 64)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimLeft(head[:n], " \t\r\n"), []byte("{")) {
		return nil, nil
	}
	return report.Decode(io.NewSectionReader(f, 0, math.MaxInt64))
}

func (s *subject) Close() error {
	if s.image == nil {
		return nil
	}
	return s.image.Close()
}

// read is the content of a small file; nil where it is not at hand.
func (s *subject) read(path report.Raw, limit int64) []byte {
	if s.tree == nil {
		return nil
	}
	f, err := s.tree.Lstat(string(path))
	if err != nil {
		return nil
	}
	data, err := f.Read(limit)
	if err != nil {
		return nil
	}
	return data
}
