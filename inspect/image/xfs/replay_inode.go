package xfs

import (
	"errors"
	"fmt"
)

// What an inode's item brings: ilf_fields.
const (
	logDataLocal = 0x2
	logDataList  = 0x4
	logDataTree  = 0x8
	logDevice    = 0x10
	logAttrLocal = 0x40
	logAttrList  = 0x80
	logAttrTree  = 0x100
	logOwner     = 0x200 | 0x400
	logData      = logDataLocal | logDataList | logDataTree
	logAttr      = logAttrLocal | logAttrList | logAttrTree

	// The fields end where the list of deleted inodes begins, which is not logged.
	coreSize   = 96
	coreSizeV3 = 176
)

// A loggedInode is a decoded struct xfs_inode_log_format.
type loggedInode struct {
	span
	number uint64
	fields uint32
	device uint32
	offset uint32 // in the span
}

func decodeLoggedInode(b []byte) (loggedInode, error) {
	at := 16
	switch len(b) {
	case 56:
	case 52: // of a machine with 32 bits: no padding
		at = 12
	default:
		return loggedInode{}, fmt.Errorf("an inode's item of %d bytes", len(b))
	}
	return loggedInode{
		fields: le.Uint32(b[4:]),
		number: le.Uint64(b[at:]),
		device: le.Uint32(b[at+8:]),
		span:   span{le.Uint64(b[at+24:]), uint64(le.Uint32(b[at+32:]))},
		offset: le.Uint32(b[at+36:]),
	}, nil
}

// inode makes the changes of an inode: xlog_recover_inode_commit_pass2.
func (rc *recovery) inode(it *item, lsn uint64) error {
	f, err := decodeLoggedInode(it.regions[0])
	if err != nil {
		return err
	}
	if rc.cancelled[f.span] > 0 {
		return nil
	}
	if len(it.regions) < 2 || f.block > 1<<53 || !rc.over.covers(f.block*logBlock+uint64(f.offset), uint64(rc.sb.inodeSize)) {
		return fmt.Errorf("inode %d: its item leads nowhere", f.number)
	}
	off := int64(f.block)*logBlock + int64(f.offset)
	b := make([]byte, rc.sb.inodeSize)
	if n, err := rc.over.ReadAt(b, off); n < len(b) {
		return noEOF(err)
	}
	core := it.regions[1]
	if len(core) < rc.coreSize() || le.Uint16(core) != inodeMagic || be.Uint16(b) != inodeMagic {
		return fmt.Errorf("inode %d: its item is none, or changes none", f.number)
	}
	if rc.newerInode(b, core, lsn) {
		return nil
	}
	putCore(b, core, rc.sb.version == 5, lsn)
	if err := rc.forks(f, it, b); err != nil {
		return fmt.Errorf("inode %d: %w", f.number, err)
	}
	if rc.sb.checksummed() {
		le.PutUint32(b[inodeCRC:], checksum(b, inodeCRC))
	}
	return rc.over.write(b, off)
}

func (rc *recovery) coreSize() int {
	if rc.sb.version == 5 {
		return coreSizeV3
	}
	return coreSize
}

// newerInode tells whether the inode on the device has the changes already: by
// the place of its last change in the log, before version 5 by a counter of
// its writes.
func (rc *recovery) newerInode(b, core []byte, lsn uint64) bool {
	if rc.sb.version == 5 {
		has := be.Uint64(b[112:])
		return has != 0 && has != ^uint64(0) && has > lsn
	}
	const most = 0xffff
	has, logged := be.Uint16(b[30:]), le.Uint16(core[30:])
	return logged < has && (has != most || logged >= most/2)
}

// putCore writes the fields of struct xfs_log_dinode, each in the other byte order.
func putCore(b, core []byte, v3 bool, lsn uint64) {
	widths := []struct{ at, width int }{
		{0, 2}, {2, 2}, {4, 1}, {5, 1}, {6, 2}, {8, 4}, {12, 4}, {16, 4}, {20, 2}, {22, 2},
		{56, 8}, {64, 8}, {72, 4}, {76, 4}, {80, 2}, {82, 1}, {83, 1}, {84, 4}, {88, 2}, {90, 2}, {92, 4},
	}
	times := []int{32, 40, 48}
	wide := false
	if v3 {
		widths = append(widths, []struct{ at, width int }{{24, 8}, {104, 8}, {120, 8}, {128, 4}, {152, 8}}...)
		times = append(times, 144)
		wide = le.Uint64(core[120:])&flag2Bigtime != 0
		copy(b[132:144], core[132:144])
		copy(b[160:176], core[160:176])
		be.PutUint64(b[112:], lsn)
	} else {
		clear(b[24:32]) // with the counter of writes
	}
	for _, f := range widths {
		swap(b[f.at:], core[f.at:], f.width)
	}
	for _, at := range times {
		if wide {
			swap(b[at:], core[at:], 8)
			continue
		}
		swap(b[at:], core[at:], 4)
		swap(b[at+4:], core[at+4:], 4)
	}
}

