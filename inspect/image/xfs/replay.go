package xfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// The kinds of items: xfs_log_format.h. Those that are not named change free
// space, quotas and reverse mappings only.
const (
	kindInode        = 0x123b
	kindBuffer       = 0x123c
	kindCreate       = 0x123f
	kindMap          = 0x1244 // and the kind after each of these says that it is done
	kindMapDone      = 0x1245
	kindAttr         = 0x1246
	kindAttrDone     = 0x1247
	kindExchange     = 0x1248
	kindExchangeDone = 0x1249
)

// The flags of a buffer: xfs_buf_log_format.
const (
	bufferInodes = 0x1 // only the list of deleted inodes changes
	bufferCancel = 0x2 // earlier changes are void
	bufferQuotas = 0x4 | 0x8 | 0x10
	bufferChunk  = 128
	bufferFixed  = 20
	bufferWords  = 16
)

// A span is a run of blocks of 512 bytes.
type span struct{ block, length uint64 }

// An intent is a change that was begun in the log.
type intent struct {
	kind uint16
	id   uint64
}

// A recovery makes the changes of a log over its device.
type recovery struct {
	sb   *superblock
	over *overlay
	// cancelled counts what frees a buffer later in the log.
	cancelled map[span]int
	// freed counts the same by the first block.
	freed map[uint64]int
	// pending are the inodes of intents that are not done.
	pending map[intent][]uint64
	// adopted are inodes that took the extents of others.
	adopted map[uint64]bool
}

// replay returns the device as it will look when its log has been replayed, as
// xlog_recover does it. Nothing is written; the changes are kept in memory. The
// recovery is nil when there is nothing to replay.
func replay(ctx context.Context, sb *superblock, dev *device, size int64) (*recovery, error) {
	j, err := openJournal(sb, dev)
	if err != nil {
		return nil, err
	}
	last, clean, err := j.last()
	if err != nil || clean {
		return nil, err
	}
	if sb.logIncompat&^logIncompatXattrs != 0 {
		return nil, fmt.Errorf("it was not replayed, and has the unknown features %#x", sb.logIncompat)
	}
	rc := &recovery{
		sb: sb, over: newOverlay(dev.r, size),
		cancelled: map[span]int{}, freed: map[uint64]int{}, pending: map[intent][]uint64{}, adopted: map[uint64]bool{},
	}
	if err := j.transactions(ctx, last, rc.cancels); err != nil {
		return nil, err
	}
	return rc, j.transactions(ctx, last, rc.apply)
}

// cancels notes what a transaction frees: the first pass.
func (rc *recovery) cancels(t *transaction) error {
	for _, it := range t.items {
		if it.kind() != kindBuffer {
			continue
		}
		b, err := decodeBuffer(it)
		if err != nil {
			return err
		}
		if b.flags&bufferCancel != 0 {
			rc.cancel(b.span, 1)
		}
	}
	return nil
}

func (rc *recovery) cancel(s span, n int) {
	rc.cancelled[s] += n
	rc.freed[s.block] += n
}

// apply makes the changes of a transaction: the second pass. Buffers come
// before inodes, which lie in them, and before what frees them.
func (rc *recovery) apply(t *transaction) error {
	for turn := range 3 {
		for _, it := range t.items {
			if turnOf(it) != turn {
				continue
			}
			if len(it.regions) < it.total {
				return fmt.Errorf("an item has %d of %d regions", len(it.regions), it.total)
			}
			if err := rc.item(it, t.lsn); err != nil {
				return err
			}
		}
	}
	return nil
}

// turnOf is the order of xlog_recover_reorder_trans.
func turnOf(it *item) int {
	switch kind := it.kind(); {
	case kind == kindCreate:
		return 0
	case kind != kindBuffer:
		return 1
	case len(it.regions[0]) >= 6 && le.Uint16(it.regions[0][4:])&bufferCancel != 0:
		return 2
	}
	return 0
}

func (rc *recovery) item(it *item, lsn uint64) error {
	switch kind := it.kind(); kind {
	case kindBuffer:
		return rc.buffer(it, lsn)
	case kindInode:
		return rc.inode(it, lsn)
	case kindCreate:
		return rc.create(it.regions[0])
	case kindMap, kindAttr, kindExchange:
		return rc.begin(kind, it.regions[0])
	case kindMapDone, kindAttrDone, kindExchangeDone:
		if len(it.regions[0]) < 16 {
			return errors.New("the end of an intent is cut off")
		}
		delete(rc.pending, intent{kind - 1, le.Uint64(it.regions[0][8:])})
	}
	return nil
}

// begin notes an intent and whose it is.
func (rc *recovery) begin(kind uint16, b []byte) error {
	if len(b) < 32 {
		return errors.New("an intent is cut off")
	}
	inodes := []uint64{le.Uint64(b[16:])}
	switch kind {
	case kindExchange:
		inodes = append(inodes, le.Uint64(b[24:]))
	case kindAttr:
		const firstParent, lastParent = 4, 6 // XFS_ATTRI_OP_FLAGS_PPTR_*: nobody is shown these
		if op := b[24]; op >= firstParent && op <= lastParent {
			return nil
		}
	}
	rc.pending[intent{kind, le.Uint64(b[8:])}] = inodes
	return nil
}

