package xfs

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/assay-os/assay/inspect/image/fsys"
)

// testRecovery is one over an empty device of version 5.
func testRecovery() *recovery {
	sb := &superblock{
		raw: make([]byte, superSize), version: 5, blockSize: 4096, blocks: 256, agBlocks: 256, agCount: 1, agBlockLog: 8,
		inodeSize: 512, inodeLog: 3,
	}
	return &recovery{
		sb: sb, over: newOverlay(bytes.NewReader(make([]byte, 1<<20)), 1<<20),
		cancelled: map[span]int{}, freed: map[uint64]int{}, pending: map[intent][]uint64{}, adopted: map[uint64]bool{},
	}
}

// packed is a region: each number takes as many bytes as its type.
func packed(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		b, _ = binary.Append(b, le, p)
	}
	return b
}

func logged(regions ...[]byte) *item {
	return &item{total: len(regions), regions: regions}
}

// What was begun and not done is told of the inode; what was done is not.
func TestUnfinishedIntentsAreTold(t *testing.T) {
	rc := testRecovery()
	pad := make([]byte, 24)
	for _, it := range []*item{
		logged(append(packed(uint16(kindMap), uint16(1), uint32(1), uint64(7), uint64(100)), pad...)),
		logged(append(packed(uint16(kindMap), uint16(1), uint32(1), uint64(8), uint64(101)), pad...)),
		logged(packed(uint16(kindMapDone), uint16(1), uint32(0), uint64(8))),
		logged(append(packed(uint16(kindAttr), uint16(1), uint32(0), uint64(7), uint64(102), uint32(1)), pad...)),
		logged(append(packed(uint16(kindAttr), uint16(1), uint32(0), uint64(9), uint64(103), uint32(5)), pad...)), // of a parent pointer
		logged(append(packed(uint16(kindExchange), uint16(1), uint32(0), uint64(7), uint64(104), uint64(105)), pad...)),
	} {
		if err := rc.item(it, 1); err != nil {
			t.Fatal(err)
		}
	}
	var got []uint64
	for ino := range rc.unsettled() {
		got = append(got, ino)
	}
	slices.Sort(got)
	if !slices.Equal(got, []uint64{100, 102, 104, 105}) {
		t.Errorf("%v", got)
	}
	fs := &FS{superblock: *rc.sb, unsettled: rc.unsettled(), owners: map[uint64]uint64{}}
	var n fsys.Node
	fs.follow(&n, decodeInode(102, rc.freshInode(102, make([]byte, 4))))
	if n.Err == nil {
		t.Error("the inode shows no error")
	}
}

// inodeItem is a change of inode 16, in block 2, by a machine with 64 or 32 bits.
func inodeItem(narrow bool, core []byte, fields uint32, forks ...[]byte) *item {
	format := packed(uint16(kindInode), uint16(2+len(forks)), fields, uint16(0), uint16(0), uint32(0), uint64(16), uint64(0x123), uint64(0), int64(16), int32(32), int32(0))
	if narrow {
		format = slices.Delete(format, 12, 16)
	}
	return logged(append([][]byte{format, core}, forks...)...)
}

func TestInodesAreReplayed(t *testing.T) {
	core := make([]byte, coreSizeV3)
	copy(core, packed(uint16(inodeMagic), uint16(typeChar|0o640), byte(3), byte(formDevice), uint16(0), uint32(7), uint32(8), uint32(1)))
	copy(core[40:], packed(int32(-5), int32(9)))
	copy(core[152:], packed(uint64(16)))
	for _, narrow := range []bool{false, true} {
		rc := testRecovery()
		create := []byte{0x3f, 0x12, 1, 0}
		for _, n := range []uint32{0, 2, 64, 512, 8, 77} {
			create = be.AppendUint32(create, n)
		}
		for _, it := range []*item{logged(create), inodeItem(narrow, core, 1|logDevice|logOwner)} {
			if err := rc.item(it, 5<<32); err != nil {
				t.Fatal(err)
			}
		}
		fs := &FS{superblock: *rc.sb, dev: newDevice(rc.over, true)}
		ino, err := fs.readInode(16)
		if err != nil {
			t.Fatal(err)
		}
		if ino.mode != typeChar|0o640 || ino.uid != 7 || ino.gid != 8 || !ino.mtime.Equal(time.Unix(-5, 9)) || ino.device() != "0:291" || !rc.adopted[16] {
			t.Errorf("mode %#x, %d:%d, %v, device %s", ino.mode, ino.uid, ino.gid, ino.mtime, ino.device())
		}
		older := inodeItem(narrow, append(packed(uint16(inodeMagic), uint16(typeFile)), core[4:]...), 1)
		if err := rc.item(older, 4<<32); err != nil || be.Uint16(rc.over.own[16][2:]) != typeChar|0o640 {
			t.Errorf("an older change was made: %v", err)
		}
	}
}

// Before version 5, a counter of writes says which is newer; it goes round.
func TestCountersOfWrites(t *testing.T) {
	rc := testRecovery()
	rc.sb.version = 4
	for _, c := range []struct {
		disk, log uint16
		newer     bool
	}{{1, 2, false}, {2, 2, false}, {3, 2, true}, {0xffff, 1, false}, {0xffff, 0xfff0, true}} {
		disk, core := make([]byte, 96), make([]byte, 96)
		be.PutUint16(disk[30:], c.disk)
		le.PutUint16(core[30:], c.log)
		if rc.newerInode(disk, core, 0) != c.newer {
			t.Errorf("%+v", c)
		}
	}
}

func TestWrongItemsAreRefused(t *testing.T) {
	core := make([]byte, coreSizeV3)
	for name, it := range map[string]*item{
		"short buffer":     logged(packed(uint16(kindBuffer), uint16(1))),
		"buffer's map":     logged(packed(uint16(kindBuffer), uint16(1), uint16(0), uint16(1), int64(0), uint32(9), uint32(0))),
		"buffer outside":   logged(packed(uint16(kindBuffer), uint16(1), uint16(0), uint16(1), int64(1<<40), uint32(1), uint32(1)), make([]byte, 128)),
		"buffer's regions": logged(packed(uint16(kindBuffer), uint16(1), uint16(0), uint16(1), int64(0), uint32(1), uint32(5)), make([]byte, 128)),
		"buffer's size":    logged(packed(uint16(kindBuffer), uint16(1), uint16(0), uint16(1), int64(0), uint32(1), uint32(0x10)), make([]byte, 128)),
		"short inode":      logged(packed(uint16(kindInode), uint16(1)), core),
		"inode of nothing": inodeItem(false, core, 1),
		"short create":     logged(packed(uint16(kindCreate), uint16(1))),
		"large create":     logged(append(packed(uint16(kindCreate), uint16(1)), bytes.Repeat([]byte{0, 0, 0, 9}, 6)...)),
		"short intent":     logged(packed(uint16(kindMap), uint16(1))),
		"short end":        logged(packed(uint16(kindMapDone), uint16(1))),
	} {
		if err := testRecovery().item(it, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
