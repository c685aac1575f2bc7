package cpio

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// The binary form is a PDP-11's: words of 16 bits in the writer's order, of a number
// in two words the higher first.
const (
	binaryLittle = "\xc7\x71"
	binaryBig    = "\x71\xc7"
	binarySize   = 26
)

func isBinary(form string) bool { return form == binaryLittle || form == binaryBig }

// detectBinary tells whether bytes begin with a binary header. Two bytes of magic prove
// nothing: the mode must be one, and the name must end where it should.
func detectBinary(b []byte) bool {
	if len(b) < binarySize || !isBinary(string(b[:2])) {
		return false
	}
	h := parseBinary(b, 0)
	kinds := []uint32{unix.S_IFREG, unix.S_IFDIR, unix.S_IFLNK, unix.S_IFCHR, unix.S_IFBLK, unix.S_IFIFO, unix.S_IFSOCK, 0} // a trailer has none
	if h.name < 2 || h.name > fsys.MaxPath || !slices.Contains(kinds, h.mode&unix.S_IFMT) {
		return false
	}
	name := b[binarySize:min(len(b), binarySize+int(h.name))]
	end := slices.Index(name, 0)
	return end == int(h.name)-1 || end < 0 && len(name) < int(h.name)
}

func parseBinary(b []byte, at int64) *header {
	var order binary.ByteOrder = binary.LittleEndian
	if string(b[:2]) == binaryBig {
		order = binary.BigEndian
	}
	word := func(i int) uint64 { return uint64(order.Uint16(b[2*i:])) }
	return &header{
		form: string(b[:2]), dev: word(1), ino: word(2), mode: uint32(word(3)), uid: uint32(word(4)), gid: uint32(word(5)), links: word(6),
		major: word(7) >> 8, minor: word(7) & 0xff, mtime: word(8)<<16 | word(9), name: int64(word(10)), size: int64(word(11)<<16 | word(12)),
		at: at + binarySize,
	}
}
