package xfs

import (
	"errors"
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A dirent is one name of a directory.
type dirent struct {
	name  string
	inode uint64
	kind  byte
}

// The layout of a directory: xfs_da_format.h. Data blocks with names come
// first; behind leafOffset are the indexes.
const (
	magicDataV4   = 0x58443244 // XD2D
	magicDataV5   = 0x58444433 // XDD3
	magicSingleV4 = 0x58443242 // XD2B: data and index in the only block
	magicSingleV5 = 0x58444233 // XDB3

	dataHeaderV4 = 16
	dataHeaderV5 = 64
	singleTail   = 8
	indexEntry   = 8
	entryFixed   = 8 + 1 + 2 // inode, length of the name, tag
	unusedTag    = 0xffff
	leafOffset   = 32 << 30
	// maxBad bounds the work on a directory that claims the whole device.
	maxBad = 1000
)

// A lister collects the names of one directory.
type lister struct {
	fs    *FS
	ino   *inode
	seen  map[uint64]bool
	names []dirent
	fsys.Faults
	bad int // blocks that hold no names
}

// list returns the names of a directory but "." and "..", sorted. With an
// error it returns those that could be read.
func (fs *FS) list(ino *inode) ([]dirent, error) {
	l := lister{fs: fs, ino: ino}
	if ino.data.form == formLocal {
		l.short(ino.data.area)
	} else {
		l.blocks()
	}
	l.names = fsys.SortNames(l.names, dirent.base, &l.Faults)
	if err := l.Err(); err != nil {
		return l.names, fmt.Errorf("directory inode %d: %w", ino.number, err)
	}
	return l.names, nil
}

// short reads a directory within its inode: struct xfs_dir2_sf_hdr. Inode
// numbers take 8 bytes when one of them needs it, else 4.
func (l *lister) short(b []byte) {
	if int64(len(b)) > l.ino.size {
		b = b[:l.ino.size]
	}
	if len(b) < 6 {
		l.Fault(fmt.Errorf("%d bytes in the inode are too short", len(b)))
		return
	}
	count, wide := int(b[0]), 4
	if b[1] != 0 {
		wide = 8
	}
	ftype := 0
	if l.fs.hasFtype() {
		ftype = 1
	}
	b = b[min(2+wide, len(b)):]
	for i := range count {
		if len(b) < 3 || len(b) < 3+int(b[0])+ftype+wide {
			l.Fault(fmt.Errorf("name %d of %d is cut off", i+1, count))
			return
		}
		name := int(b[0])
		rest := b[3+name:]
		d := dirent{name: string(b[3 : 3+name])}
		if ftype == 1 {
			d.kind = rest[0]
		}
		d.inode = bigEndian(rest[ftype : ftype+wide])
		l.entry(d)
		b = rest[ftype+wide:]
	}
}

func bigEndian(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// blocks reads the data blocks of a directory. Those without names may be
// holes.
func (l *lister) blocks() {
	l.seen = map[uint64]bool{}
	m, err := l.fs.mapping(l.ino, l.ino.data)
	if err != nil {
		l.Fault(err)
	}
	per := uint64(1) << l.fs.dirLog
	end := uint64(leafOffset/l.fs.blockSize) / per
	next := uint64(0)
	for _, r := range m {
		last := min((r.logical+r.length-1)/per, end-1)
		for next = max(next, r.logical/per); next <= last; next++ {
			if !l.block(next, m.mapped(next*per, per)) {
				return
			}
		}
	}
	if len(l.seen) == 0 && err == nil {
		l.Fault(errors.New("it has no data"))
	}
}

// block reads one data block, which lies in the given blocks of the device. It
// tells whether the directory is worth reading on: one that repeats a block of its own or of
// others is not.
func (l *lister) block(number uint64, at []uint64) bool {
	if at == nil {
		l.Fault(fmt.Errorf("a part of data block %d is a hole", number))
		return true
	}
	b := make([]byte, 0, len(at)*int(l.fs.blockSize))
	for _, physical := range at {
		if l.seen[physical] {
			l.Fault(fmt.Errorf("block %d is in it twice", physical))
			return false
		}
		l.seen[physical] = true
		if err := l.fs.claim(physical, l.ino.number); err != nil {
			l.Fault(err)
			return false
		}
		piece, err := l.fs.block(physical)
		if err != nil {
			l.Fault(err)
			return true
		}
		b = append(b, piece...)
	}
	if err := l.fs.verify(nameBlock, b, int64(at[0])*l.fs.blockSize, l.ino.number); err != nil {
		l.Fault(fmt.Errorf("data block %d: %w", number, err))
	}
	l.data(number, b)
	return l.bad < maxBad
}

// data reads the names of a data block.
func (l *lister) data(number uint64, b []byte) {
	data, single, start := uint32(magicDataV4), uint32(magicSingleV4), dataHeaderV4
	if l.fs.checksummed() {
		data, single, start = magicDataV5, magicSingleV5, dataHeaderV5
	}
	end := len(b)
	switch magic := be.Uint32(b); {
	case magic == data:
	case magic == single && number == 0:
		count := int64(be.Uint32(b[len(b)-singleTail:]))
		end -= singleTail
		if count > int64(end-start)/indexEntry {
			l.Fault(fmt.Errorf("it claims an index of %d names", count))
			return
		}
		end -= int(count) * indexEntry
	default:
		l.Fault(fmt.Errorf("data block %d starts with %#x", number, magic))
		if l.bad++; l.bad == maxBad {
			l.Fault(errors.New("it has too many such blocks: not read further"))
		}
		return
	}
	l.entries(b[:end], start)
}

// entries reads the chain of entries in b from at on: names, and unused space.
func (l *lister) entries(b []byte, at int) {
	ftype := 0
	if l.fs.hasFtype() {
		ftype = 1
	}
	for at < len(b) {
		e := b[at:]
		if len(e) < 8 {
			l.Fault(fmt.Errorf("an entry is cut off at byte %d", at))
			return
		}
		unused := be.Uint16(e) == unusedTag
		size := int(be.Uint16(e[2:]))
		if !unused && len(e) > 8 {
			size = (entryFixed + int(e[8]) + ftype + 7) &^ 7
		}
		if size < 8 || !unused && size < 16 || size%8 != 0 || size > len(e) || int(be.Uint16(e[size-2:])) != at {
			l.Fault(fmt.Errorf("an entry at byte %d has length %d", at, size))
			return
		}
		if !unused {
			d := dirent{name: string(e[9 : 9+int(e[8])]), inode: be.Uint64(e)}
			if ftype == 1 {
				d.kind = e[9+int(e[8])]
			}
			l.entry(d)
		}
		at += size
	}
}

func (l *lister) entry(d dirent) {
	switch {
	case d.name == "." || d.name == "..":
	case !fsys.ValidName(d.name):
		l.Fault(fmt.Errorf("it holds the impossible name %q", d.name))
	default:
		l.names = append(l.names, d)
	}
}

// base is the name.
func (d dirent) base() string { return d.name }
