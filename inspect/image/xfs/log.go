package xfs

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
)

// The layout of the log: xfs_log_format.h. It is a ring of blocks of 512
// bytes. Each starts with the number of the turn in which it was written, the
// cycle, or is the header of a record and has the cycle behind the magic number.
const (
	logBlock        = 512
	recordMagic     = 0xfeedbabe
	recordVersion1  = 1
	recordVersion2  = 2
	recordMaxSize   = 256 << 10
	recordLittle    = 1  // h_fmt: of a little-endian machine
	headerCycles    = 64 // in one block of a record's header
	headerCovers    = headerCycles * logBlock
	opHeader        = 12
	opUnmount       = 0x20
	maxRecords      = 8 // XLOG_MAX_ICLOGS: how many may be under way at once
	maxUnderWay     = maxRecords * recordMaxSize / logBlock
	recordCRC       = 32
	recordStruct    = 328 // sizeof(struct xlog_rec_header), 324 where 64-bit numbers have no alignment
	recordStruct32  = 324
	recordExtension = 4 + headerCycles*4
)

// errNoRecord says that the log holds nothing that could be read.
var errNoRecord = errors.New("it has no record: run xfs_repair on a copy")

// A journal is the log of a filesystem.
type journal struct {
	sb    *superblock
	dev   *device
	start int64 // byte on the device
	size  int64 // in blocks of the log
}

// A record is what one write to the log brought.
type record struct {
	at      int64 // block of its header
	headers int64 // blocks of its header
	blocks  int64 // of data
	length  int64 // of data in bytes; in version 1 they do not fill the last block
	ops     int
	cycle   uint32
	lsn     uint64 // cycle and block
	tail    uint64 // lsn of the first record that may still be needed
	crc     uint32
	raw     []byte // the header
	// unchecked is for tests alone, as device.verifies.
	unchecked bool
}

// end is the block after the record.
func (r *record) end(j *journal) int64 { return (r.at + r.headers + r.blocks) % j.size }

// openJournal finds the log.
func openJournal(sb *superblock, dev *device) (*journal, error) {
	if sb.logStart == 0 {
		return nil, errors.New("it lies on another device: whether it was replayed cannot be told")
	}
	if sb.logBlocks == 0 {
		return nil, errors.New("it has no blocks")
	}
	first, err := sb.linear(sb.logStart, uint64(sb.logBlocks))
	if err != nil {
		return nil, err
	}
	return &journal{
		sb: sb, dev: dev,
		start: int64(first) * sb.blockSize,
		size:  int64(sb.logBlocks) * (sb.blockSize / logBlock),
	}, nil
}

// read returns n blocks from block at on, around the end of the ring.
func (j *journal) read(at, n int64) ([]byte, error) {
	b := make([]byte, n*logBlock)
	until := min(n, j.size-at) * logBlock
	if err := j.dev.Read(b[:until], j.start+at*logBlock); err != nil {
		return nil, err
	}
	return b, j.dev.Read(b[until:], j.start)
}

// cycle is the turn in which a block was written; 0 for never.
func (j *journal) cycle(at int64) (uint32, error) {
	var b [8]byte
	if err := j.dev.Read(b[:], j.start+at*logBlock); err != nil {
		return 0, err
	}
	if be.Uint32(b[:]) == recordMagic {
		return be.Uint32(b[4:]), nil
	}
	return be.Uint32(b[:]), nil
}

// last returns the last record, and whether the log says that everything is in
// its place. The record is nil where the log was never used.
func (j *journal) last() (*record, bool, error) {
	head, err := j.head()
	if err != nil || head < 0 {
		return nil, err == nil, err
	}
	r, err := j.before(head)
	if err != nil {
		return nil, false, err
	}
	if r.end(j) != head { // not all of it was written
		head = r.at
		if r, err = j.before(head); err != nil {
			return nil, false, err
		}
	}
	if clean, err := j.unmounted(r, head); clean || err != nil {
		return r, clean, err
	}
	if r, head, err = j.whole(r, head); err != nil {
		return nil, false, err
	}
	clean, err := j.unmounted(r, head)
	return r, clean, err
}

// head is the block behind what was written last, where the cycle steps down;
// -1 when nothing was written. It is xlog_find_head.
func (j *journal) head() (int64, error) {
	first, err := j.cycle(0)
	if err != nil || first == 0 {
		return -1, err
	}
	last, err := j.cycle(j.size - 1)
	if err != nil {
		return -1, err
	}
	head, stale := j.size, last-1
	if first != last {
		if head, err = j.search(last); err != nil {
			return -1, err
		}
		stale = last
	}
	// Writes under way may have been done in any order: there may be gaps.
	under := min(j.size, maxUnderWay)
	if wrapped := under - head; wrapped > 0 && stale > 0 {
		gap, err := j.find(j.size-wrapped, j.size, stale-1)
		if err != nil || gap >= 0 {
			return gap % j.size, err
		}
	}
	gap, err := j.find(max(0, head-under), head, stale)
	if err != nil {
		return -1, err
	}
	if gap >= 0 {
		head = gap
	}
	return head % j.size, nil
}

