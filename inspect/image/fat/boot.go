package fat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// The bounds of the count of clusters, as blkid(8) and Linux have them.
const (
	most12 = 0xff4
	most16 = 0xfff4
	most32 = 0x0ffffff6
)

const bootSize = 512

// A boot is what the boot sector says: the BIOS parameter block.
type boot struct {
	raw         [bootSize]byte
	bits        int // 12, 16, 32: the width of an entry of the table
	sectorSize  int64
	clusterSize int64
	sectors     int64
	reserved    int64 // sectors before the first table
	tables      int64
	tableSize   int64 // bytes of one table
	rootEntries int64 // of a root directory that is no chain
	rootCluster uint32
	clusters    uint32 // clusters of data: they are numbered from 2
}

var errNoFAT = errors.New("it is no FAT filesystem")

// readBoot believes a boot sector by the rules of blkid(8): a mark that it is
// one, and numbers that make sense together. The name of the type that some
// have in it means nothing.
func readBoot(r io.ReaderAt) (boot, error) {
	var b boot
	if n, err := r.ReadAt(b.raw[:], 0); n < bootSize {
		return b, fmt.Errorf("read boot sector: %w", err)
	}
	if !b.marked() || !b.measure() || !b.count() {
		return b, errNoFAT
	}
	if b.bits == 32 && !b.infoSound(r) {
		return b, errNoFAT
	}
	return b, nil
}

// marked tells whether the sector claims to be a FAT's: by the name of a type,
// by a jump, or by the signature of all boot sectors.
func (b *boot) marked() bool {
	raw := b.raw[:]
	if bytes.HasPrefix(raw[3:], []byte("-FVE-FS-")) { // BitLocker keeps the rest
		return false
	}
	for _, name := range []string{"FAT12   ", "FAT16   ", "FAT     ", "MSDOS"} {
		if bytes.HasPrefix(raw[0x36:], []byte(name)) {
			return true
		}
	}
	if bytes.HasPrefix(raw[0x52:], []byte("FAT32   ")) || bytes.HasPrefix(raw[0x52:], []byte("MSWIN")) {
		return true
	}
	other := bytes.HasPrefix(raw[0x36:], []byte("JFS     ")) || bytes.HasPrefix(raw[0x36:], []byte("HPFS    "))
	return !other && raw[510] == 0x55 && raw[511] == 0xaa
}

// measure reads the sizes, and tells whether they are possible.
func (b *boot) measure() bool {
	raw := b.raw[:]
	perCluster := int64(raw[0xd])
	b.sectorSize = int64(le.Uint16(raw[0xb:]))
	b.clusterSize = perCluster * b.sectorSize
	b.reserved = int64(le.Uint16(raw[0xe:]))
	b.tables = int64(raw[0x10])
	b.rootEntries = int64(le.Uint16(raw[0x11:]))
	if b.sectors = int64(le.Uint16(raw[0x13:])); b.sectors == 0 {
		b.sectors = int64(le.Uint32(raw[0x20:]))
	}
	b.bits = 16
	tableSectors := int64(le.Uint16(raw[0x16:]))
	if tableSectors == 0 {
		b.bits = 32
		tableSectors = int64(le.Uint32(raw[0x24:]))
		b.rootCluster = le.Uint32(raw[0x2c:])
	}
	b.tableSize = tableSectors * b.sectorSize
	media := raw[0x15]
	return bits.OnesCount64(uint64(b.sectorSize)) == 1 && b.sectorSize >= 512 && b.sectorSize <= 4096 &&
		bits.OnesCount64(uint64(perCluster)) == 1 && b.reserved > 0 && b.tables > 0 && b.tableSize > 0 &&
		(media >= 0xf8 || media == 0xf0)
}

// count finds how many clusters there are, which alone decides between 12 and
// 16 bits, and tells whether that many are possible. No table has fewer
// entries than clusters count.
func (b *boot) count() bool {
	data := b.sectors*b.sectorSize - b.dataStart()
	if data < 0 {
		return false
	}
	n := data / b.clusterSize
	most := int64(most32)
	if b.bits != 32 {
		most = most16
		if n <= most12 {
			b.bits, most = 12, most12
		}
	}
	if n > most {
		return false
	}
	b.clusters = uint32(min(n, max(0, b.tableSize*8/int64(b.bits)-2)))
	return true
}

func (b *boot) tableStart() int64 { return b.reserved * b.sectorSize }

// rootStart is where the root directory of 12 and 16 bits lies.
func (b *boot) rootStart() int64 { return b.tableStart() + b.tables*b.tableSize }

// dataStart is where cluster 2 lies, at a sector.
func (b *boot) dataStart() int64 {
	root := b.rootEntries * direntSize
	return b.rootStart() + (root+b.sectorSize-1)/b.sectorSize*b.sectorSize
}

func (b *boot) clusterAt(n uint32) int64 { return b.dataStart() + int64(n-2)*b.clusterSize }

// clustersOf is how many clusters a size takes.
func (b *boot) clustersOf(size int64) int64 { return (size + b.clusterSize - 1) / b.clusterSize }

func (b *boot) size() int64 { return b.sectors * b.sectorSize }

// activeTable is the number of the one table that is kept up; 0 where all are.
func (b *boot) activeTable() int {
	flags := le.Uint16(b.raw[0x28:])
	if b.bits != 32 || flags&0x80 == 0 {
		return 0
	}
	return int(flags & 0xf)
}

// infoSector is where FAT32 counts free clusters; 0 is nowhere.
func (b *boot) infoSector() int64 {
	n := int64(le.Uint16(b.raw[0x30:]))
	if b.bits != 32 || n == 0xffff || n >= b.reserved {
		return 0
	}
	return n * b.sectorSize
}

// backupSector is where FAT32 has a copy of its boot sector; 0 is nowhere.
func (b *boot) backupSector() int64 {
	n := int64(le.Uint16(b.raw[0x32:]))
	if b.bits != 32 || n == 0xffff || n >= b.reserved {
		return 0
	}
	return n * b.sectorSize
}

// infoSound tells whether the sector of free counts has its marks, or none at
// all: blkid takes nothing else for a FAT32.
func (b *boot) infoSound(r io.ReaderAt) bool {
	n := int64(le.Uint16(b.raw[0x30:]))
	if n == 0 {
		return true
	}
	info := make([]byte, 512)
	if got, _ := r.ReadAt(info, n*b.sectorSize); got < len(info) {
		return false
	}
	lead, second := string(info[:4]), string(info[0x1e4:0x1e8])
	return (lead == "RRaA" || lead == "RRdA" || lead == "\x00\x00\x00\x00") && (second == "rrAa" || second == "\x00\x00\x00\x00")
}
