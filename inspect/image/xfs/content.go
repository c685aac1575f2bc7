package xfs

import (
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/runs"
	"github.com/assay-os/assay/report"
)

// errRealtime says why a file's content is not read.
var errRealtime = errors.New("its content lies on the realtime device: not read")

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	number, ok := n.Sys.(uint64)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem", n.Path)
	}
	ino, err := fs.readInode(number)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	if ino.onRealtime() {
		return nil, fmt.Errorf("open %s: %w", n.Path, errRealtime)
	}
	c, err := fs.content(ino)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", n.Path, err)
	}
	return c, nil
}

// onRealtime tells whether the content of a file lies on the realtime device.
func (ino *inode) onRealtime() bool {
	return ino.flags&flagRealtime != 0 && ino.kind() == report.File && ino.data.extents > 0
}

func (fs *FS) content(ino *inode) (fsys.Content, error) {
	m, err := fs.mapping(ino, ino.data)
	if err != nil {
		return nil, err
	}
	list := make([]fsys.Extent, len(m))
	for i, r := range m {
		list[i] = fsys.Extent{Offset: int64(r.logical) * fs.blockSize, Length: int64(r.length) * fs.blockSize, Physical: int64(r.physical) * fs.blockSize}
	}
	return runs.New(fs.dev.r, list, ino.size), nil
}
