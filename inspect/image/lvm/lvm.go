// Package lvm reads LVM2 physical volumes and puts volume groups together, of
// linear and striped logical volumes.
//
// It activates nothing and needs no device mapper: a logical volume becomes a
// table of package mapper. Mirrors, RAID, thin and cached volumes, snapshots
// and VDO are named with the reason why they are not read. It does not look
// at what is on a volume.
//
//	p, err := lvm.Open("partition 2", device)
//	…
//	for _, g := range lvm.Assemble([]*lvm.Physical{p}) {
//		for _, v := range g.Volumes { … v.Device … v.Err … }
//	}
//
// The layout is that of lvm2's lib/format_text/layout.h and lib/label; what
// the metadata says is told in lvm2's lib/format_text/import_vsn1.c.
package lvm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/report"
)

var le = binary.LittleEndian

const (
	// Kind is blkid's name of a physical volume.
	Kind = "LVM2_member"

	sectorSize   = 512
	labelSectors = 4 // the label is in one of the first four
	labelHeader  = 32
	labelMagic   = "LABELONE"
	labelType    = "LVM2 001"
	uuidSize     = 32
)

// A Physical is one physical volume.
type Physical struct {
	// Name is what the caller calls the device.
	Name   string
	Device fsys.Device
	UUID   string
	// Label is where the sector of the label begins; what lies before it is a
	// boot loader's.
	Label int64
	// Problems are what is wrong with a copy of the metadata although another
	// could be read.
	Problems []error

	areas []area // of metadata
	// group is the newest metadata that was found here; nil when there is none.
	group *group
	// ignored says that there are copies that others are to be preferred to.
	ignored bool
}

// An area is a run of the device, in bytes.
type area struct{ offset, size int64 }

// Probe tells whether r is a physical volume, as blkid(8) would.
func Probe(r io.ReaderAt) (report.Filesystem, bool) {
	b, _, ok := findLabel(r)
	if !ok {
		return report.Filesystem{}, false
	}
	uuid, err := uuidOf(b[min(le.Uint32(b[20:]), sectorSize-uuidSize):])
	if err != nil {
		return report.Filesystem{Type: Kind}, true // Open tells what is wrong
	}
	return report.Filesystem{Type: Kind, UUID: uuid}, true
}

// findLabel returns the sector of the label and its number.
func findLabel(r io.ReaderAt) ([]byte, int64, bool) {
	for n := range int64(labelSectors) {
		b := make([]byte, sectorSize)
		if got, _ := r.ReadAt(b, n*sectorSize); got < sectorSize {
			return nil, 0, false
		}
		if string(b[:8]) == labelMagic && string(b[24:32]) == labelType {
			return b, n, true
		}
	}
	return nil, 0, false
}

// Open reads the label and the metadata of a physical volume.
func Open(name string, dev fsys.Device) (*Physical, error) {
	b, n, ok := findLabel(dev)
	if !ok {
		return nil, errors.New("there is no label of LVM2 in the first four sectors")
	}
	if got := le.Uint64(b[8:]); got != uint64(n) {
		return nil, fmt.Errorf("the label in sector %d says that it is in sector %d", n, got)
	}
	if checksum(b[20:]) != le.Uint32(b[16:]) {
		return nil, errors.New("the checksum of the label does not match")
	}
	p := &Physical{Name: name, Device: dev, Label: n * sectorSize}
	if err := p.header(b); err != nil {
		return nil, fmt.Errorf("header of the physical volume: %w", err)
	}
	p.readAreas()
	if p.group == nil && len(p.Problems) > 0 {
		return nil, p.Problems[0]
	}
	return p, nil
}

// header reads the pv_header in the label's sector: the id, and two lists of
// areas, each ended by one of zeros.
func (p *Physical) header(b []byte) error {
	off := int64(le.Uint32(b[20:]))
	if off < labelHeader || off > sectorSize-uuidSize-8 {
		return fmt.Errorf("it is at byte %d of its sector, which is impossible", off)
	}
	var err error
	if p.UUID, err = uuidOf(b[off:]); err != nil {
		return err
	}
	list := b[off+uuidSize+8:]
	ended := 0
	for ; ended < 2 && len(list) >= 16; list = list[16:] {
		offset, size := le.Uint64(list), le.Uint64(list[8:])
		if offset == 0 {
			ended++
			continue
		}
		if ended == 0 {
			continue // where data lies is told by the metadata, extent by extent
		}
		if dev := uint64(p.Device.Size()); offset > dev || size > dev-offset {
			return fmt.Errorf("an area of metadata goes from byte %d to %d, but the device ends at byte %d: it is truncated", offset, offset+size, dev)
		}
		p.areas = append(p.areas, area{int64(offset), int64(size)})
	}
	if ended < 2 {
		return errors.New("the list of areas has no end")
	}
	return nil
}

// uuidOf formats an identifier as lvm2 shows it: 6-4-4-4-4-4-6.
func uuidOf(b []byte) (string, error) {
	id := string(b[:uuidSize])
	for _, c := range []byte(id) {
		if !isLetter(c) && !isDigit(c) && c != '!' && c != '#' {
			return "", fmt.Errorf("the identifier %s is impossible", strconv.QuoteToASCII(id))
		}
	}
	return id[:6] + "-" + id[6:10] + "-" + id[10:14] + "-" + id[14:18] + "-" + id[18:22] + "-" + id[22:26] + "-" + id[26:], nil
}

// checksum is lvm2's: a CRC-32 with a start of its own, and not inverted.
func checksum(parts ...[]byte) uint32 {
	const start = 0xf597a6cf
	c := ^uint32(start)
	for _, b := range parts {
		c = crc32.Update(c, crc32.IEEETable, b)
	}
	return ^c
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