// unsettled are the inodes that the kernel would change further to end what was
// begun.
func (rc *recovery) unsettled() map[uint64]bool {
	out := map[uint64]bool{}
	for _, inodes := range rc.pending {
		for _, ino := range inodes {
			out[ino] = true
		}
	}
	return out
}

// A loggedBuffer is a decoded struct xfs_buf_log_format.
type loggedBuffer struct {
	span
	flags uint16
	words []byte // the map of what was changed, in chunks of 128 bytes
}

func decodeBuffer(it *item) (loggedBuffer, error) {
	b := it.regions[0]
	if len(b) < bufferFixed {
		return loggedBuffer{}, errors.New("a buffer's item is cut off")
	}
	words := le.Uint32(b[16:])
	if words > bufferWords || len(b) < bufferFixed+int(words)*4 {
		return loggedBuffer{}, errors.New("a buffer's map is cut off")
	}
	return loggedBuffer{
		span:  span{le.Uint64(b[8:]), uint64(le.Uint16(b[6:]))},
		flags: le.Uint16(b[4:]),
		words: b[bufferFixed : bufferFixed+int(words)*4],
	}, nil
}

// buffer makes the changes of a buffer: xlog_recover_buf_commit_pass2.
func (rc *recovery) buffer(it *item, lsn uint64) error {
	b, err := decodeBuffer(it)
	if err != nil {
		return err
	}
	if b.flags&bufferCancel != 0 {
		rc.cancel(b.span, -1)
		return nil
	}
	if rc.cancelled[b.span] > 0 || b.flags&(bufferInodes|bufferQuotas) != 0 {
		return nil
	}
	if b.block > 1<<53 || !rc.over.covers(b.block*logBlock, b.length*logBlock) {
		return fmt.Errorf("a buffer of %d sectors at %d is outside of the device", b.length, b.block)
	}
	off := int64(b.block) * logBlock
	data := make([]byte, b.length*logBlock)
	if n, err := rc.over.ReadAt(data, off); n < len(data) {
		return noEOF(err)
	}
	if !rc.over.buffers[int64(b.block)] && rc.newer(data, lsn) {
		return nil
	}
	rc.over.buffers[int64(b.block)] = true
	return rc.chunks(it, b, off)
}

// chunks writes the regions where the map says.
func (rc *recovery) chunks(it *item, b loggedBuffer, off int64) error {
	set := func(bit int) bool { return bit < len(b.words)*8 && b.words[bit/8]>>(bit%8)&1 != 0 }
	next := 1
	for bit := 0; bit < len(b.words)*8; {
		if !set(bit) {
			bit++
			continue
		}
		end := bit
		for set(end) {
			end++
		}
		if next >= len(it.regions) {
			return errors.New("a buffer has fewer regions than its map")
		}
		// A region is shorter than the run of bits where the buffer lies in pieces of memory.
		n := min(end-bit, len(it.regions[next])/bufferChunk)
		if n == 0 || uint64(bit+n)*bufferChunk > b.length*logBlock {
			return errors.New("a buffer's map does not fit the buffer")
		}
		if err := rc.over.write(it.regions[next][:n*bufferChunk], off+int64(bit)*bufferChunk); err != nil {
			return err
		}
		next++
		bit += n
	}
	return nil
}

// newer tells whether a buffer on the device has the changes of a transaction
// already: xlog_recover_get_buf_lsn. Of those that say nothing, and of other
// filesystems, it is assumed that they have not.
func (rc *recovery) newer(b []byte, lsn uint64) bool {
	if !rc.sb.checksummed() || len(b) < logBlock {
		return false
	}
	var lsnAt, uuidAt int
	switch be.Uint32(b) {
	case 0x41423342, 0x41423343, 0x49414233, 0x46494233, 0x524d4233, 0x52334643: // trees of free space, inodes, ...
		lsnAt, uuidAt = 24, 32
	case treeMagicV5:
		lsnAt, uuidAt = 32, 40
	case linkMagicRemote:
		lsnAt, uuidAt = 48, 16
	case magicSingleV5, magicDataV5, 0x58444633: // and free space of a directory
		lsnAt, uuidAt = 16, 24
	case 0x58465342: // the superblock
		lsnAt, uuidAt = 240, 32
		if rc.sb.incompat&incompatMetaUUID != 0 {
			uuidAt = 248
		}
	default:
		switch be.Uint16(b[8:]) {
		case 0x3df1, 0x3dff, leafMagicV5, nodeMagicV5:
			lsnAt, uuidAt = 24, 32
		default:
			return false
		}
	}
	has := be.Uint64(b[lsnAt:])
	return has != 0 && has != ^uint64(0) && has >= lsn && bytes.Equal(b[uuidAt:uuidAt+16], rc.sb.metaUUID())
}