// swap copies width bytes in reverse.
func swap(to, from []byte, width int) {
	for i := range width {
		to[i] = from[width-1-i]
	}
}

// forks writes what was logged of the areas behind the fields.
func (rc *recovery) forks(f loggedInode, it *item, b []byte) error {
	ino := decodeInode(f.number, b)
	if f.fields&logDevice != 0 {
		if len(ino.data.area) < 4 {
			return errors.New("no room for a device")
		}
		be.PutUint32(ino.data.area, f.device)
	}
	if f.fields&logOwner != 0 {
		rc.adopted[f.number] = true
	}
	next := 2
	for _, part := range []struct {
		fields, tree uint32
		area         []byte
	}{
		{logData, logDataTree, ino.data.area}, {logAttr, logAttrTree, ino.attr.area},
	} {
		if f.fields&part.fields == 0 || len(it.regions) == 2 {
			continue
		}
		if next >= len(it.regions) {
			return errors.New("a fork is missing in the log")
		}
		err := rc.fork(part.area, it.regions[next], f.fields&part.tree != 0)
		if err != nil {
			return err
		}
		next++
	}
	return nil
}

// fork writes one area. The root of a tree lies in the log as a whole block
// would: xfs_bmbt_to_bmdr.
func (rc *recovery) fork(area, logged []byte, tree bool) error {
	if !tree {
		if len(logged) > len(area) {
			return fmt.Errorf("a fork of %d bytes for %d", len(logged), len(area))
		}
		copy(area, logged)
		return nil
	}
	head := treeHeaderV4
	if rc.sb.checksummed() {
		head = treeHeaderV5
	}
	if len(logged) < head || len(area) < rootHeader {
		return errors.New("the root of a tree is cut off")
	}
	count := int(be.Uint16(logged[6:]))
	from, to := (len(logged)-head)/pointerPair, (len(area)-rootHeader)/pointerPair
	if count > from || count > to {
		return fmt.Errorf("the root of a tree has %d pointers", count)
	}
	copy(area[:rootHeader], logged[4:8])
	copy(area[rootHeader:], logged[head:head+count*8])
	copy(area[rootHeader+to*8:], logged[head+from*8:head+from*8+count*8])
	return nil
}

// create makes inodes that are in no use yet: struct xfs_icreate_log, which is
// big-endian but for its kind, and xfs_ialloc_inode_init.
func (rc *recovery) create(b []byte) error {
	if len(b) < 28 {
		return errors.New("new inodes: the item is cut off")
	}
	group, block, count := uint64(be.Uint32(b[4:])), uint64(be.Uint32(b[8:])), uint64(be.Uint32(b[12:]))
	size, length := uint64(be.Uint32(b[16:])), uint64(be.Uint32(b[20:]))
	first, err := rc.sb.linear(group<<rc.sb.agBlockLog|block, length)
	if err != nil {
		return fmt.Errorf("new inodes: %w", err)
	}
	const most = 256 // in one chunk: 64 KiB of the smallest
	if count > most || size != uint64(rc.sb.inodeSize) || count*size != length*uint64(rc.sb.blockSize) || block >= uint64(rc.sb.agBlocks) {
		return fmt.Errorf("new inodes: %d of %d bytes in %d blocks", count, size, length)
	}
	perBlock := uint64(rc.sb.blockSize) / logBlock
	for at := first * perBlock; at < (first+length)*perBlock; at++ {
		if rc.freed[at] > 0 {
			return nil
		}
	}
	number := (group<<rc.sb.agBlockLog | block) << rc.sb.inodeLog
	for i := range count {
		fresh := rc.freshInode(number+i, b[24:28])
		if err := rc.over.write(fresh, int64(first)*rc.sb.blockSize+int64(i*size)); err != nil {
			return err
		}
	}
	return nil
}

func (rc *recovery) freshInode(number uint64, generation []byte) []byte {
	b := make([]byte, rc.sb.inodeSize)
	be.PutUint16(b, inodeMagic)
	b[4] = 2
	copy(b[92:], generation)
	be.PutUint32(b[96:], ^uint32(0))
	if rc.sb.version == 5 {
		b[4] = 3
		be.PutUint64(b[152:], number)
		copy(b[160:], rc.sb.metaUUID())
		le.PutUint32(b[inodeCRC:], checksum(b, inodeCRC))
	}
	return b
}
