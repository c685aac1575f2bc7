package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/assay-os/assay/inspect/image"
)

// An opening is how a subject is opened: the flags that all commands share
// which look into subjects.
type opening struct {
	image.Options
	partition string
}

// define adds the flags.
func (o *opening) define(f *pflag.FlagSet) {
	f.StringVar(&o.partition, "partition", "", "look into partition `N` alone")
}

// open opens the subject at path. What is wrong with it is the caller's fault.
func (o *opening) open(ctx context.Context, path string) (*image.Image, error) {
	img, err := image.Open(ctx, path, o.Options)
	if err != nil {
		return nil, usage(err)
	}
	if o.partition == "" {
		return img, nil
	}
	if err := img.Narrow(ctx, o.partition); err != nil {
		return nil, errors.Join(usage(fmt.Errorf("open %s: %w", path, err)), img.Close())
	}
	return img, nil
}
