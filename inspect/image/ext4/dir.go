package ext4

import (
	"fmt"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// A dirent is one name of a directory.
type dirent struct {
	name  string
	inode uint32
	kind  byte
}

const (
	direntSize = 8    // without the name
	tailKind   = 0xde // of the entry that holds a block's checksum
	tailSize   = 12
)

// A lister collects the names of one directory.
type lister struct {
	fs    *FS
	ino   *inode
	seen  map[uint64]bool
	names []dirent
	fsys.Faults
}

// list returns the names of a directory but "." and "..", sorted. With an
// error it returns those that could be read.
func (fs *FS) list(ino *inode) ([]dirent, error) {
	l := lister{fs: fs, ino: ino, seen: map[uint64]bool{}}
	switch {
	case ino.flags&flagEncrypted != 0:
		return nil, errEncrypted
	case ino.flags&flagInline != 0:
		l.inline()
	default:
		l.blocks()
	}
	l.names = fsys.SortNames(l.names, dirent.base, &l.Faults)
	if err := l.Err(); err != nil {
		return l.names, fmt.Errorf("directory inode %d: %w", ino.number, err)
	}
	return l.names, nil
}

// inline reads a directory within its inode: four bytes of i_block name the
// parent, entries fill the rest and, apart from these, the attribute system.data.
func (l *lister) inline() {
	data, err := l.fs.inlineData(l.ino)
	if err != nil {
		l.Fault(err)
		return
	}
	const first = 60
	if len(data) < 4 {
		l.Fault(fmt.Errorf("%d bytes inline are too short", len(data)))
		return
	}
	l.entries(data[4:min(first, len(data))])
	if len(data) > first {
		l.entries(data[first:])
	}
}

// blocks reads a directory block by block. The inner nodes of a hash tree look like
// blocks without names, by design.
func (l *lister) blocks() {
	runs, err := l.fs.runs(l.ino)
	if err != nil {
		l.Fault(err)
	}
	count, next := l.fs.blockCount(l.ino), uint64(0)
	for _, r := range runs {
		if r.logical > next {
			break
		}
		for i := range r.length {
			if next = r.logical + i; next >= count {
				break
			}
			if !l.block(next, r.physical+i) {
				return
			}
		}
		next = r.logical + r.length
	}
	if next < count && err == nil {
		l.Fault(fmt.Errorf("block %d of %d is a hole", next, count))
	}
}

// block reads one block, and tells whether the directory is worth reading on: one
// that repeats a block of its own or of others is not.
func (l *lister) block(logical, physical uint64) bool {
	if l.seen[physical] {
		l.Fault(fmt.Errorf("block %d is in it twice", physical))
		return false
	}
	l.seen[physical] = true
	if err := l.fs.claim(physical, l.ino.number); err != nil {
		l.Fault(err)
		return false
	}
	b, err := l.fs.block(physical)
	if err != nil {
		l.Fault(err)
		return true
	}
	if !l.sound(logical, b) {
		l.Fault(fmt.Errorf("the checksum of block %d does not match", logical))
	}
	l.entries(b)
	return true
}

// sound verifies det_checksum where the block ends with an entry that holds
// one, and that of a node of the hash tree.
func (l *lister) sound(logical uint64, b []byte) bool {
	if l.fs.roCompat&roMetadataCsum == 0 {
		return true
	}
	seed := l.fs.inodeSeed(l.ino)
	if at := l.indexAt(logical, b); at > 0 {
		return indexSound(seed, b, at)
	}
	tail := b[len(b)-tailSize:]
	if le.Uint32(tail) != 0 || le.Uint16(tail[4:]) != tailSize || tail[6] != 0 || tail[7] != tailKind {
		return true
	}
	return crc32c(seed, b[:len(b)-tailSize]) == le.Uint32(tail[8:])
}

// indexAt is where the hash tree's entries start in a block (struct dx_root,
// struct dx_node); 0 when the block holds names.
func (l *lister) indexAt(logical uint64, b []byte) int {
	switch {
	case l.ino.flags&flagIndex == 0:
		return 0
	case logical == 0:
		return 32
	case le.Uint32(b) == 0 && int64(l.recordLength(b)) == l.fs.blockSize:
		return 8
	}
	return 0
}

// indexSound verifies dt_checksum, which follows the last possible entry.
func indexSound(seed uint32, b []byte, at int) bool {
	limit, count := int(le.Uint16(b[at:])), int(le.Uint16(b[at+2:]))
	tail := at + limit*8
	if count > limit || tail+8 > len(b) {
		return false
	}
	crc := crc32c(seed, b[:at+count*8])
	crc = crc32c(crc, b[tail:tail+4])
	return crc32c(crc, make([]byte, 4)) == le.Uint32(b[tail+4:])
}

// entries reads the chain of entries in b.
func (l *lister) entries(b []byte) {
	for at := 0; at < len(b); {
		e := b[at:]
		if len(e) < direntSize {
			l.Fault(fmt.Errorf("an entry is cut off at byte %d", at))
			return
		}
		length, name := l.recordLength(e), int(e[6])
		if length < direntSize+name || length%4 != 0 || length > len(e) || length < tailSize && len(e) >= tailSize {
			l.Fault(fmt.Errorf("an entry at byte %d has length %d", at, length))
			return
		}
		l.entry(e, name)
		at += length
	}
}

// recordLength decodes rec_len, whose two low bits carry what 64 KiB need.
func (l *lister) recordLength(e []byte) int {
	n := int(le.Uint16(e[4:]))
	if l.fs.blockSize < 65536 {
		return n
	}
	if n == 65535 || n == 0 {
		return 65536
	}
	return n&65532 | n&3<<16
}

func (l *lister) entry(e []byte, length int) {
	number, name := le.Uint32(e), string(e[direntSize:direntSize+length])
	switch {
	case number == 0 || name == "." || name == "..":
	case !fsys.ValidName(name):
		l.Fault(fmt.Errorf("it holds the impossible name %q", name))
	default:
		d := dirent{name: name, inode: number}
		if l.fs.incompat&incompatFiletype != 0 {
			d.kind = e[7]
		}
		l.names = append(l.names, d)
	}
}

// base is the name.
func (d dirent) base() string { return d.name }
