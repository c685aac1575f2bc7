// Package iso9660 reads ISO 9660 filesystems from an io.ReaderAt: Rock Ridge
// with everything that it has but compression and sparse files, Joliet, and
// neither.
//
// As Linux does, it takes Rock Ridge where there is one, else Joliet, else the
// plain names in lower case without version ("map=normal"). What has no Rock
// Ridge belongs to 0:0 with mode 0555. The UDF side of a bridge is not read, nor
// are the attributes that libisofs keeps (AAIP), which Linux does not show
// either. Files of several extents are joined.
//
// Hard links are the names that have the same serial number in Rock Ridge, or,
// without one, more than one link and the same place.
//
// Nothing that is read is trusted: every extent lies within the device and no
// block holds two directories. Files may share extents, as they do in sound
// images.
//
// The layout is that of ECMA-119, of the System Use Sharing Protocol 1.12 and
// the Rock Ridge Interchange Protocol 1.12, and of El Torito 1.0.
package iso9660

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/runs"
	"github.com/assay-os/assay/report"
)

var le = binary.LittleEndian

// An FS is an open filesystem. It implements fsys.Filesystem, and may be used
// concurrently. It holds nothing that would have to be closed.
type FS struct {
	volume
	r io.ReaderAt
	// device is how many bytes r has.
	device int64
	names  naming
	// skip is how many bytes of each system use area are not Rock Ridge's.
	skip int
}

// A naming is the kind of names that are shown.
type naming int

const (
	plain naming = iota
	joliet
	rockRidge
)

// Probe tells whether r holds an ISO 9660 filesystem, and what it says of
// itself.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	v, err := readVolume(r)
	if err != nil {
		return report.Filesystem{}, false
	}
	return v.describe(), true
}

// Open reads the filesystem in the first size bytes of r.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*FS, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v, err := readVolume(r)
	if err != nil {
		return nil, err
	}
	if v.size() > size {
		return nil, fmt.Errorf("the filesystem has %d bytes, the image %d: it is truncated", v.size(), size)
	}
	fs := &FS{volume: v, r: r, device: size}
	return fs, fs.chooseNames()
}

// chooseNames looks for the start of Rock Ridge in the first record of the
// root directory.
func (fs *FS) chooseNames() error {
	dot, err := fs.firstRecord(fs.root.extent)
	if err != nil {
		return fmt.Errorf("read root directory: %w", err)
	}
	const xa = 14 // bytes that a CD-ROM XA puts first
	for _, skip := range []int{0, xa} {
		area := dot.systemUse
		if len(area) >= skip+7 && string(area[skip:skip+2]) == "SP" && area[skip+4] == 0xbe && area[skip+5] == 0xef {
			fs.skip = int(area[skip+6])
			fs.names = rockRidge
			return nil
		}
	}
	if fs.jolietRoot != nil {
		fs.names = joliet
		fs.root = *fs.jolietRoot
	}
	return nil
}

// Describe is what blkid(8) tells of the filesystem, and what its descriptors say.
func (fs *FS) Describe() report.Filesystem { return fs.describe() }

// Size is how many bytes of the device belong to the filesystem.
func (fs *FS) Size() int64 { return fs.size() }

// Reserved implements fsys.Filesystem: the system area, in which boot loaders
// and partition tables lie, and the images that firmware boots from, whether
// they are files too or not.
func (fs *FS) Reserved() []fsys.Extent {
	out := []fsys.Extent{{Length: systemArea}}
	for _, b := range fs.boot {
		start := int64(b.block) * sectorSize
		if start >= systemArea && start < fs.size() {
			out = append(out, fsys.Extent{Offset: start, Length: min(b.length, fs.size()-start)})
		}
	}
	return out
}

// Open implements fsys.Tree.
func (fs *FS) Open(n *fsys.Node) (fsys.Content, error) {
	f, ok := n.Sys.(*file)
	if !ok || n.Type != report.File {
		return nil, fmt.Errorf("open %s: it is no file of this filesystem that can be read", n.Path)
	}
	return runs.New(fs.r, f.runs, f.size), nil
}

// within tells whether a run of bytes lies in the device.
func (fs *FS) within(at, length int64) bool {
	return at >= 0 && length >= 0 && at <= fs.device && length <= fs.device-at
}
