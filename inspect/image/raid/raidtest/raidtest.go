// Package raidtest makes members of software RAID without a kernel that has
// any: mdadm(8) writes superblocks only through one, but reads what is here.
package raidtest

import (
	"encoding/binary"
	"math"
)

// Sectors of a member's head: superblock and room, before the content.
const Offset = 2048

// A Super is what a test sets of a superblock.
type Super struct {
	Version string // "1.0", "1.1", "1.2"
	Level   int32
	Role    uint16 // of this device; 0xfffe is a failed one
	Events  uint64
	Dirty   bool
	Feature uint32
}

// Member is a device that holds content in an array.
func Member(s Super, content []byte) []byte {
	le := binary.LittleEndian
	data := make([]byte, Offset*512+len(content)+64<<10)
	start, at := Offset, 8
	switch s.Version {
	case "1.0":
		start, at = 0, (len(data)/512-16)&^7
	case "1.1":
		at = 0
	}
	copy(data[start*512:], content)
	b := data[at*512:][:256+2*2]
	le.PutUint32(b, 0xa92b4efc)
	le.PutUint32(b[4:], 1)
	le.PutUint32(b[8:], s.Feature)
	copy(b[16:], "sixteen bytes id")
	copy(b[32:], "host:data")
	le.PutUint32(b[72:], uint32(s.Level))
	le.PutUint64(b[80:], uint64(len(content)/512))
	le.PutUint32(b[92:], 2)
	le.PutUint64(b[128:], uint64(start))
	le.PutUint64(b[136:], uint64(len(content)/512))
	le.PutUint64(b[144:], uint64(at))
	copy(b[168:], "device's own id.")
	b[168] = byte(s.Role)
	le.PutUint64(b[200:], s.Events)
	if !s.Dirty {
		le.PutUint64(b[208:], math.MaxUint64)
	}
	le.PutUint32(b[220:], 2)
	le.PutUint16(b[256:], s.Role)
	le.PutUint16(b[258:], 0xfffe)
	sum := uint64(0)
	for i := 0; i < len(b); i += 4 {
		sum += uint64(le.Uint32(b[i:]))
	}
	le.PutUint32(b[216:], uint32(sum)+uint32(sum>>32))
	return data
}
