package iso9660

import (
	"fmt"
	"io"
)

// A bootImage is one entry of El Torito's boot catalog.
type bootImage struct {
	platform byte
	bootable bool
	media    byte
	segment  uint16
	system   byte
	sectors  uint16 // of 512 bytes, that firmware loads
	block    uint32
	length   int64 // what the image has, as far as the catalog tells
}

// String names what firmware is told.
func (b bootImage) String() string {
	platform := map[byte]string{0: "bios", 1: "powerpc", 2: "mac", 0xef: "uefi"}[b.platform]
	if platform == "" {
		platform = fmt.Sprintf("platform %#x", b.platform)
	}
	media := map[byte]string{0: "no emulation", 1: "floppy 1.2M", 2: "floppy 1.44M", 3: "floppy 2.88M", 4: "hard disk"}[b.media&0xf]
	return fmt.Sprintf("%s, %s (%#x), bootable %v, segment %#x, type %#x, %d sectors at block %d", platform, media, b.media, b.bootable, b.segment, b.system, b.sectors, b.block)
}

const catalogEntry = 32

// readCatalog reads the boot catalog at a block; a broken one has no images.
func readCatalog(r io.ReaderAt, block uint32) []bootImage {
	b := make([]byte, sectorSize)
	if n, _ := r.ReadAt(b, int64(block)*sectorSize); n < sectorSize || b[0] != 1 || b[30] != 0x55 || b[31] != 0xaa {
		return nil
	}
	out := []bootImage{catalogImage(b[catalogEntry:], b[1])}
	left, platform, last := 0, byte(0), false
	for at := 2 * catalogEntry; at+catalogEntry <= len(b); at += catalogEntry {
		e := b[at:]
		switch {
		case left > 0 && e[0] == 0x44: // more of the selection criteria
		case left > 0:
			out = append(out, catalogImage(e, platform))
			left--
		case !last && (e[0] == 0x90 || e[0] == 0x91):
			platform, left, last = e[1], int(le.Uint16(e[2:])), e[0] == 0x91
		case e[0] != 0x44:
			return out
		}
	}
	return out
}

func catalogImage(e []byte, platform byte) bootImage {
	b := bootImage{platform: platform, bootable: e[0] == 0x88, media: e[1], segment: le.Uint16(e[2:]), system: e[4], sectors: le.Uint16(e[6:]), block: le.Uint32(e[8:])}
	b.length = int64(b.sectors) * 512
	if floppy := map[byte]int64{1: 1200 << 10, 2: 1440 << 10, 3: 2880 << 10}[b.media&0xf]; floppy != 0 {
		b.length = floppy
	}
	return b
}
