package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/build/store"
	"github.com/assay-os/assay/inspect/image"
	"github.com/assay-os/assay/inspect/image/dir"
	"github.com/assay-os/assay/report"
)

// stageOutput opens what a step made, by the beginning of its layer's id, its key or its
// step's id. It is nil where the store knows no such name, but there is a file of it.
func stageOutput(ctx context.Context, storeDir, name string) (_ *image.Image, err error) {
	if _, err := os.Stat(filepath.Join(storeDir, "version")); err != nil {
		return nil, fmt.Errorf("there is no store in %s: %w", storeDir, err)
	}
	d, err := openStore(storeDir, "assay inspect")
	if err != nil {
		return nil, err
	}
	release, err := d.Hold(ctx, nil)
	if err != nil {
		return nil, err
	}
	closed := func() error { release(); return nil }
	tree, err := d.Find(ctx, name)
	if err != nil {
		release()
		if _, there := os.Lstat(name); there == nil && errors.Is(err, store.ErrNoLayer) {
			return nil, nil
		}
		return nil, err
	}
	list, err := d.Located(tree)
	if err != nil {
		release()
		return nil, err
	}
	entries, carriers := make([]report.Entry, len(list)), map[report.Raw]string{}
	for i, l := range list {
		entries[i], carriers[l.Path] = l.Entry, l.Content
	}
	open := func(e *report.Entry) (image.Content, error) { return openCarrier(carriers[e.Path], e.Size) }
	return image.FromEntries(report.Subject{Kind: "tree"}, entries, open, closed), nil
}

// openCarrier opens the file that carries an entry's content. Nothing but a regular file
// of the recorded size does.
func openCarrier(path string, size int64) (image.Content, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() != size) {
		err = fmt.Errorf("%s is not the file of %d bytes that its layer's list says; run assay store verify --repair", path, size)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return dir.NewFile(f, size), nil
}
