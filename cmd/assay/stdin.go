package main

import (
	"context"
	"errors"
	"os"

	"github.com/assay-os/assay/inspect/image"
)

// stdinName is the subject that is read from stdin.
const stdinName = "-"

// file opens the file at path, or stdin for "-". It is nil for a directory and for
// what cannot be opened: package image tells what is wrong with it.
func (o *opening) file(ctx context.Context, path string) (*os.File, error) {
	if path == stdinName && o.stdin != nil { // it was looked at before, and can be read once
		return o.stdin, nil
	}
	if path == stdinName {
		var err error
		o.stdin, err = image.Spool(ctx, os.Stdin, o.Options)
		return o.stdin, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil //nolint:nilerr // see above
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// image opens what is no saved report.
func (o *opening) image(ctx context.Context, path string) (*image.Image, error) {
	if o.store != "" && path != stdinName {
		if img, err := stageOutput(ctx, o.store, path); img != nil || err != nil {
			return img, err
		}
	}
	if path != stdinName {
		return image.Open(ctx, path, o.Options)
	}
	f, err := o.stdin, error(nil)
	if f == nil {
		f, err = image.Spool(ctx, os.Stdin, o.Options)
	}
	if err != nil {
		return nil, err
	}
	o.stdin = nil
	return image.OpenFile(ctx, f, "stdin", o.Options)
}
