package squashfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/kernel/kerneltest"
	"github.com/assay-os/assay/report"
)

// crowded makes an image without compression of n directories with a hundred
// names each.
func crowded(t *testing.T, n int) []byte {
	t.Helper()
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "img")
	file := filepath.Join(dir, "file")
	kerneltest.Must(t, os.WriteFile(file, nil, 0o644))
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprint("d", i))
		kerneltest.Must(t, os.Mkdir(sub, 0o755))
		for j := range 100 {
			kerneltest.Must(t, os.Link(file, filepath.Join(sub, fmt.Sprintf("%020d", j))))
		}
	}
	kerneltest.Run(t, "mksquashfs", dir, path, "-noI", "-noD", "-noF", "-noX", "-quiet", "-no-progress")
	data, err := os.ReadFile(path)
	kerneltest.Must(t, err)
	return data
}

// TestSharedNamesEnd lets all directories have the names of the first, with
// which a small image could show endlessly many.
func TestSharedNamesEnd(t *testing.T) {
	data := crowded(t, 60)
	fs, err := Open(context.Background(), bytes.NewReader(data), int64(len(data)))
	kerneltest.Must(t, err)
	var first []byte
	kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
		if n.Type != report.Directory || n.Path == "/" {
			return n.Err
		}
		ref := n.Sys.(reference)
		place := data[fs.inodeTable+ref.block()+2+int64(ref.offset())+16:][:12] // start, links, size, offset
		if first == nil {
			first = bytes.Clone(place)
		}
		copy(place, first)
		return nil
	}))
	fs, err = Open(context.Background(), bytes.NewReader(data), int64(len(data)))
	kerneltest.Must(t, err)
	names, told := 0, 0
	kerneltest.Must(t, fs.Walk(context.Background(), func(n *fsys.Node) error {
		names++
		if errors.Is(n.Err, errShared) {
			told++
		}
		return nil
	}))
	if told < 50 || names > 1000 {
		t.Errorf("%d names, %d directories are told", names, told)
	}
}

func TestListOfBlocksHasOneOwner(t *testing.T) {
	fs := &FS{owners: map[int64]reference{}}
	if err := errors.Join(fs.claim(100, 1), fs.claim(100, 1), fs.claim(200, 2)); err != nil {
		t.Error(err)
	}
	if fs.claim(100, 2) == nil {
		t.Error("two files have one list")
	}
}
