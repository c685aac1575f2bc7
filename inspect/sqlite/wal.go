package sqlite

import (
	"encoding/binary"
)

// The parts of a log.
const (
	walHeader  = 32
	frameSize  = 24
	walMagic   = 0x377f0682 // the last bit tells the order of the checksums' words
	walVersion = 3007000
)

// A wal is a log's content with the place of the newest committed frame of
// each page.
type wal struct {
	content Content
	frames  map[uint32]int64
	// pages is the database's size after the last commit.
	pages uint32
}

// readWAL finds what of the log counts, as sqlite's recovery does: frames up
// to the last commit before the first frame whose salt or checksum is wrong.
// It gives nil for a log of which nothing counts.
func readWAL(c Content, pageSize int) (*wal, error) {
	head := make([]byte, walHeader)
	if c.Size() < walHeader {
		return nil, nil
	}
	if err := readFull(c, head, 0); err != nil {
		return nil, err
	}
	magic, size := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[8:])
	if magic&^1 != walMagic {
		return nil, nil
	}
	sum := checksum{order: binary.LittleEndian}
	if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	sum.add(head[:24])
	if !sum.is(head[24:]) {
		return nil, nil
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != walVersion {
		return nil, malformed("version %d of a log is unknown", v)
	}
	if int64(size) != int64(pageSize) {
		return nil, malformed("its pages have %d bytes and the database's have %d", size, pageSize)
	}
	return readFrames(c, head[16:24], &sum, pageSize)
}

// readFrames walks the frames. Those that no commit follows do not count.
func readFrames(c Content, salt []byte, sum *checksum, pageSize int) (*wal, error) {
	w := &wal{content: c, frames: map[uint32]int64{}}
	open := map[uint32]int64{}
	frame := make([]byte, frameSize+pageSize)
	for at := int64(walHeader); at+int64(len(frame)) <= c.Size(); at += int64(len(frame)) {
		if err := readFull(c, frame, at); err != nil {
			return nil, err
		}
		page, commit := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
		sum.add(frame[:8])
		sum.add(frame[frameSize:])
		if page == 0 || string(frame[8:16]) != string(salt) || !sum.is(frame[16:24]) {
			break
		}
		open[page] = at + frameSize
		if commit == 0 {
			continue
		}
		for n, where := range open {
			w.frames[n] = where
		}
		clear(open)
		w.pages = commit
	}
	if w.pages == 0 {
		return nil, nil
	}
	return w, nil
}

// A checksum runs over a log's header and frames.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

// add takes bytes whose number is a multiple of eight.
func (c *checksum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.s0 += c.order.Uint32(data) + c.s1
		c.s1 += c.order.Uint32(data[4:]) + c.s0
	}
}

// is tells whether stored is the checksum, which is always big-endian.
func (c *checksum) is(stored []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(stored) && c.s1 == binary.BigEndian.Uint32(stored[4:])
}