// search returns the first block of the given cycle, which the last block has
// and the first has not.
func (j *journal) search(cycle uint32) (int64, error) {
	low, high := int64(0), j.size-1
	for high-low > 1 {
		mid := low + (high-low)/2
		c, err := j.cycle(mid)
		if err != nil {
			return -1, err
		}
		if c == cycle {
			high = mid
		} else {
			low = mid
		}
	}
	return high, nil
}

// find returns the first block from from to to that has the given cycle, or -1.
func (j *journal) find(from, to int64, cycle uint32) (int64, error) {
	for at := from; at < to; at++ {
		c, err := j.cycle(at)
		if err != nil {
			return -1, err
		}
		if c == cycle {
			return at, nil
		}
	}
	return -1, nil
}

// before returns the last record that starts before a block.
func (j *journal) before(head int64) (*record, error) {
	for back := range min(j.size, 2*maxUnderWay) {
		at := (head - 1 - back + j.size) % j.size
		var b [4]byte
		if err := j.dev.Read(b[:], j.start+at*logBlock); err != nil {
			return nil, err
		}
		if be.Uint32(b[:]) == recordMagic {
			return j.record(at)
		}
	}
	return nil, errNoRecord
}

// record reads the header of a record: struct xlog_rec_header.
func (j *journal) record(at int64) (*record, error) {
	b, err := j.read(at, 1)
	if err != nil {
		return nil, err
	}
	r := &record{
		at: at, headers: 1, unchecked: !j.dev.verifies,
		cycle: be.Uint32(b[4:]),
		lsn:   be.Uint64(b[16:]), tail: be.Uint64(b[24:]),
		crc: le.Uint32(b[recordCRC:]),
		ops: int(be.Uint32(b[40:])),
	}
	version, length, size := be.Uint32(b[8:]), be.Uint32(b[12:]), be.Uint32(b[320:])
	switch {
	case be.Uint32(b) != recordMagic:
		return nil, fmt.Errorf("block %d: no record starts here", at)
	case version != recordVersion1 && version != recordVersion2:
		return nil, fmt.Errorf("block %d: a record of version %d", at, version)
	case length == 0 || length > recordMaxSize || r.ops > recordMaxSize/opHeader:
		return nil, fmt.Errorf("block %d: a record of %d bytes", at, length)
	case be.Uint32(b[300:]) != recordLittle:
		return nil, fmt.Errorf("block %d: a record of a big-endian machine is not read", at)
	case !bytes.Equal(b[304:320], j.sb.uuid()):
		return nil, fmt.Errorf("block %d: a record of another filesystem", at)
	}
	if version == recordVersion2 && size > headerCovers {
		r.headers = (min(int64(size), recordMaxSize) + headerCovers - 1) / headerCovers
	}
	r.length = int64(length)
	if r.blocks = (r.length + logBlock - 1) / logBlock; r.headers+r.blocks > j.size {
		return nil, fmt.Errorf("block %d: a record is longer than the log", at)
	}
	r.raw, err = j.read(at, r.headers)
	return r, err
}

// unmounted tells whether a record is the one that an unmount writes last.
func (j *journal) unmounted(r *record, head int64) (bool, error) {
	if r.ops != 1 || r.end(j) != head {
		return false, nil
	}
	b, err := j.read((r.at+r.headers)%j.size, 1)
	if err != nil {
		return false, err
	}
	return b[9]&opUnmount != 0, nil
}

// whole goes back over the records that may have been under way when the
// machine stopped, and returns the last before the first that is not whole.
func (j *journal) whole(r *record, head int64) (*record, int64, error) {
	last, end := r, head
	for range maxRecords {
		data, err := j.read((r.at+r.headers)%j.size, r.blocks)
		if err != nil {
			return nil, 0, err
		}
		sound := r.sound(data)
		if !sound {
			last, end = nil, r.at
		}
		earlier, err := j.before(r.at)
		if err != nil || earlier.end(j) != r.at || earlier.lsn >= r.lsn {
			break // r is the first in the log
		}
		if last == nil {
			last = earlier
		}
		if r = earlier; r.at == int64(uint32(last.tail)) {
			break
		}
	}
	if last == nil {
		return nil, 0, errors.New("the checksum of its only record does not match: run xfs_repair on a copy")
	}
	return last, end, nil
}

// sound verifies a record's checksum, which goes over the header, the cycles in the
// further blocks of the header, and the data as they lie in the log. Mkfs
// writes none.
func (r *record) sound(data []byte) bool {
	if r.crc == 0 || r.unchecked {
		return true
	}
	for _, size := range []int{recordStruct, recordStruct32} {
		crc := crc32.Update(0, castagnoli, r.raw[:recordCRC])
		crc = crc32.Update(crc, castagnoli, make([]byte, 4))
		crc = crc32.Update(crc, castagnoli, r.raw[recordCRC+4:size])
		for at := logBlock; at < len(r.raw); at += logBlock {
			crc = crc32.Update(crc, castagnoli, r.raw[at:at+recordExtension])
		}
		if crc32.Update(crc, castagnoli, data[:r.length]) == r.crc {
			return true
		}
	}
	return false
}
