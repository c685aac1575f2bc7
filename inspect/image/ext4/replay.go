package ext4

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// scan reads the committed transactions. The log ends at the first block that
// does not belong to the transaction that is expected, whose number is next.
func (j *journal) scan(ctx context.Context) (log []transaction, next uint32, err error) {
	open := transaction{sequence: j.sequence}
	at, left := j.start, j.last-j.first
	for left > 0 {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		b, err := j.block(at)
		if err != nil {
			return nil, 0, err
		}
		if be.Uint32(b) != journalMagic || be.Uint32(b[8:]) != open.sequence {
			break
		}
		used := uint32(1)
		switch be.Uint32(b[4:]) {
		case blockDescriptor:
			used, err = j.descriptor(b, at, left, &open)
		case blockRevoke:
			err = j.revoke(b, &open)
		case blockCommit:
			if j.checksummed() && !zeroedSound(j.seed, b, 16) {
				err = errors.New("the checksum does not match")
			}
			log = append(log, open)
			open = transaction{sequence: open.sequence + 1}
		default:
			err = fmt.Errorf("type %d is unknown", be.Uint32(b[4:]))
		}
		if err != nil {
			return nil, 0, fmt.Errorf("block %d: %w", at, err)
		}
		for range used {
			at = j.next(at)
		}
		left -= used
	}
	return log, open.sequence, nil
}

// descriptor reads the tags of the blocks that follow it, and returns how many
// blocks that takes in all.
func (j *journal) descriptor(b []byte, at, left uint32, t *transaction) (uint32, error) {
	end := len(b)
	if j.checksummed() {
		end -= 4
		if !zeroedSound(j.seed, b, end) {
			return 0, errors.New("the checksum does not match")
		}
	}
	used := uint32(1)
	size := j.tagSize()
	for p := journalHeaderSize; p+size <= end; {
		if used >= left {
			return 0, errors.New("a transaction is longer than the log")
		}
		at = j.next(at)
		used++
		l, flags := j.tag(b[p:])
		l.at = at
		if l.target >= j.fs.blocks {
			return 0, fmt.Errorf("it writes to block %d of %d", l.target, j.fs.blocks)
		}
		t.blocks = append(t.blocks, l)
		p += size
		if flags&tagSameUUID == 0 {
			p += 16
		}
		if flags&tagLast != 0 {
			break
		}
	}
	return used, nil
}

// tagSize is that of journal_tag_bytes in fs/jbd2/journal.c.
func (j *journal) tagSize() int {
	if j.incompat&journalCsumV3 != 0 {
		return 16
	}
	size := 8
	if j.incompat&journalCsumV2 != 0 {
		size += 2
	}
	if j.incompat&journal64Bit != 0 {
		size += 4
	}
	return size
}

func (j *journal) tag(b []byte) (logged, uint32) {
	l := logged{target: uint64(be.Uint32(b))}
	if j.incompat&journalCsumV3 != 0 {
		flags := be.Uint32(b[4:])
		l.target |= uint64(be.Uint32(b[8:])) << 32
		l.checksum = be.Uint32(b[12:])
		l.escaped = flags&tagEscaped != 0
		return l, flags
	}
	flags := uint32(be.Uint16(b[6:]))
	l.checksum = uint32(be.Uint16(b[4:]))
	l.escaped = flags&tagEscaped != 0
	if j.incompat&journal64Bit != 0 {
		l.target |= uint64(be.Uint32(b[8:])) << 32
	}
	return l, flags
}

// revoke reads the blocks that earlier transactions must not bring back.
func (j *journal) revoke(b []byte, t *transaction) error {
	end, size := len(b), 4
	if j.checksummed() {
		end -= 4
		if !zeroedSound(j.seed, b, end) {
			return errors.New("the checksum does not match")
		}
	}
	if j.incompat&journal64Bit != 0 {
		size = 8
	}
	count := int64(be.Uint32(b[12:]))
	if count > int64(end) {
		return fmt.Errorf("it claims %d bytes", count)
	}
	for p := journalHeaderSize + 4; p+size <= int(count); p += size {
		if size == 8 {
			t.revoked = append(t.revoked, be.Uint64(b[p:]))
		} else {
			t.revoked = append(t.revoked, uint64(be.Uint32(b[p:])))
		}
	}
	return nil
}

// overlay puts the blocks of the transactions over the device, the latest
// last. A block that was revoked comes from later transactions only.
func (j *journal) overlay(r io.ReaderAt, log []transaction) (io.ReaderAt, error) {
	revoked := map[uint64]uint32{}
	for _, t := range log {
		for _, block := range t.revoked {
			revoked[block] = t.sequence
		}
	}
	over := &replayed{r: r, journal: j, blocks: map[uint64]logged{}}
	for _, t := range log {
		for _, l := range t.blocks {
			if until, ok := revoked[l.target]; ok && int32(until-t.sequence) >= 0 {
				continue
			}
			if err := j.verify(l, t.sequence); err != nil {
				return nil, err
			}
			over.blocks[l.target] = l
		}
	}
	return over, nil
}

// verify checks a logged block against its tag.
func (j *journal) verify(l logged, sequence uint32) error {
	if !j.checksummed() {
		return nil
	}
	b, err := j.block(l.at)
	if err != nil {
		return err
	}
	crc := crc32c(crc32c(j.seed, be.AppendUint32(nil, sequence)), b)
	if j.incompat&journalCsumV3 == 0 {
		crc &= 0xffff
	}
	if crc != l.checksum {
		return fmt.Errorf("block %d: the checksum of its content does not match", l.at)
	}
	return nil
}

// A replayed device shows the blocks of the journal in place of its own.
type replayed struct {
	r       io.ReaderAt
	journal *journal
	blocks  map[uint64]logged
}

// ReadAt implements io.ReaderAt.
func (d *replayed) ReadAt(p []byte, off int64) (int, error) {
	size := d.journal.fs.blockSize
	for done := 0; done < len(p); {
		at := off + int64(done)
		if l, ok := d.blocks[uint64(at/size)]; ok {
			b, err := d.journal.block(l.at)
			if err != nil {
				return done, err
			}
			if l.escaped {
				be.PutUint32(b, journalMagic)
			}
			done += copy(p[done:], b[at%size:])
			continue
		}
		n, err := d.r.ReadAt(p[done:done+d.own(at, len(p)-done)], at)
		done += n
		if err != nil && done < len(p) {
			return done, err
		}
	}
	return len(p), nil
}

// own is how many bytes from at on, up to most, are the device's own.
func (d *replayed) own(at int64, most int) int {
	size := d.journal.fs.blockSize
	n := size - at%size
	for n < int64(most) {
		if _, ok := d.blocks[uint64((at+n)/size)]; ok {
			break
		}
		n += size
	}
	return int(min(n, int64(most)))
}
