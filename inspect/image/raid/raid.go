// Package raid reads the superblocks of Linux software RAID (md), and the
// content of mirrors (RAID1) from one of their members.
//
// Metadata of the versions 1.0, 1.1 and 1.2 is read; 0.90 and other levels are
// named. It assembles nothing: which member to take is for the caller to
// choose by [Member.Events].
//
// The layout is struct mdp_superblock_1 of the kernel's
// include/uapi/linux/raid/md_p.h.
package raid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/assay-os/assay/inspect/image/fsys"
	"github.com/assay-os/assay/inspect/image/mapper"
	"github.com/assay-os/assay/report"
)

var le = binary.LittleEndian

const (
	// Kind is blkid's name of a member.
	Kind = "linux_raid_member"

	magic      = 0xa92b4efc
	sectorSize = 512
	headSize   = 256
	maxDevices = 1920 // what fits into the 4 KiB of a superblock
	// maxSectors keeps every product from overflowing.
	maxSectors = 1 << 52

	// roles from here on are of members that are not active
	firstInactive = 0xfffe
	// featureBitmap is the one flag that changes nothing for who reads a
	// mirror; another is featureBadBlocks, where no block is listed.
	featureBitmap    = 1
	featureBadBlocks = 8
)

// A Member is one device of an array.
type Member struct {
	// UUID is the array's, Device the member's own.
	UUID, Device string
	// Name is the array's, without the host's before it.
	Name string
	// Version is that of the metadata: "1.2".
	Version string
	Level   int32
	Devices uint32
	// Events counts the changes of the array: members with less than others
	// are out of date.
	Events uint64
	// Dirty says that the mirrors may not be equal yet.
	Dirty bool

	role, features uint32
	offset, size   uint64 // of the content, in sectors
	dev            fsys.Device
}

// Probe tells whether a device is a member.
func Probe(dev fsys.Device) (report.Filesystem, bool) {
	m, err := Open(dev)
	if err != nil {
		return probeOld(dev)
	}
	f := report.Filesystem{Type: Kind, UUID: m.UUID, Settings: m.Settings()}
	f.Settings["member"] = m.Device
	return f, true
}

// probeOld looks for metadata of version 0.90, in the last 64 KiB that are whole.
func probeOld(dev fsys.Device) (report.Filesystem, bool) {
	b := make([]byte, 64)
	if n, _ := dev.ReadAt(b, dev.Size()&^0xffff-0x10000); n < len(b) || le.Uint32(b) != magic || le.Uint32(b[4:]) != 0 || le.Uint32(b[8:]) != 90 {
		return report.Filesystem{}, false
	}
	id := append(bytes.Clone(b[20:24]), b[52:64]...)
	return report.Filesystem{Type: Kind, UUID: uuid(id), Settings: map[string]string{"metadata": "0.90", "level": fmt.Sprint(int32(le.Uint32(b[28:])))}}, true
}

// Open reads the superblock of a device, at any of its three places.
func Open(dev fsys.Device) (*Member, error) {
	sectors := dev.Size() / sectorSize
	for _, place := range []struct {
		version string
		sector  int64
	}{{"1.1", 0}, {"1.2", 8}, {"1.0", (sectors - 16) &^ 7}} {
		if place.sector < 0 {
			continue
		}
		b := make([]byte, headSize+2*maxDevices)
		n, err := dev.ReadAt(b, place.sector*sectorSize)
		if n < headSize || err != nil && err != io.EOF || le.Uint32(b) != magic || le.Uint32(b[4:]) != 1 || le.Uint64(b[144:]) != uint64(place.sector) {
			continue
		}
		m, err := parse(b[:n])
		if err != nil {
			return nil, err
		}
		m.dev, m.Version = dev, place.version
		return m, nil
	}
	return nil, errors.New("there is no superblock of version 1 (0.90 is not read)")
}

func parse(b []byte) (*Member, error) {
	count := le.Uint32(b[220:])
	if count > maxDevices || headSize+2*int(count) > len(b) {
		return nil, fmt.Errorf("%d devices are impossible", count)
	}
	b = b[:headSize+2*count]
	if checksum(b) != le.Uint32(b[216:]) {
		return nil, errors.New("the checksum of the superblock does not match")
	}
	name, _, _ := bytes.Cut(b[32:64], []byte{0})
	if _, own, ok := bytes.Cut(name, []byte(":")); ok {
		name = own
	}
	m := &Member{
		UUID: uuid(b[16:32]), Device: uuid(b[168:184]), Name: strings.ToValidUTF8(string(name), "\ufffd"),
		Level: int32(le.Uint32(b[72:])), Devices: le.Uint32(b[92:]), Events: le.Uint64(b[200:]),
		Dirty: le.Uint64(b[208:]) != math.MaxUint64, features: le.Uint32(b[8:]),
		offset: le.Uint64(b[128:]), size: le.Uint64(b[80:]), role: math.MaxUint16,
	}
	if n := le.Uint32(b[160:]); n < count {
		m.role = uint32(le.Uint16(b[headSize+2*n:]))
	}
	return m, nil
}

// checksum adds the words of a superblock up, without the checksum itself.
func checksum(b []byte) uint32 {
	b = bytes.Clone(b)
	clear(b[216:220])
	sum := uint64(0)
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(le.Uint32(b))
	}
	if len(b) == 2 {
		sum += uint64(le.Uint16(b))
	}
	return uint32(sum) + uint32(sum>>32)
}

func uuid(b []byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Settings are what the superblock says of the array.
func (m *Member) Settings() map[string]string {
	return map[string]string{"level": fmt.Sprint(m.Level), "metadata": m.Version, "devices": fmt.Sprint(m.Devices), "name": m.Name}
}

// Content is what a member of a mirror holds, whole.
func (m *Member) Content() (fsys.Device, error) {
	switch {
	case m.Level != 1:
		return nil, fmt.Errorf("RAID level %d is not read (1 is)", m.Level)
	case m.features&^(featureBitmap|featureBadBlocks) != 0:
		return nil, fmt.Errorf("the array has the features 0x%x: one that is being rebuilt or reshaped is not read", m.features)
	case m.role >= firstInactive:
		return nil, errors.New("the device is a spare or failed member, without the array's content")
	case m.offset > maxSectors || m.size > maxSectors:
		return nil, fmt.Errorf("%d sectors from sector %d on are impossible", m.size, m.offset)
	}
	return mapper.Section(m.dev, int64(m.offset)*sectorSize, int64(m.size)*sectorSize)
}
